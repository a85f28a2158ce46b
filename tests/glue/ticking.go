// Command ticking is a stack that has a timer due each microsecond, and nothing else.
package main

import (
	"time"

	"conformance"
)

func main() {
	conformance.Serve(func(g *conformance.Glue) conformance.Stack { return &stack{g} })
}

type stack struct{ g *conformance.Glue }

func (s *stack) Version() (string, []string) { return "ticking", []string{"CALLS"} }

func (s *stack) Use(conformance.Link) { s.tick() }

func (s *stack) tick() { s.g.Clock.After(time.Microsecond, s.tick) }

func (s *stack) Feed(frame []byte) {}

func (s *stack) Idle() {}

func (s *stack) State(local, remote uint16) string { return "" }

func (s *stack) Set(name, value string) { conformance.Fail("ENOPROTOOPT") }

func (s *stack) End() {}

func (s *stack) Socket() conformance.Socket {
	conformance.Fail("ENOSYS")
	return nil
}

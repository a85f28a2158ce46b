package conformance

// Who is told that something happened to a socket, and asks again.
//
// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The tcp-conformance authors

import "sync/atomic"

// Sleeper is a Socket that counts how often the stack told of it: a call that waits is tried again
// when that has moved, as a program that sleeps; another's is whenever anything happened.
type Sleeper interface {
	Told() uint32
}

// Bell is what a stack rings, from any goroutine; a Socket that has one within is a Sleeper.
type Bell struct {
	rung  atomic.Uint32
	woken chan<- struct{}
}

// Bell is a new one.
func (g *Glue) Bell() *Bell { return &Bell{woken: g.Woken} }

func (b *Bell) Told() uint32 { return b.rung.Load() }

// Ring wakes the glue, and does not wait.
func (b *Bell) Ring() {
	b.rung.Add(1)
	select {
	case b.woken <- struct{}{}:
	default:
	}
}

// told is the Sleeper's count of the call's socket; of another's a number that is never the same,
// nor 1<<32, which is that of a call not yet tried.
func (g *Glue) told(c *call) uint64 {
	if h := c.Socket; h != nil && g.handles[*h] != nil {
		if s, is := g.handles[*h].Socket.(Sleeper); is {
			return uint64(s.Told())
		}
	}
	g.untold++
	return 1<<32 + g.untold
}

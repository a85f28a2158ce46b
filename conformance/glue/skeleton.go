// Command @NAME@ wires @NAME@ into the conformance harness. The package conformance, in its directory
// here, explains each method.
//
//	go build .
//
// This compiles and runs as it is, on a toy that answers ARP and resets every connection that is
// asked for. Put your stack in its place, one TODO after the other; conformance target check
// @NAME@.yaml says what is still missing.
//
// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The tcp-conformance authors
package main

import (
	"bytes"
	"encoding/binary"
	"strings"

	"glue/conformance"
)

func main() {
	conformance.Serve(func(g *conformance.Glue) conformance.Stack { return &wired{g: g} })
}

// ---- the toy; TODO: remove it, and import your stack ------------------------------------------------

func sum16(data []byte, sum uint32) []byte {
	for i := 0; i+1 < len(data); i += 2 {
		sum += uint32(data[i])<<8 | uint32(data[i+1])
	}
	for sum>>16 != 0 {
		sum = sum&0xFFFF + sum>>16
	}
	return []byte{^byte(sum >> 8), ^byte(sum)}
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func toyARP(l conformance.Link, frame []byte) []byte {
	if len(frame) < 42 || frame[21] != 1 || !bytes.Equal(frame[38:42], l.Target) {
		return nil
	}
	return join(frame[6:12], l.Own, frame[12:20], []byte{0, 2}, l.Own, l.Target, frame[22:32])
}

// toyReset is <SEQ=0><ACK=SEG.SEQ+1><CTL=RST,ACK> to a SYN: RFC 9293 3.10.7.1.
func toyReset(l conformance.Link, frame []byte) []byte {
	if len(frame) < 34 || frame[14]&15 < 5 || len(frame) < 34+4*int(frame[14]&15) {
		return nil
	}
	ip, tcp := frame[14:34], frame[14+4*int(frame[14]&15):]
	if ip[9] != 6 || !bytes.Equal(ip[16:20], l.Target) || tcp[13]&0x17 != 2 {
		return nil
	}
	header := join([]byte{0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0}, ip[16:20], ip[12:16])
	copy(header[10:], sum16(header, 0))
	reset := join(tcp[2:4], tcp[0:2], make([]byte, 8), []byte{0x50, 0x14}, make([]byte, 6))
	binary.BigEndian.PutUint32(reset[8:], binary.BigEndian.Uint32(tcp[4:])+1)
	copy(reset[16:], sum16(join(header[12:], reset), 6+20))
	return join(frame[6:12], l.Own, frame[12:14], header, reset)
}

// ---- the stack --------------------------------------------------------------------------------------

// wired is the stack. TODO: yours, and what you keep of it.
type wired struct {
	g    *conformance.Glue
	link conformance.Link
}

func (w *wired) Version() (string, []string) {
	// TODO: its version; ACTIVE-OPEN, IPV6, ICMP, OPTIONS, as it can
	return "@NAME@", strings.Fields("CALLS STATE")
}

func (w *wired) Use(l conformance.Link) {
	// TODO: start your stack and give its interface l.Own, l.Target, l.Prefix and l.MTU. Its driver sends
	// with w.g.Transmit(w, frame), its timers are w.g.Clock.After. Tell it that l.Tester is at l.Other.
	conformance.Check(len(l.Target) == 4, "EAFNOSUPPORT")
	w.link = l
}

func (w *wired) Feed(frame []byte) {
	// TODO: hand the frame to your stack.
	var reply []byte
	switch {
	case frame[12] == 8 && frame[13] == 6:
		reply = toyARP(w.link, frame)
	case frame[12] == 8 && frame[13] == 0:
		reply = toyReset(w.link, frame)
	}
	if reply != nil {
		w.g.Transmit(w, reply)
	}
}

func (w *wired) Idle() {
	// TODO: if your stack has goroutines of its own, wait until they have nothing to do.
}

func (w *wired) State(local, remote uint16) string {
	// TODO: the state of the connection between these ports, by its name in RFC 9293 3.3.2
	// ("SYN-RECEIVED", "TIME-WAIT"), from your table of connections; "" for none.
	return ""
}

func (w *wired) Set(name, value string) { conformance.Fail("ENOPROTOOPT") }

func (w *wired) End() {}

// socket is one end of a connection, or a listener. TODO: yours.
type socket struct{ w *wired }

func (w *wired) Socket() conformance.Socket { return &socket{w} }

func (s *socket) Bind(port uint16) {
	// TODO: keep the port; 0: choose one.
}

func (s *socket) Listen(backlog int) {
	// TODO: listen on the port of Bind.
}

func (s *socket) Accept() conformance.Socket {
	// TODO: the oldest connection that is ESTABLISHED and that nobody has accepted.
	conformance.Wait()
	return nil
}

func (s *socket) Connect(port uint16) {
	// TODO: send a SYN to the port of the tester, and Wait() until it is ESTABLISHED.
	conformance.Fail("ENOSYS")
}

func (s *socket) Send(data []byte, more bool) int {
	// TODO: take what your send buffer has room for, say how much, and send; Wait() if it is full.
	conformance.Fail("EPIPE")
	return 0
}

func (s *socket) Recv(count int) []byte {
	// TODO: what is there, and open the window; nil at the end of the stream; else Wait().
	conformance.Fail("ENOTCONN")
	return nil
}

func (s *socket) Shutdown(how int) {
	// TODO: how&2: a FIN behind what is queued. how&1: nobody will read.
	conformance.Fail("ENOTCONN")
}

func (s *socket) Close(reset bool) {
	// TODO: reset: send a RST and forget the connection. Else close it in good order: it goes on by
	// itself. A listener resets what nobody has accepted.
}

func (s *socket) Pending() int {
	conformance.Fail("ENOSYS") // TODO: octets that wait to be received
	return 0
}

func (s *socket) Options() map[string]conformance.Option {
	return nil // TODO: "NODELAY" and the like, as the stack has them
}

// Package conformance wires a TCP stack written in Go into the conformance harness. Standard library
// only, Go 1.18 or later, Linux: the protocol (version 1), the wire, both clocks, handles.
//
// How to write a glue (conformance target new NAME --lang go writes the frame of one):
//
//  1. main calls Serve with a function that makes your Stack: once at the beginning, once after each
//     reset. One goroutine calls you; nothing of Stack but Version is called before Use.
//  2. Use configures your one interface; Feed gives you an Ethernet frame; your driver's output
//     function calls Transmit. The tester never changes: tell your stack where it is, for good.
//  3. Your clock is Glue.Clock: Now, and After for a timer. A stack that keeps to it runs in virtual
//     time too. Idle returns when nothing is left to do before the next timer.
//  4. A Socket is one end of a connection, or a listener. No method blocks: one that has to wait
//     says Wait(), and is called again after each event. If that is no call, frame or timer of the
//     Clock (a goroutine of your own), send to Glue.Woken without waiting.
//  5. A method fails by Fail("ECONNRESET"); what the stack has not by Fail("ENOSYS").
//  6. State answers for two ports, from your table of connections, not of sockets: half-open ones,
//     those whose application has closed, TIME-WAIT. "": there is none.
//
// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The tcp-conformance authors
package conformance

import (
	"bufio"
	"bytes"
	"encoding/json"
	"log"
	"net"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

const most = 1 << 24 // octets of a line, of one send or recv

// Refused is the errno's name that ends a call. It is thrown, as again is by a call that must wait.
type Refused string

const again = Refused("again")

// Fail ends the call with this errno.
func Fail(errno string) { panic(Refused(errno)) }

// Wait says that the call cannot end yet; it is tried again after each event.
func Wait() { panic(again) }

// Check fails with the errno unless it is right.
func Check(right bool, errno string) {
	if !right {
		Fail(errno)
	}
}

// Link is what a stack is told of its one interface. The tester is on-link, whatever the prefix.
type Link struct {
	Ethertype      uint16 // of IPv4 or IPv6
	Target, Tester net.IP // of 4 or 16 octets
	Prefix, MTU    int
	Own, Other     net.HardwareAddr // of the target, of the tester
}

// Stack is one stack with its sockets; what it cannot do it refuses.
type Stack interface {
	Version() (text string, abilities []string)
	Use(l Link) // once, before any frame or socket
	Feed(frame []byte)
	Idle() // returns when nothing is left to do before the next timer
	Socket() Socket
	State(local, remote uint16) string // of RFC 9293 3.3.2; "" for none
	Set(name, value string)
	End() // nobody hears what it still has to say
}

// Socket is one end of a connection, or a listener; none of its methods blocks.
type Socket interface {
	Bind(port uint16)
	Listen(backlog int)
	Accept() Socket
	Connect(port uint16)             // called until it neither fails nor has to wait
	Send(data []byte, more bool) int // more: what is sent may wait for the next
	Recv(count int) []byte           // nil: the end of the stream
	Shutdown(how int)                // 1 reading, 2 writing, 3 both
	Close(reset bool)                // the connection goes on by itself; reset: it is aborted
	Pending() int                    // octets that wait to be received
	Options() map[string]Option      // by their names in the protocol
}

// Informer is a Socket that tells what TCP knows of the connection (ability INFO).
type Informer interface {
	Info() string // "cwnd=10 ca-state=open"
}

type handle struct {
	Socket
	sent      int    // octets of the stream function
	port      uint16 // that it was bound to
	bound     bool
	listening bool
}

// Glue is one stream of requests and what they asked for.
type Glue struct {
	Clock   *Clock
	Woken   chan struct{} // something happened to a socket
	stack   Stack
	fresh   func(*Glue) Stack
	out     *os.File
	wire    int
	used    bool // the stack has its link
	spoke   bool // a frame or a line went out
	last    int64
	untold  uint64 // how often no Sleeper was asked
	handles map[int64]*handle
	waiting []*call
}

type arguments struct {
	Socket, Port, Backlog, Count, Prefix, MTU, Local, Remote, Until *int64
	Target, Tester, Name, How, Flag                                 string
	LocalPort                                                       *int64 `json:"local_port"`
	TargetMAC                                                       string `json:"target_mac"`
	TesterMAC                                                       string `json:"tester_mac"`
	Text                                                            *string
	All                                                             any
	Value                                                           json.RawMessage
}

// call is one request on its way, tried until it is done. Those of one row go one after the other.
type call struct {
	arguments
	name, row string
	run       func(*Glue, *call) int
	reply     map[string]any
	own       bool   // Socket was made by this call
	data      []byte // still to be sent, or received so far
	total     int    // octets to be sent in all
	told      uint64 // what Glue.told said before it was tried last
}

// rows are those of a socket; close and shutdown wait for what is to be sent, and for no more.
var rows = map[string]string{
	"accept": "in", "recv": "in", "connect": "out", "send": "out", "close": "out", "shutdown": "out",
}

// number is an argument in 0..high; without an "otherwise" it must be there.
func number(value *int64, high int64, otherwise ...int) int {
	if value == nil && otherwise != nil {
		return otherwise[0]
	}
	Check(value != nil && *value >= 0 && *value <= high, "EINVAL")
	return int(*value)
}

func port(value *int64) uint16 { return uint16(number(value, 65535)) }

func (g *Glue) print(reply map[string]any) {
	line, _ := json.Marshal(reply)
	if _, err := g.out.Write(append(line, '\n')); err != nil {
		os.Exit(0) // nobody listens any more
	}
	g.spoke = true
}

// request begins the call of one line.
func (g *Glue) request(line []byte) {
	var r struct {
		ID   *int64
		Call *string
		Args json.RawMessage
	}
	if json.Unmarshal(line, &r) != nil || r.ID == nil || r.Call == nil {
		g.print(map[string]any{"id": nil, "errno": "EBADMSG"})
		return
	}
	c := &call{name: *r.Call, run: calls[*r.Call], reply: map[string]any{"id": *r.ID}, told: 1 << 32}
	if c.run == nil {
		c.run = func(*Glue, *call) int { panic(Refused("ENOSYS")) }
	} else if len(r.Args) > 0 && json.Unmarshal(r.Args, &c.arguments) != nil {
		c.run = func(*Glue, *call) int { panic(Refused("EINVAL")) }
	}
	for _, flag := range strings.Split(c.Flag, "|") {
		if strings.Contains(" PEEK DONTWAIT EOR FASTOPEN ", " "+flag+" ") { // one need not have them
			c.run = func(*Glue, *call) int { panic(Refused("ENOSYS")) }
		}
	}
	if row := rows[c.name]; row != "" && c.Socket != nil {
		c.row = strconv.FormatInt(*c.Socket, 10) + row
	}
	queued, ends := false, c.name == "close" || c.name == "shutdown"
	for _, w := range g.waiting {
		queued = queued || c.row != "" && w.row == c.row && (w.name == "send" || !ends)
	}
	c.reply["started"] = g.Clock.Nanos()
	if queued || !g.attempt(c) {
		g.rest()
		c.reply["pending"] = true
		g.print(c.reply)
		g.waiting = append(g.waiting, c)
	}
}

// attempt runs the call as far as it gets; false if it has to wait.
func (g *Glue) attempt(c *call) bool {
	c.told = g.told(c)
	value, errno := g.try(c)
	if errno != again {
		g.rest()
		g.finish(c, value, errno)
	}
	return errno != again
}

func (g *Glue) try(c *call) (value int, errno Refused) {
	defer func() {
		if fault := recover(); fault != nil {
			refused, is := fault.(Refused)
			if !is {
				panic(fault) // it ends the program
			}
			errno = refused
		}
	}()
	return c.run(g, c), ""
}

// finish writes the last line of a call; nobody waits for it any more.
func (g *Glue) finish(c *call, value int, errno Refused) {
	delete(c.reply, "pending")
	c.reply["ended"] = g.Clock.Nanos()
	if errno == "" {
		c.reply["value"] = value
	} else {
		c.reply["errno"] = errno
	}
	g.print(c.reply)
	var rest []*call
	for _, w := range g.waiting {
		if w != c {
			rest = append(rest, w)
		}
	}
	g.waiting = rest
}

// rest runs the stack, and the timers that are due, until nothing is left to do at this time.
func (g *Glue) rest() {
	for run := func() {}; run != nil && g.used; run = g.Clock.due() {
		run()
		g.stack.Idle()
	}
}

// settle gets the stack, and the calls that wait for it, as far as they get now.
func (g *Glue) settle() {
	for more := true; more; {
		g.rest()
		more = false
		behind := map[string]bool{}
		for _, c := range g.waiting {
			if more = !behind[c.row] && g.told(c) != c.told && g.attempt(c); more {
				break // what waits has changed
			}
			behind[c.row] = c.row != ""
		}
	}
}

const (
	pollIn  = 1
	pollOut = 4
	pollHup = 16
)

// poll waits for the events, for ever or not at all, and tells which came.
func poll(fd int, events int16, forever bool) int16 {
	one := struct {
		fd              int32
		events, revents int16
	}{int32(fd), events, 0}
	timeout := &syscall.Timespec{}
	if forever {
		timeout = nil
	}
	for {
		_, _, err := syscall.Syscall6(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(&one)), 1,
			uintptr(unsafe.Pointer(timeout)), 0, 0, 0)
		if err != syscall.EINTR {
			return one.revents
		}
	}
}

// Transmit puts a frame of the stack on the wire; one of a former stack is nothing.
func (g *Glue) Transmit(from Stack, frame []byte) {
	for g.stack == from {
		if _, err := syscall.Write(g.wire, frame); err != syscall.EAGAIN && err != syscall.EINTR {
			g.spoke = true
			return
		}
		poll(g.wire, pollOut, true)
	}
}

// pump feeds what waits on the wire; false if nobody is at its other end any more.
func (g *Glue) pump() bool {
	for frame := make([]byte, 1<<16); ; {
		switch size, err := syscall.Read(g.wire, frame); {
		case err == syscall.EAGAIN || err == syscall.EINTR:
			return true
		case err != nil || size == 0 && poll(g.wire, 0, false)&pollHup != 0:
			return false
		case g.used && size >= 14 && size < len(frame): // what is no frame is dropped, as any card does
			g.stack.Feed(append([]byte{}, frame[:size]...))
			g.rest()
		}
	}
}

// device is the descriptor that carries the frames.
func device() (fd int, err error) {
	name := os.Getenv("CONFORMANCE_INTERFACE")
	if name == "" {
		return strconv.Atoi(os.Getenv("CONFORMANCE_WIRE_FD"))
	}
	const all = syscall.ETH_P_ALL<<8&0xff00 | syscall.ETH_P_ALL>>8
	if fd, err = syscall.Socket(syscall.AF_PACKET, syscall.SOCK_RAW, all); err != nil {
		return fd, err
	}
	found, err := net.InterfaceByName(name)
	if err != nil {
		return fd, err
	}
	return fd, syscall.Bind(fd, &syscall.SockaddrLinklayer{Protocol: all, Ifindex: found.Index})
}

// begin forgets everything and goes on with a new stack; the clock goes on.
func (g *Glue) begin() {
	old := g.stack
	g.stack, g.used, g.last, g.handles, g.waiting = nil, false, 2, map[int64]*handle{}, nil
	g.Clock = &Clock{virtual: g.Clock.virtual, at: g.Clock.at}
	g.stack = g.fresh(g)
	if old != nil {
		old.End()
	}
}

// lines are the requests; nil is the end.
func lines() chan []byte {
	out := make(chan []byte)
	go func() {
		scanner := bufio.NewScanner(os.Stdin)
		scanner.Buffer(nil, most)
		for scanner.Scan() {
			if line := bytes.TrimSpace(scanner.Bytes()); len(line) > 0 {
				out <- append([]byte{}, line...)
			}
		}
		close(out)
		time.Sleep(time.Second) // enough to answer what was asked before
		os.Exit(0)
	}()
	return out
}

// Serve answers until the requests end; fresh makes a stack.
func Serve(fresh func(g *Glue) Stack) {
	log.SetFlags(0)
	signal.Ignore(syscall.SIGPIPE)
	virtual := os.Getenv("CONFORMANCE_CLOCK") == "virtual"
	g := &Glue{Clock: &Clock{virtual: virtual, at: 1e12}, Woken: make(chan struct{}, 1), fresh: fresh}
	g.out, os.Stdout = os.Stdout, os.Stderr // whatever else prints, prints there
	var err error
	if g.wire, err = device(); err == nil {
		err = syscall.SetNonblock(g.wire, true)
	}
	if err != nil {
		log.Print("neither CONFORMANCE_WIRE_FD nor CONFORMANCE_INTERFACE is a wire: ", err)
		os.Exit(2)
	}
	requests, frames := lines(), make(chan bool)
	if !virtual {
		go func() {
			for open := true; open; open = <-frames {
				poll(g.wire, pollIn, true)
				frames <- true
			}
		}()
	}
	for g.begin(); ; g.settle() {
		select {
		case line := <-requests:
			if line == nil {
				return
			}
			if !virtual {
				g.pump() // what came before the request counts before it
			}
			g.request(line)
		case <-frames:
			frames <- g.pump()
		case <-g.Woken:
		case <-g.Clock.alarm():
		}
	}
}

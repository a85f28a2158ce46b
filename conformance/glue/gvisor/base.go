package main

// What a glue program in Go stands on, whatever the stack: the protocol (version 1), the wire, the
// virtual clock. One goroutine does it all; after each call and frame it waits until the stack has
// nothing to do any more, so that what a request causes is out before its reply.

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

	"golang.org/x/sys/unix"
)

const most = 1 << 24 // octets of a line, of one send or recv

// refused is the errno's name that ends a call. It is thrown, as again is by a call that must wait.
type refused string

const again = refused("again")

func check(right bool, errno refused) {
	if !right {
		panic(errno)
	}
}

// fail ends the call with the errno of this number.
func fail(number int) { panic(refused(unix.ErrnoName(syscall.Errno(number)))) }

// link is what a stack is told of its one interface.
type link struct {
	ethertype      uint16 // of IPv4 or IPv6
	target, tester net.IP // of 4 or 16 octets
	prefix, mtu    int
	own, other     net.HardwareAddr
}

// network is one stack with its sockets; what it cannot do it refuses.
type network interface {
	version() (text string, abilities []string)
	use(l link) // once, before any frame or socket
	feed(frame []byte)
	idle() // returns when nothing is left to do before the next timer
	socket() conn
	state(local, remote uint16) string
	set(name, value string)
	end() // nobody hears what it still has to say
}

// conn is one socket; none of its methods blocks.
type conn interface {
	bind(port uint16)
	listen(backlog int)
	accept() conn
	connect(port uint16)             // called until it neither fails nor has to wait
	send(data []byte, more bool) int // more: what is sent may wait for the next
	recv(count int) []byte           // nil: EOF
	shutdown(how int)                // 1 reading, 2 writing, 3 both
	close()
	pending() int
	options() map[string]option
}

type handle struct {
	conn
	sent int // octets of the stream function
}

// glue is one stream of requests and what they asked for.
type glue struct {
	network
	clock   *clock // nil: the real one
	wire    int
	used    bool // the network has its link
	spoke   bool // a frame or a line went out
	last    int64
	handles map[int64]*handle
	waiting []*call
	wake    chan struct{} // something happened to a socket
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
	run       func(*glue, *call) int
	reply     map[string]any
	own       bool   // Socket was made by this call
	data      []byte // still to be sent, or received so far
	total     int    // octets to be sent in all
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
	check(value != nil && *value >= 0 && *value <= high, "EINVAL")
	return int(*value)
}

func port(value *int64) uint16 { return uint16(number(value, 65535)) }

// now is the time of the clock in use, in nanoseconds.
func (g *glue) now() int64 {
	if g.clock != nil {
		return g.clock.now
	}
	return time.Now().UnixNano()
}

func (g *glue) print(reply map[string]any) {
	line, _ := json.Marshal(reply)
	if _, err := os.Stdout.Write(append(line, '\n')); err != nil {
		os.Exit(0) // nobody listens any more
	}
	g.spoke = true
}

// request begins the call of one line.
func (g *glue) request(line []byte) {
	var r struct {
		ID   *int64
		Call *string
		Args json.RawMessage
	}
	if json.Unmarshal(line, &r) != nil || r.ID == nil || r.Call == nil {
		g.print(map[string]any{"id": nil, "errno": "EBADMSG"})
		return
	}
	c := &call{name: *r.Call, run: calls[*r.Call], reply: map[string]any{"id": *r.ID}}
	if c.run == nil {
		c.run = func(*glue, *call) int { panic(refused("ENOSYS")) }
	} else if len(r.Args) > 0 && json.Unmarshal(r.Args, &c.arguments) != nil {
		c.run = func(*glue, *call) int { panic(refused("EINVAL")) }
	}
	for _, flag := range strings.Split(c.Flag, "|") {
		if strings.Contains(" PEEK DONTWAIT EOR ", " "+flag+" ") { // one need not have them
			c.run = func(*glue, *call) int { panic(refused("ENOSYS")) }
		}
	}
	if row := rows[c.name]; row != "" && c.Socket != nil {
		c.row = strconv.FormatInt(*c.Socket, 10) + row
	}
	queued, ends := false, c.name == "close" || c.name == "shutdown"
	for _, w := range g.waiting {
		queued = queued || c.row != "" && w.row == c.row && (w.name == "send" || !ends)
	}
	c.reply["started"] = g.now()
	if queued || !g.attempt(c) {
		g.rest()
		c.reply["pending"] = true
		g.print(c.reply)
		g.waiting = append(g.waiting, c)
	}
}

// attempt runs the call as far as it gets; false if it has to wait.
func (g *glue) attempt(c *call) bool {
	value, errno := g.try(c)
	if errno != again {
		g.rest()
		g.finish(c, value, errno)
	}
	return errno != again
}

func (g *glue) try(c *call) (value int, errno refused) {
	defer func() {
		if fault := recover(); fault != nil {
			errno = fault.(refused) // any other ends the program
		}
	}()
	return c.run(g, c), ""
}

// finish writes the last line of a call; nobody waits for it any more.
func (g *glue) finish(c *call, value int, errno refused) {
	delete(c.reply, "pending")
	c.reply["ended"] = g.now()
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
func (g *glue) rest() {
	for run := func() {}; run != nil; run = g.clock.due() {
		run()
		g.idle()
	}
}

// settle gets the stack, and the calls that wait for it, as far as they get now.
func (g *glue) settle() {
	for more := true; more; {
		g.rest()
		more = false
		behind := map[string]bool{}
		for _, c := range g.waiting {
			if more = !behind[c.row] && g.attempt(c); more {
				break // what waits has changed
			}
			behind[c.row] = c.row != ""
		}
	}
}

// poll waits for the events, at most so many milliseconds, and tells which came.
func poll(fd int, events int16, timeout int) int16 {
	fds := []unix.PollFd{{Fd: int32(fd), Events: events}}
	for {
		if _, err := unix.Poll(fds, timeout); err != unix.EINTR {
			return fds[0].Revents
		}
	}
}

// transmit writes a frame of the stack; one of a former stack is nothing.
func (g *glue) transmit(from network, frame []byte) {
	for g.network == from {
		if _, err := unix.Write(g.wire, frame); err != unix.EAGAIN && err != unix.EINTR {
			g.spoke = true
			return
		}
		poll(g.wire, unix.POLLOUT, -1)
	}
}

// pump feeds what waits on the wire; false if nobody is at its other end any more.
func (g *glue) pump() bool {
	for frame := make([]byte, 1<<16); ; {
		switch size, err := unix.Read(g.wire, frame); {
		case err == unix.EAGAIN || err == unix.EINTR:
			return true
		case err != nil || size == 0 && poll(g.wire, 0, 0)&unix.POLLHUP != 0:
			return false
		case g.used && size < len(frame):
			g.feed(append([]byte{}, frame[:size]...))
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
	const all = unix.ETH_P_ALL<<8&0xff00 | unix.ETH_P_ALL>>8
	if fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, all); err != nil {
		return fd, err
	}
	found, err := net.InterfaceByName(name)
	if err != nil {
		return fd, err
	}
	return fd, unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: found.Index})
}

// begin forgets everything and goes on with a new stack.
func (g *glue) begin() {
	old := g.network
	g.network, g.used, g.last, g.handles, g.waiting = nil, false, 2, map[int64]*handle{}, nil
	if g.clock != nil {
		g.clock = &clock{now: g.clock.now}
	}
	g.network = fresh(g)
	if old != nil {
		old.end()
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

// serve answers until the requests end.
func serve() {
	log.SetFlags(0)
	signal.Ignore(unix.SIGPIPE)
	g := &glue{wake: make(chan struct{}, 1)}
	var err error
	if g.wire, err = device(); err == nil {
		err = unix.SetNonblock(g.wire, true)
	}
	if err != nil {
		log.Fatal("the wire: ", err)
	}
	requests, frames := lines(), make(chan bool)
	if os.Getenv("CONFORMANCE_CLOCK") == "virtual" {
		g.clock = &clock{now: 1e12}
	} else {
		go func() {
			for open := true; open; open = <-frames {
				poll(g.wire, unix.POLLIN, -1)
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
			if g.clock == nil {
				g.pump() // what came before the request counts before it
			}
			g.request(line)
		case <-frames:
			frames <- g.pump()
		case <-g.wake:
		}
	}
}

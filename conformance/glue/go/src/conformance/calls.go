package conformance

// The calls of the protocol, whatever the stack.
//
// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The tcp-conformance authors

import (
	"encoding/hex"
	"math"
	"net"
	"strings"
	"syscall"
	"time"
)

// calls is filled in late because advance leads back to it.
var calls map[string]func(*Glue, *call) int

func init() {
	calls = map[string]func(*Glue, *call) int{
		"version": (*Glue).callVersion, "use": (*Glue).callUse, "reset": (*Glue).callReset,
		"socket": (*Glue).callSocket, "bind": (*Glue).callBind, "listen": (*Glue).callListen,
		"accept": (*Glue).callAccept, "connect": (*Glue).callConnect,
		"send": (*Glue).callSend, "recv": (*Glue).callRecv, "pending": (*Glue).callPending,
		"shutdown": (*Glue).callShutdown, "close": (*Glue).callClose, "abort": (*Glue).callAbort,
		"setsockopt": (*Glue).callSetsockopt, "getsockopt": (*Glue).callGetsockopt,
		"state": (*Glue).callState, "set": (*Glue).callSet, "advance": (*Glue).callAdvance,
		"info": (*Glue).callInfo,
	}
}

// text is the value as it is written, a string or a number.
func (c *call) text() string { return strings.Trim(string(c.Value), `"`) }

func (g *Glue) handle(c *call) *handle {
	Check(c.Socket != nil && g.handles[*c.Socket] != nil, "EBADF")
	return g.handles[*c.Socket]
}

// open makes a socket; before there is an address nobody gets one.
func (g *Glue) open() Socket {
	Check(g.used, "ENETDOWN")
	return g.stack.Socket()
}

// adopt numbers a socket.
func (g *Glue) adopt(s Socket) int {
	g.last++
	g.handles[g.last] = &handle{Socket: s}
	return int(g.last)
}

// dismiss forgets the handle and ends what waits on it.
func (g *Glue) dismiss(c *call) Socket {
	s := g.handle(c)
	delete(g.handles, *c.Socket)
	for _, w := range g.waiting {
		if w != c && w.Socket != nil && *w.Socket == *c.Socket {
			g.finish(w, 0, "ECANCELED")
		}
	}
	return s.Socket
}

// made does it with the socket that the call names, or with a new one, which is gone if it fails.
func (g *Glue) made(c *call, do func(h *handle)) int {
	if c.Socket == nil {
		key := int64(g.adopt(g.open()))
		c.Socket, c.own = &key, true
	}
	defer func() {
		if fault := recover(); fault != nil {
			if c.own && fault != again {
				g.handle(c).Close(false)
				delete(g.handles, *c.Socket)
			}
			panic(fault)
		}
	}()
	do(g.handle(c))
	return int(*c.Socket)
}

func (g *Glue) callVersion(c *call) int {
	text, abilities := g.stack.Version()
	if g.Clock.virtual {
		abilities = append(abilities, "VIRTUAL-TIME")
	}
	c.reply["text"], c.reply["abilities"] = text, abilities
	return 1
}

func (g *Glue) callUse(c *call) int {
	l := Link{Ethertype: syscall.ETH_P_IPV6, Target: net.ParseIP(c.Target), Tester: net.ParseIP(c.Tester)}
	if four := l.Target.To4(); four != nil {
		l.Ethertype, l.Target, l.Tester = syscall.ETH_P_IP, four, l.Tester.To4()
	}
	Check(l.Target != nil && len(l.Target) == len(l.Tester), "EINVAL")
	l.Prefix, l.MTU = number(c.Prefix, int64(8*len(l.Target))), number(c.MTU, 65535, 1500)
	l.Own, l.Other = hardware(c.TargetMAC), hardware(c.TesterMAC)
	Check(!g.used, "EEXIST")
	g.used = true
	g.stack.Use(l)
	return 0
}

func hardware(text string) net.HardwareAddr {
	address, wrong := net.ParseMAC(text)
	Check(wrong == nil && len(address) == 6, "EINVAL")
	return address
}

func (g *Glue) callReset(*call) int {
	for _, w := range append([]*call{}, g.waiting...) {
		g.finish(w, 0, "ECANCELED")
	}
	g.begin()
	return 0
}

func (g *Glue) callSocket(*call) int { return g.adopt(g.open()) }

func (h *handle) bind(port uint16) {
	h.Bind(port)
	h.port, h.bound = port, true
}

func (g *Glue) callBind(c *call) int {
	g.handle(c).bind(port(c.Port))
	return 0
}

func (g *Glue) callListen(c *call) int {
	backlog := number(c.Backlog, 65535, 8)
	Check(c.Port != nil || c.Socket != nil, "EINVAL")
	return g.made(c, func(h *handle) {
		if !h.bound && c.Port != nil {
			h.bind(port(c.Port))
		}
		h.Listen(backlog)
		h.listening = true
	})
}

func (g *Glue) callAccept(c *call) int { return g.adopt(g.handle(c).Accept()) }

func (g *Glue) callConnect(c *call) int {
	remote := port(c.Port)
	return g.made(c, func(h *handle) {
		if local := c.LocalPort; local != nil {
			c.LocalPort = nil // the next try is bound already
			h.bind(port(local))
		}
		h.Connect(remote)
	})
}

func (g *Glue) callSend(c *call) int {
	s := g.handle(c)
	Check(c.Flag == "" || c.Flag == "MORE" || c.Flag == "NOSIGNAL", "EOPNOTSUPP")
	if c.total == 0 && c.Text != nil {
		c.data, c.total = []byte(*c.Text), len(*c.Text)
	} else if c.total == 0 {
		c.total = number(c.Count, most)
		for i := s.sent; i < s.sent+c.total; i++ {
			c.data = append(c.data, byte(i^i>>8^i>>16))
		}
	}
	for len(c.data) > 0 {
		count := s.Send(c.data, c.Flag == "MORE")
		s.sent, c.data = s.sent+count, c.data[count:]
	}
	return c.total
}

func (g *Glue) callRecv(c *call) int {
	s, count := g.handle(c), number(c.Count, most, 65536)
	Check(c.Flag == "", "EOPNOTSUPP")
	all := c.All != nil && c.All != false && c.All != 0.0
	for len(c.data) < count && (all || len(c.data) == 0) {
		part := s.Recv(count - len(c.data))
		if len(part) == 0 {
			break
		}
		c.data = append(c.data, part...)
	}
	c.reply["data"] = hex.EncodeToString(c.data)
	return len(c.data)
}

func (g *Glue) callShutdown(c *call) int {
	s, how := g.handle(c), map[string]int{"RD": 1, "WR": 2, "RDWR": 3}[c.How]
	Check(how != 0, "EINVAL")
	s.Shutdown(how)
	return 0
}

func (g *Glue) callClose(c *call) int { g.dismiss(c).Close(false); return 0 }

func (g *Glue) callAbort(c *call) int {
	g.dismiss(c).Close(true)
	return 0
}

func (g *Glue) callPending(c *call) int { return g.handle(c).Pending() }

func (g *Glue) callSetsockopt(c *call) int {
	o := Named(g.handle(c).Options(), c.Name)
	Check(o.Set != nil, "ENOPROTOOPT")
	o.Set(Whole(c.text()))
	return 0
}

func (g *Glue) callGetsockopt(c *call) int { return Named(g.handle(c).Options(), c.Name).Get() }

func (g *Glue) callState(c *call) int {
	text := g.stack.State(port(c.Local), port(c.Remote))
	for _, h := range g.handles {
		if text == "" && h.listening && h.port == port(c.Local) {
			text = "LISTEN"
		}
	}
	if text == "" {
		text = "CLOSED"
	}
	c.reply["text"] = text
	return 0
}

func (g *Glue) callInfo(c *call) int {
	tells, does := g.handle(c).Socket.(Informer)
	Check(does, "ENOSYS")
	c.reply["text"] = tells.Info()
	return 0
}

func (g *Glue) callSet(c *call) int {
	Check(g.used, "ENETDOWN")
	g.stack.Set(c.Name, c.text())
	return 0
}

// longest is the real time that an advance may take before it answers.
const longest = 500 * time.Millisecond

// callAdvance moves the virtual clock from timer to timer until anything comes out.
func (g *Glue) callAdvance(c *call) int {
	Check(g.Clock.virtual, "ENOSYS")
	until := int64(number(c.Until, math.MaxInt64))
	g.spoke = false
	began := time.Now() // days of timers: it answers how far it got, and is asked again
	for g.settle(); g.Clock.at < until && !g.spoke && time.Since(began) < longest; g.settle() {
		g.Clock.at = until
		if next := g.Clock.next(); next != nil && next.at < until {
			g.Clock.at = next.at
		}
	}
	if g.Clock.at >= until {
		g.pump()
		g.settle()
	}
	c.reply["now"], c.reply["next"] = g.Clock.at, nil
	if next := g.Clock.next(); next != nil {
		c.reply["next"] = next.at
	}
	return 0
}

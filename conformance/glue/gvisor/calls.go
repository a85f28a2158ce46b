package main

// The calls of the protocol, whatever the stack, and the virtual clock.

import (
	"encoding/hex"
	"math"
	"net"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// calls is filled in late because advance leads back to it.
var calls map[string]func(*glue, *call) int

func init() {
	calls = map[string]func(*glue, *call) int{
		"version": (*glue).callVersion, "use": (*glue).callUse, "reset": (*glue).callReset,
		"socket": (*glue).callSocket, "bind": (*glue).callBind, "listen": (*glue).callListen,
		"accept": (*glue).callAccept, "connect": (*glue).callConnect,
		"send": (*glue).callSend, "recv": (*glue).callRecv, "pending": (*glue).callPending,
		"shutdown": (*glue).callShutdown, "close": (*glue).callClose, "abort": (*glue).callAbort,
		"setsockopt": (*glue).callSetsockopt, "getsockopt": (*glue).callGetsockopt,
		"state": (*glue).callState, "set": (*glue).callSet, "advance": (*glue).callAdvance,
	}
}

// text is the value as it is written, a string or a number.
func (c *call) text() string { return strings.Trim(string(c.Value), `"`) }

func (g *glue) handle(c *call) *handle {
	check(c.Socket != nil && g.handles[*c.Socket] != nil, "EBADF")
	return g.handles[*c.Socket]
}

// open makes a socket; before there is an address nobody gets one.
func (g *glue) open() conn {
	check(g.used, "ENETDOWN")
	return g.socket()
}

// adopt numbers a socket.
func (g *glue) adopt(s conn) int {
	g.last++
	g.handles[g.last] = &handle{conn: s}
	return int(g.last)
}

// dismiss forgets the handle and ends what waits on it.
func (g *glue) dismiss(c *call) conn {
	s := g.handle(c)
	delete(g.handles, *c.Socket)
	for _, w := range g.waiting {
		if w != c && w.Socket != nil && *w.Socket == *c.Socket {
			g.finish(w, 0, "ECANCELED")
		}
	}
	return s.conn
}

// made does it with the socket that the call names, or with a new one, which is gone if it fails.
func (g *glue) made(c *call, do func(s conn)) int {
	if c.Socket == nil {
		key := int64(g.adopt(g.open()))
		c.Socket, c.own = &key, true
	}
	defer func() {
		if fault := recover(); fault != nil {
			if c.own && fault != again {
				g.handle(c).close()
				delete(g.handles, *c.Socket)
			}
			panic(fault)
		}
	}()
	do(g.handle(c).conn)
	return int(*c.Socket)
}

func (g *glue) callVersion(c *call) int {
	text, abilities := g.version()
	if g.clock != nil {
		abilities = append(abilities, "VIRTUAL-TIME")
	}
	c.reply["text"], c.reply["abilities"] = text, abilities
	return 1
}

func (g *glue) callUse(c *call) int {
	l := link{ethertype: unix.ETH_P_IPV6, target: net.ParseIP(c.Target), tester: net.ParseIP(c.Tester)}
	if four := l.target.To4(); four != nil {
		l.ethertype, l.target, l.tester = unix.ETH_P_IP, four, l.tester.To4()
	}
	check(l.target != nil && len(l.target) == len(l.tester), "EINVAL")
	l.prefix, l.mtu = number(c.Prefix, int64(8*len(l.target))), number(c.MTU, 65535, 1500)
	l.own, l.other = hardware(c.TargetMAC), hardware(c.TesterMAC)
	check(!g.used, "EEXIST")
	g.used = true
	g.use(l)
	return 0
}

func hardware(text string) net.HardwareAddr {
	address, wrong := net.ParseMAC(text)
	check(wrong == nil && len(address) == 6, "EINVAL")
	return address
}

func (g *glue) callReset(*call) int { g.begin(); return 0 }

func (g *glue) callSocket(*call) int { return g.adopt(g.open()) }

func (g *glue) callBind(c *call) int { g.handle(c).bind(port(c.Port)); return 0 }

func (g *glue) callListen(c *call) int {
	backlog := number(c.Backlog, 65535, 8)
	check(c.Port != nil || c.Socket != nil, "EINVAL")
	return g.made(c, func(s conn) {
		if c.own {
			s.bind(port(c.Port))
		}
		s.listen(backlog)
	})
}

func (g *glue) callAccept(c *call) int { return g.adopt(g.handle(c).accept()) }

func (g *glue) callConnect(c *call) int {
	remote := port(c.Port)
	return g.made(c, func(s conn) {
		if local := c.LocalPort; local != nil {
			c.LocalPort = nil // the next try is bound already
			s.bind(port(local))
		}
		s.connect(remote)
	})
}

func (g *glue) callSend(c *call) int {
	s := g.handle(c)
	check(c.Flag == "" || c.Flag == "MORE" || c.Flag == "NOSIGNAL", "EOPNOTSUPP")
	if c.total == 0 && c.Text != nil {
		c.data, c.total = []byte(*c.Text), len(*c.Text)
	} else if c.total == 0 {
		c.total = number(c.Count, most)
		for i := s.sent; i < s.sent+c.total; i++ {
			c.data = append(c.data, byte(i^i>>8^i>>16))
		}
	}
	for len(c.data) > 0 {
		count := s.send(c.data, c.Flag == "MORE")
		s.sent, c.data = s.sent+count, c.data[count:]
	}
	return c.total
}

func (g *glue) callRecv(c *call) int {
	s, count := g.handle(c), number(c.Count, most, 65536)
	check(c.Flag == "", "EOPNOTSUPP")
	all := c.All != nil && c.All != false && c.All != 0.0
	for len(c.data) < count && (all || len(c.data) == 0) {
		part := s.recv(count - len(c.data))
		if len(part) == 0 {
			break
		}
		c.data = append(c.data, part...)
	}
	c.reply["data"] = hex.EncodeToString(c.data)
	return len(c.data)
}

func (g *glue) callShutdown(c *call) int {
	s, how := g.handle(c), map[string]int{"RD": 1, "WR": 2, "RDWR": 3}[c.How]
	check(how != 0, "EINVAL")
	s.shutdown(how)
	return 0
}

func (g *glue) callClose(c *call) int { g.dismiss(c).close(); return 0 }

func (g *glue) callAbort(c *call) int {
	s := g.dismiss(c)
	named(s.options(), "LINGER").set(0) // its close sends a RST
	s.close()
	return 0
}

func (g *glue) callPending(c *call) int { return g.handle(c).pending() }

func (g *glue) callSetsockopt(c *call) int {
	o := named(g.handle(c).options(), c.Name)
	check(o.set != nil, "ENOPROTOOPT")
	o.set(whole(c.text()))
	return 0
}

func (g *glue) callGetsockopt(c *call) int { return named(g.handle(c).options(), c.Name).get() }

func (g *glue) callState(c *call) int {
	c.reply["text"] = g.state(port(c.Local), port(c.Remote))
	return 0
}

func (g *glue) callSet(c *call) int { g.set(c.Name, c.text()); return 0 }

// callAdvance moves the virtual clock from timer to timer until anything comes out.
func (g *glue) callAdvance(c *call) int {
	check(g.clock != nil, "ENOSYS")
	until := int64(number(c.Until, math.MaxInt64))
	g.spoke = false
	for g.settle(); g.clock.now < until && !g.spoke; g.settle() {
		g.clock.now = until
		if next := g.clock.next(); next != nil && next.at < until {
			g.clock.now = next.at
		}
	}
	if g.clock.now >= until {
		g.pump()
		g.settle()
	}
	c.reply["now"], c.reply["next"] = g.clock.now, nil
	if next := g.clock.next(); next != nil {
		c.reply["next"] = next.at
	}
	return 0
}

// clock is the virtual clock; nil has no timers.
type clock struct {
	sync.Mutex
	now    int64
	alarms []*alarm // those set, the one set first in front
}

// alarm is one timer; it runs in the goroutine that asks for what is due.
type alarm struct {
	clock *clock
	at    int64
	run   func()
}

func (c *clock) Now() time.Time { return time.Unix(0, c.now) }

func (c *clock) after(d time.Duration, run func()) *alarm {
	a := &alarm{clock: c, run: run}
	a.Reset(d)
	return a
}

// Reset sets the timer, so far from now.
func (a *alarm) Reset(d time.Duration) {
	a.Stop()
	a.clock.Lock()
	defer a.clock.Unlock()
	if a.at = a.clock.now + int64(d); d > 0 && a.at < 0 {
		a.at = math.MaxInt64
	}
	a.clock.alarms = append(a.clock.alarms, a)
}

// Stop tells whether the timer was set.
func (a *alarm) Stop() bool {
	a.clock.Lock()
	defer a.clock.Unlock()
	for i, other := range a.clock.alarms {
		if other == a {
			a.clock.alarms = append(a.clock.alarms[:i:i], a.clock.alarms[i+1:]...)
			return true
		}
	}
	return false
}

// next is the timer to run next, nil for none: of those due together the one set first.
func (c *clock) next() (first *alarm) {
	c.Lock()
	defer c.Unlock()
	for _, a := range c.alarms {
		if first == nil || a.at < first.at {
			first = a
		}
	}
	return first
}

// due is what the next timer runs, if its time has come; the timer is set no more.
func (c *clock) due() func() {
	if c == nil {
		return nil
	}
	first := c.next()
	if first == nil || first.at > c.now {
		return nil
	}
	first.Stop()
	return first.run
}

package conformance

// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The tcp-conformance authors

import (
	"math"
	"sync"
	"time"
)

// Clock is the stack's only clock: the real one, or the virtual one, which only the harness moves.
type Clock struct {
	sync.Mutex
	virtual bool
	at      int64    // ns, of the virtual clock
	alarms  []*Alarm // those set, the one set first in front
}

// Alarm is one timer; it runs in the goroutine that calls the stack.
type Alarm struct {
	clock *Clock
	at    int64
	run   func()
}

// Virtual tells whether it is the virtual clock.
func (c *Clock) Virtual() bool { return c.virtual }

// Nanos is the time in nanoseconds.
func (c *Clock) Nanos() int64 {
	if c.virtual {
		return c.at
	}
	return time.Now().UnixNano()
}

// Now is the time; only its differences mean anything.
func (c *Clock) Now() time.Time { return time.Unix(0, c.Nanos()) }

// After runs the function, so far from now.
func (c *Clock) After(d time.Duration, run func()) *Alarm {
	a := &Alarm{clock: c, run: run}
	a.Reset(d)
	return a
}

// Reset sets the timer, so far from now.
func (a *Alarm) Reset(d time.Duration) {
	a.Stop()
	a.clock.Lock()
	defer a.clock.Unlock()
	if a.at = a.clock.Nanos() + int64(d); d > 0 && a.at < 0 {
		a.at = math.MaxInt64
	}
	a.clock.alarms = append(a.clock.alarms, a)
}

// Stop tells whether the timer was set.
func (a *Alarm) Stop() bool {
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
func (c *Clock) next() (first *Alarm) {
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
func (c *Clock) due() func() {
	first := c.next()
	if first == nil || first.at > c.Nanos() {
		return nil
	}
	first.Stop()
	return first.run
}

// alarm is told when the next timer is due, on the real clock; nil: never.
func (c *Clock) alarm() <-chan time.Time {
	first := c.next()
	if c.virtual || first == nil {
		return nil
	}
	return time.After(time.Duration(first.at - c.Nanos()))
}

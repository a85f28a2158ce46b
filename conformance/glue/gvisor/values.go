package main

// The values of settings and of a socket's options, whatever the stack: what a text or a number is
// in the stack's own type.

import (
	"time"

	"conformance"
)

// on is what the text says of a switch.
func on(text string) bool {
	is, known := map[string]bool{"on": true, "1": true, "off": false, "0": false}[text]
	conformance.Check(known, "EINVAL")
	return is
}

// The value of a setting of the whole stack, behind a pointer to the stack's type of it.

func toggle[T ~bool](text string) any {
	value := T(on(text))
	return &value
}

func count[T ~int | ~int32 | ~int64 | ~uint32 | ~uint64](text string) any {
	value := T(conformance.Whole(text))
	return &value
}

func milliseconds[T ~int64](text string) any {
	value := T(conformance.Whole(text)) * T(time.Millisecond)
	return &value
}

func word[T ~string](text string) any {
	value := T(text)
	return &value
}

// A socket's options.

// flag is an option that is 0 or 1; one is what 1 says.
func flag(get func() bool, set func(bool), one bool) conformance.Option {
	return conformance.Option{
		Get: func() int { return map[bool]int{one: 1}[get()] },
		Set: func(n int) { set((n != 0) == one) },
	}
}

// octets is an option that is a size; set may tell who waits for room.
func octets(get func() int64, set func(size int64, notify bool)) conformance.Option {
	return conformance.Option{
		Get: func() int { return int(get()) },
		Set: func(n int) { set(int64(n), true) },
	}
}

// span is an option that is a time; get and set take a pointer to the stack's type of it.
func span[T ~int64](unit time.Duration, get, set func(any)) conformance.Option {
	var value T
	return conformance.Option{
		Get: func() int {
			get(&value)
			return int(time.Duration(value) / unit)
		},
		Set: func(n int) {
			value = T(n) * T(unit)
			set(&value)
		},
	}
}

// linger is whether a close waits for what is to be sent, and how long.
type linger = struct {
	Enabled bool
	Timeout time.Duration
}

// lingering is an option in seconds, -1 if a close does not wait.
func lingering[T ~linger](get func() T, set func(T)) conformance.Option {
	return conformance.Option{
		Get: func() int {
			if l := linger(get()); l.Enabled {
				return int(l.Timeout / time.Second)
			}
			return -1
		},
		Set: func(n int) { set(T(linger{true, time.Duration(n) * time.Second})) },
	}
}

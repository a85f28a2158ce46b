package main

// The values of settings and of a socket's options, whatever the stack: what a text or a number is
// in the stack's own type.

import (
	"strconv"
	"time"
)

// option is a number of a socket; without set it can only be read.
type option struct {
	get func() int
	set func(int)
}

// named is what a setting or an option has under its name.
func named[T any](all map[string]T, name string) T {
	found, known := all[name]
	check(known, "ENOPROTOOPT")
	return found
}

// whole is the number that the text is.
func whole(text string) int {
	n, wrong := strconv.ParseUint(text, 10, 31)
	check(wrong == nil, "EINVAL")
	return int(n)
}

// on is what the text says of a switch.
func on(text string) bool {
	is, known := map[string]bool{"on": true, "1": true, "off": false, "0": false}[text]
	check(known, "EINVAL")
	return is
}

// The value of a setting of the whole stack, behind a pointer to the stack's type of it.

func toggle[T ~bool](text string) any {
	value := T(on(text))
	return &value
}

func count[T ~int | ~int32 | ~int64 | ~uint32 | ~uint64](text string) any {
	value := T(whole(text))
	return &value
}

func milliseconds[T ~int64](text string) any {
	value := T(whole(text)) * T(time.Millisecond)
	return &value
}

func word[T ~string](text string) any {
	value := T(text)
	return &value
}

// A socket's options.

// flag is an option that is 0 or 1; one is what 1 says.
func flag(get func() bool, set func(bool), one bool) option {
	return option{
		func() int { return map[bool]int{one: 1}[get()] },
		func(n int) { set((n != 0) == one) },
	}
}

// octets is an option that is a size; set may tell who waits for room.
func octets(get func() int64, set func(size int64, notify bool)) option {
	return option{
		func() int { return int(get()) },
		func(n int) { set(int64(n), true) },
	}
}

// span is an option that is a time; get and set take a pointer to the stack's type of it.
func span[T ~int64](unit time.Duration, get, set func(any)) option {
	var value T
	return option{
		func() int {
			get(&value)
			return int(time.Duration(value) / unit)
		},
		func(n int) {
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
func lingering[T ~linger](get func() T, set func(T)) option {
	return option{
		func() int {
			if l := linger(get()); l.Enabled {
				return int(l.Timeout / time.Second)
			}
			return -1
		},
		func(n int) { set(T(linger{true, time.Duration(n) * time.Second})) },
	}
}

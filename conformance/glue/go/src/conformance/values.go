package conformance

// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The tcp-conformance authors

import "strconv"

// errnos are Linux's.
var errnos = map[int]string{
	1: "EPERM", 2: "ENOENT", 4: "EINTR", 5: "EIO", 9: "EBADF", 11: "EAGAIN", 12: "ENOMEM",
	13: "EACCES", 16: "EBUSY", 22: "EINVAL", 24: "EMFILE", 32: "EPIPE", 38: "ENOSYS", 71: "EPROTO",
	88: "ENOTSOCK", 90: "EMSGSIZE", 92: "ENOPROTOOPT", 95: "EOPNOTSUPP", 97: "EAFNOSUPPORT",
	98: "EADDRINUSE", 99: "EADDRNOTAVAIL", 100: "ENETDOWN", 101: "ENETUNREACH", 102: "ENETRESET",
	103: "ECONNABORTED", 104: "ECONNRESET", 105: "ENOBUFS", 106: "EISCONN", 107: "ENOTCONN",
	110: "ETIMEDOUT", 111: "ECONNREFUSED", 112: "EHOSTDOWN", 113: "EHOSTUNREACH", 114: "EALREADY",
	115: "EINPROGRESS", 125: "ECANCELED",
}

// Errno is the name of Linux's errno; EIO where it is none of TCP's.
func Errno(number int) string {
	if name, known := errnos[number]; known {
		return name
	}
	return "EIO"
}

// Option is a number of a socket; without Set it can only be read.
type Option struct {
	Get func() int
	Set func(int)
}

// Named is what a setting or an option has under its name.
func Named[T any](all map[string]T, name string) T {
	found, known := all[name]
	Check(known, "ENOPROTOOPT")
	return found
}

// Whole is the number that the text is.
func Whole(text string) int {
	n, wrong := strconv.ParseUint(text, 10, 31)
	Check(wrong == nil, "EINVAL")
	return int(n)
}

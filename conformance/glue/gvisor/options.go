package main

// gVisor's settings, of the whole stack and of a socket, by the names that a case and the protocol have
// for them. The retries of a SYN are none: the stack takes their number but never looks at it.

import (
	"time"

	"conformance"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
)

// Times are in milliseconds, sizes in octets, switches on or off.
var settings = map[string]func(string) any{
	"sack":               toggle[tcpip.TCPSACKEnabled],
	"nagle":              toggle[tcpip.TCPDelayEnabled],
	"congestion-control": word[tcpip.CongestionControlOption],
	"retries":            count[tcpip.TCPMaxRetriesOption],
	"time-wait":          milliseconds[tcpip.TCPTimeWaitTimeoutOption],
	"min-rto":            milliseconds[tcpip.TCPMinRTOOption],
	"max-rto":            milliseconds[tcpip.TCPMaxRTOOption],
	"send-buffer":        size[tcpip.TCPSendBufferSizeRangeOption],
	"receive-buffer":     size[tcpip.TCPReceiveBufferSizeRangeOption],
}

// size lets setsockopt then go down to one octet.
func size[T ~struct{ Min, Default, Max int }](text string) any {
	return &T{Min: 1, Default: conformance.Whole(text), Max: 1 << 30}
}

func (v *gvisor) Set(name, value string) {
	to := conformance.Named(settings, name)(value).(tcpip.SettableTransportProtocolOption)
	conformance.Check(v.stack.SetTransportProtocolOption(tcp.ProtocolNumber, to) == nil, "EINVAL")
}

func (s socket) Options() map[string]conformance.Option {
	o := s.SocketOptions()
	get := func(to any) { must(s.GetSockOpt(to.(tcpip.GettableSocketOption))) }
	set := func(to any) { must(s.SetSockOpt(to.(tcpip.SettableSocketOption))) }
	return map[string]conformance.Option{
		"REUSEADDR":    flag(o.GetReuseAddress, o.SetReuseAddress, true),
		"KEEPALIVE":    flag(o.GetKeepAlive, o.SetKeepAlive, true),
		"NODELAY":      flag(o.GetDelayOption, o.SetDelayOption, false),
		"RCVBUF":       octets(o.GetReceiveBufferSize, o.SetReceiveBufferSize),
		"SNDBUF":       octets(o.GetSendBufferSize, o.SetSendBufferSize),
		"KEEPIDLE":     span[tcpip.KeepaliveIdleOption](time.Second, get, set),
		"KEEPINTVL":    span[tcpip.KeepaliveIntervalOption](time.Second, get, set),
		"USER_TIMEOUT": span[tcpip.TCPUserTimeoutOption](time.Millisecond, get, set),
		"KEEPCNT":      s.number(tcpip.KeepaliveCountOption),
		"MAXSEG":       s.number(tcpip.MaxSegOption),
		"LINGER":       lingering(o.GetLinger, o.SetLinger),
		"ERROR":        {Get: func() int { return errno(s.LastError()) }},
	}
}

func (s socket) number(name tcpip.SockOptInt) conformance.Option {
	return conformance.Option{
		Get: func() int { return got(s.GetSockOptInt(name)) },
		Set: func(n int) { must(s.SetSockOptInt(name, n)) },
	}
}

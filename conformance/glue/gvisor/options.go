package main

// The names of gVisor's settings: of a socket, and of the whole stack. What the stack takes but never
// looks at is left out: the retries of a SYN, QUICKACK, WINDOW_CLAMP.

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
)

// option is a setting: the stack's own value of it, how the value is written in JSON, and what a
// number is multiplied by.
type option struct {
	to   any
	form string
	unit time.Duration
}

// fill reads the text into the stack's value.
func (o option) fill(text string) {
	n, wrong := strconv.ParseInt(text, 10, 32)
	check(n >= 0 && !errors.Is(wrong, strconv.ErrRange), "EINVAL")
	if wrong == nil {
		text = strconv.FormatInt(n*int64(o.unit), 10)
	}
	if json.Unmarshal([]byte(fmt.Sprintf(o.form, text)), o.to) != nil {
		word := map[string]string{"on": "true", "1": "true", "off": "false", "0": "false"}[text]
		check(json.Unmarshal([]byte(word), o.to) == nil, "EINVAL")
	}
}

const (
	second, ms = time.Second, time.Millisecond

	size = `{"Min":1,"Default":%s,"Max":1073741824}` // setsockopt may then go down to one octet
)

// Durations are in milliseconds, sizes in octets, switches on or off.
var stackOptions = map[string]option{
	"sack":               {new(tcpip.TCPSACKEnabled), "%s", 1},
	"nagle":              {new(tcpip.TCPDelayEnabled), "%s", 1},
	"congestion-control": {new(tcpip.CongestionControlOption), `"%s"`, 1},
	"retries":            {new(tcpip.TCPMaxRetriesOption), "%s", 1},
	"time-wait":          {new(tcpip.TCPTimeWaitTimeoutOption), "%s", ms},
	"min-rto":            {new(tcpip.TCPMinRTOOption), "%s", ms},
	"max-rto":            {new(tcpip.TCPMaxRTOOption), "%s", ms},
	"send-buffer":        {new(tcpip.TCPSendBufferSizeRangeOption), size, 1},
	"receive-buffer":     {new(tcpip.TCPReceiveBufferSizeRangeOption), size, 1},
}

func (v *gvisor) set(name, value string) {
	o, known := stackOptions[name]
	check(known, "ENOPROTOOPT")
	o.fill(value)
	to := o.to.(tcpip.SettableTransportProtocolOption)
	check(v.stack.SetTransportProtocolOption(tcp.ProtocolNumber, to) == nil, "EINVAL")
}

// plain is a socket's setting that can always be had.
type plain struct {
	get func(*tcpip.SocketOptions) int
	set func(*tcpip.SocketOptions, int)
}

func flag(get func(*tcpip.SocketOptions) bool, set func(*tcpip.SocketOptions, bool)) option {
	return option{to: plain{
		func(o *tcpip.SocketOptions) int { return map[bool]int{true: 1}[get(o)] },
		func(o *tcpip.SocketOptions, n int) { set(o, n != 0) },
	}}
}

func octets(get func(*tcpip.SocketOptions) int64, set func(*tcpip.SocketOptions, int64, bool)) option {
	return option{to: plain{
		func(o *tcpip.SocketOptions) int { return int(get(o)) },
		func(o *tcpip.SocketOptions, n int) { set(o, int64(n), true) },
	}}
}

type of = tcpip.SocketOptions

var socketOptions = map[string]option{
	"KEEPALIVE": flag((*of).GetKeepAlive, (*of).SetKeepAlive),
	"NODELAY": flag(func(o *of) bool { return !o.GetDelayOption() },
		func(o *of, on bool) { o.SetDelayOption(!on) }),
	"RCVBUF": octets((*of).GetReceiveBufferSize, (*of).SetReceiveBufferSize),
	"SNDBUF": octets((*of).GetSendBufferSize, (*of).SetSendBufferSize),
	"LINGER": {to: plain{lingers, func(o *of, n int) {
		o.SetLinger(tcpip.LingerOption{Enabled: true, Timeout: time.Duration(n) * second})
	}}},
	"KEEPIDLE":     {new(tcpip.KeepaliveIdleOption), "%s", second},
	"KEEPINTVL":    {new(tcpip.KeepaliveIntervalOption), "%s", second},
	"USER_TIMEOUT": {new(tcpip.TCPUserTimeoutOption), "%s", ms},
	"KEEPCNT":      {to: tcpip.KeepaliveCountOption},
	"MAXSEG":       {to: tcpip.MaxSegOption},
}

func lingers(o *of) int {
	if linger := o.GetLinger(); linger.Enabled {
		return int(linger.Timeout / second)
	}
	return -1
}

func (s socket) option(name string) option {
	o, known := socketOptions[name]
	check(known, "ENOPROTOOPT")
	return o
}

func (s socket) setsockopt(name, value string) {
	o := s.option(name)
	n, wrong := strconv.ParseUint(value, 10, 31)
	check(wrong == nil, "EINVAL")
	switch to := o.to.(type) {
	case plain:
		to.set(s.SocketOptions(), int(n))
	case tcpip.SockOptInt:
		must(s.SetSockOptInt(to, int(n)))
	case tcpip.SettableSocketOption:
		o.fill(value)
		must(s.SetSockOpt(to))
	}
}

func (s socket) getsockopt(name string) (value int) {
	if name == "ERROR" {
		if err := s.LastError(); err != nil {
			value = errno(err)
		}
		return value
	}
	o := s.option(name)
	err := tcpip.Error(nil)
	switch to := o.to.(type) {
	case plain:
		value = to.get(s.SocketOptions())
	case tcpip.SockOptInt:
		value, err = s.GetSockOptInt(to)
	case tcpip.GettableSocketOption:
		err = s.GetSockOpt(to)
		line, _ := json.Marshal(to)
		value, _ = strconv.Atoi(string(line))
		value /= int(o.unit)
	}
	must(err)
	return value
}

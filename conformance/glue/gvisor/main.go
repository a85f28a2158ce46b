// Command gvisor wires gVisor's netstack into the harness. It needs no more than Debian's packages
// golang-go and golang-gvisor-gvisor-dev (0.0~20221219), and no network; in its directory:
//
//	CGO_ENABLED=0 GO111MODULE=off GOPATH=../go:/usr/share/gocode GOCACHE=CACHE go build -o PROGRAM .
//
// This file wires the stack in, options.go names its settings; values.go knows no stack.
package main

import (
	"bytes"
	"runtime"
	"strings"
	"time"

	"conformance"

	"gvisor.dev/gvisor/pkg/bufferv2"
	"gvisor.dev/gvisor/pkg/syserr"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/link/channel"
	"gvisor.dev/gvisor/pkg/tcpip/link/ethernet"
	"gvisor.dev/gvisor/pkg/tcpip/network/arp"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/waiter"
)

func main() { conformance.Serve(fresh) }

// clock is the virtual clock, as the stack wants it.
type clock struct{ *conformance.Clock }

func (c clock) NowMonotonic() (t tcpip.MonotonicTime) { return t.Add(time.Duration(c.Nanos())) }

func (c clock) AfterFunc(d time.Duration, run func()) tcpip.Timer { return c.After(d, run) }

// gvisor is one stack, and the device below its Ethernet.
type gvisor struct {
	*channel.Endpoint
	g              *conformance.Glue
	stack          *stack.Stack
	protocol       tcpip.NetworkProtocolNumber
	target, tester tcpip.Address
}

func fresh(g *conformance.Glue) conformance.Stack {
	type factory = stack.NetworkProtocolFactory
	with := stack.Options{
		NetworkProtocols:   []factory{arp.NewProtocol, ipv4.NewProtocol, ipv6.NewProtocol},
		TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocol},
	}
	if g.Clock.Virtual() {
		with.Clock = clock{g.Clock}
	}
	runtime.GOMAXPROCS(1)       // TCP gets as many processor goroutines as this says now
	defer runtime.GOMAXPROCS(8) // more than can be blocked in the system
	return &gvisor{g: g, stack: stack.New(with)}
}

func (v *gvisor) Version() (string, []string) {
	return "gVisor netstack 0.0~20221219", strings.Fields("CALLS STATE ACTIVE-OPEN IPV6 OPTIONS ICMP")
}

func (v *gvisor) Use(l conformance.Link) {
	v.protocol = tcpip.NetworkProtocolNumber(l.Ethertype)
	v.target, v.tester = tcpip.Address(l.Target), tcpip.Address(l.Tester)
	v.Endpoint = channel.New(0, uint32(l.MTU+14), tcpip.LinkAddress(l.Own))
	must(v.stack.CreateNIC(1, ethernet.New(v)))
	at := tcpip.AddressWithPrefix{Address: v.target, PrefixLen: l.Prefix}
	full := tcpip.ProtocolAddress{Protocol: v.protocol, AddressWithPrefix: at}
	must(v.stack.AddProtocolAddress(1, full, stack.AddressProperties{}))
	must(v.stack.AddStaticNeighbor(1, v.protocol, v.tester, tcpip.LinkAddress(l.Other)))
	at.PrefixLen = 0 // the tester is on-link, whatever the prefix
	v.stack.SetRouteTable([]tcpip.Route{{Destination: at.Subnet(), NIC: 1}})
}

func (v *gvisor) WritePackets(list stack.PacketBufferList) (int, tcpip.Error) {
	for _, packet := range list.AsSlice() {
		v.g.Transmit(v, bytes.Join(packet.AsSlices(), nil))
	}
	return list.Len(), nil
}

func (v *gvisor) Feed(frame []byte) {
	packet := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: bufferv2.MakeWithData(frame)})
	v.InjectInbound(0, packet)
	packet.DecRef()
}

// Idle: a pause is granted when the queue of TCP's one processor goroutine is empty.
func (v *gvisor) Idle() {
	v.stack.Pause()
	v.stack.Resume()
}

func (v *gvisor) End() {
	v.stack.Close()
	v.stack.RemoveNIC(1)
}

// spelled makes RFC 9293's names of the stack's.
var spelled = strings.NewReplacer("RCVD", "RECEIVED", "WAIT1", "WAIT-1", "WAIT2", "WAIT-2",
	"CONNECTING", "SYN-SENT", "INITIAL", "CLOSED", "BOUND", "CLOSED", "ERROR", "CLOSED")

// State looks for the ports alone, with whichever host; a listener's where there is no connection.
func (v *gvisor) State(local, remote uint16) (state string) {
	for _, one := range v.stack.RegisteredEndpoints() {
		ep := one.(tcpip.Endpoint)
		id := ep.Info().(*stack.TransportEndpointInfo).ID
		if id.LocalPort == local && (id.RemotePort == remote || id.RemotePort == 0 && state == "") {
			state = spelled.Replace(tcp.EndpointState(ep.State()).String())
		}
	}
	return state
}

// socket is one of the stack's.
type socket struct {
	tcpip.Endpoint
	*conformance.Bell
	v *gvisor
}

func (v *gvisor) Socket() conformance.Socket {
	queue := &waiter.Queue{}
	ep := got(v.stack.NewEndpoint(tcp.ProtocolNumber, v.protocol, queue))
	ep.SocketOptions().SetReuseAddress(true)
	return v.watched(ep, queue, nil)
}

// watched has what waits for the socket tried again when the stack tells of it, and not before: a
// program would sleep for ever where it is not told.
func (v *gvisor) watched(ep tcpip.Endpoint, queue *waiter.Queue, err tcpip.Error) conformance.Socket {
	must(err)
	s := socket{ep, v.g.Bell(), v}
	entry := waiter.NewFunctionEntry(^waiter.EventMask(0), func(waiter.EventMask) { s.Ring() })
	queue.EventRegister(&entry)
	return s
}

func at(host tcpip.Address, port uint16) tcpip.FullAddress {
	return tcpip.FullAddress{Addr: host, Port: port}
}

func (s socket) Bind(port uint16)           { must(s.Endpoint.Bind(at(s.v.target, port))) }
func (s socket) Connect(port uint16)        { must(s.Endpoint.Connect(at(s.v.tester, port))) }
func (s socket) Listen(backlog int)         { must(s.Endpoint.Listen(backlog + 1)) } // 0 is no queue at all
func (s socket) Accept() conformance.Socket { return s.v.watched(s.Endpoint.Accept(nil)) }
func (s socket) Shutdown(how int)           { must(s.Endpoint.Shutdown(tcpip.ShutdownFlags(how))) }
func (s socket) Pending() int               { return s.number(tcpip.ReceiveQueueSizeOption).Get() }

func (s socket) Close(reset bool) {
	if reset {
		s.Options()["LINGER"].Set(0)
	}
	s.Endpoint.Close()
}

func (s socket) Send(data []byte, more bool) int {
	return int(got(s.Write(bytes.NewReader(data), tcpip.WriteOptions{More: more})))
}

func (s socket) Recv(count int) []byte {
	data := bytes.Buffer{}
	got(s.Read(&tcpip.LimitedWriter{W: &data, N: int64(count)}, tcpip.ReadOptions{}))
	s.ModerateRecvBuf(data.Len())
	return data.Bytes()
}

// must throws the errno of the stack's error, if it is one; the end of the stream is none.
func must(err tcpip.Error) {
	switch err.(type) {
	case nil, *tcpip.ErrClosedForReceive:
	case *tcpip.ErrWouldBlock, *tcpip.ErrConnectStarted, *tcpip.ErrAlreadyConnecting:
		conformance.Wait()
	default:
		conformance.Fail(conformance.Errno(errno(err)))
	}
}

// got is what came with the error, if that is none.
func got[T any](value T, err tcpip.Error) T {
	must(err)
	return value
}

func errno(err tcpip.Error) int {
	if err == nil {
		return 0
	}
	return int(syserr.TranslateNetstackError(err).ToLinux())
}

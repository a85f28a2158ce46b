// Command gvisor wires gVisor's netstack into the harness. It needs no more than Debian's packages
// golang-go and golang-gvisor-gvisor-dev (0.0~20221219), and no network; in its directory:
//
//	CGO_ENABLED=0 GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE=CACHE go build -o PROGRAM .
//
// This file wires the stack in, options.go names its settings; the others know no stack.
package main

import (
	"bytes"
	"runtime"
	"strings"
	"time"

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

func main() { serve() }

func (c *clock) NowMonotonic() (zero tcpip.MonotonicTime) { return zero.Add(time.Duration(c.now)) }

func (c *clock) AfterFunc(d time.Duration, run func()) tcpip.Timer { return c.after(d, run) }

// gvisor is one stack, and the device below its Ethernet.
type gvisor struct {
	*channel.Endpoint
	g              *glue
	stack          *stack.Stack
	protocol       tcpip.NetworkProtocolNumber
	target, tester tcpip.Address
}

func fresh(g *glue) network {
	type factory = stack.NetworkProtocolFactory
	with := stack.Options{
		NetworkProtocols:   []factory{arp.NewProtocol, ipv4.NewProtocol, ipv6.NewProtocol},
		TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocol},
	}
	if g.clock != nil {
		with.Clock = g.clock
	}
	runtime.GOMAXPROCS(1)       // TCP gets as many processor goroutines as this says now
	defer runtime.GOMAXPROCS(8) // more than can be blocked in the system
	return &gvisor{g: g, stack: stack.New(with)}
}

func (v *gvisor) version() (string, []string) {
	return "gVisor netstack 0.0~20221219", strings.Fields("CALLS STATE ACTIVE-OPEN IPV6 OPTIONS ICMP")
}

func (v *gvisor) use(l link) {
	v.protocol = tcpip.NetworkProtocolNumber(l.ethertype)
	v.target, v.tester = tcpip.Address(l.target), tcpip.Address(l.tester)
	v.Endpoint = channel.New(0, uint32(l.mtu+14), tcpip.LinkAddress(l.own))
	must(v.stack.CreateNIC(1, ethernet.New(v)))
	at := tcpip.AddressWithPrefix{Address: v.target, PrefixLen: l.prefix}
	full := tcpip.ProtocolAddress{Protocol: v.protocol, AddressWithPrefix: at}
	must(v.stack.AddProtocolAddress(1, full, stack.AddressProperties{}))
	must(v.stack.AddStaticNeighbor(1, v.protocol, v.tester, tcpip.LinkAddress(l.other)))
	at.PrefixLen = 0 // the tester is on-link, whatever the prefix
	v.stack.SetRouteTable([]tcpip.Route{{Destination: at.Subnet(), NIC: 1}})
}

func (v *gvisor) WritePackets(list stack.PacketBufferList) (int, tcpip.Error) {
	for _, packet := range list.AsSlice() {
		v.g.transmit(v, bytes.Join(packet.AsSlices(), nil))
	}
	return list.Len(), nil
}

func (v *gvisor) feed(frame []byte) {
	payload := bufferv2.MakeWithData(frame)
	packet := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: payload})
	v.InjectInbound(0, packet)
	packet.DecRef()
}

// idle: a pause is granted when the queue of TCP's one processor goroutine is empty.
func (v *gvisor) idle() {
	v.stack.Pause()
	v.stack.Resume()
}

func (v *gvisor) end() {
	v.stack.Close()
	v.stack.RemoveNIC(1)
}

// spelled makes RFC 9293's names of the stack's.
var spelled = strings.NewReplacer("RCVD", "RECEIVED", "WAIT1", "WAIT-1", "WAIT2", "WAIT-2",
	"CONNECTING", "SYN-SENT", "INITIAL", "CLOSED", "BOUND", "CLOSED", "ERROR", "CLOSED")

func (v *gvisor) state(local, remote uint16) string {
	tuple := stack.TransportEndpointID{
		LocalPort: local, LocalAddress: v.target, RemotePort: remote, RemoteAddress: v.tester,
	}
	found := v.stack.FindTransportEndpoint(v.protocol, tcp.ProtocolNumber, tuple, 1)
	if ep, any := found.(tcpip.Endpoint); any {
		return spelled.Replace(tcp.EndpointState(ep.State()).String())
	}
	return "CLOSED"
}

// socket is a conn.
type socket struct {
	tcpip.Endpoint
	v *gvisor
}

func (v *gvisor) socket() conn {
	queue := &waiter.Queue{}
	ep := got(v.stack.NewEndpoint(tcp.ProtocolNumber, v.protocol, queue))
	ep.SocketOptions().SetReuseAddress(true)
	return v.watched(ep, queue, nil)
}

// watched has what waits for the socket tried again whenever something happens to it.
func (v *gvisor) watched(ep tcpip.Endpoint, queue *waiter.Queue, err tcpip.Error) conn {
	must(err)
	entry := &waiter.Entry{}
	events := waiter.ReadableEvents | waiter.WritableEvents | waiter.EventErr | waiter.EventHUp
	entry.Init(waiter.ChannelNotifier(v.g.wake), events)
	queue.EventRegister(entry)
	return socket{ep, v}
}

func (s socket) bind(port uint16)   { must(s.Bind(tcpip.FullAddress{Addr: s.v.target, Port: port})) }
func (s socket) listen(backlog int) { must(s.Listen(backlog + 1)) } // 0 is no queue at all
func (s socket) accept() conn       { return s.v.watched(s.Accept(nil)) }
func (s socket) shutdown(how int)   { must(s.Shutdown(tcpip.ShutdownFlags(how))) }
func (s socket) pending() int       { return s.number(tcpip.ReceiveQueueSizeOption).get() }

func (s socket) close() { s.Close() }

func (s socket) connect(port uint16) {
	must(s.Connect(tcpip.FullAddress{Addr: s.v.tester, Port: port}))
}

func (s socket) send(data []byte, more bool) int {
	return int(got(s.Write(bytes.NewReader(data), tcpip.WriteOptions{More: more})))
}

func (s socket) recv(count int) []byte {
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
		panic(again)
	default:
		fail(errno(err))
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

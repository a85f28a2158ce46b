/* ns-3's TCP (TcpSocketBase) in the conformance harness; both clocks, IPv4 and IPv6.
 *
 *     g++ -O1 -o ns3 ns3.cc -lns3-internet -lns3-network -lns3-core
 *
 * One node with one device, whose frames are the wire's. Simulated time follows glue_now(): it counts
 * picoseconds from `use` on, so that what ns-3 puts off by one step of time, to let an application
 * fill its buffer, is done in the same nanosecond. The application's side is ns3::Socket; what it
 * does not tell (the state of a connection, its end) is read from the socket.
 */
#include <ns3/core-module.h>
#include <ns3/internet-module.h>
#include <ns3/network-module.h>
#include <ns3/version-defines.h>

#include "conformance_glue.h" /* behind them: its system headers have macros of their names */

using namespace ns3;

namespace
{
const int64_t AT_ONCE = 16; /* steps of ns-3's time that are no time */

const glue_lab *lab;
int64_t began; /* glue_now() at its time 0 */
bool in_timers;

/* Tells when its next event is. */
struct Events : MapScheduler {
    static Events *own;
    static TypeId GetTypeId() { return TypeId("conformance::Events").SetParent<MapScheduler>().AddConstructor<Events>(); }
    Events() { own = this; }
    int64_t next() const { return IsEmpty() ? -1 : (int64_t)PeekNext().key.m_ts; }
};
Events *Events::own;

/* What a class of its family may see of a socket. */
struct Inside : TcpSocketBase {
    static TcpStates_t state(Ptr<TcpSocketBase> s) { return (*s).*(&Inside::m_state); }
    static Ptr<TcpSocketState> block(Ptr<TcpSocketBase> s) { return (*s).*(&Inside::m_tcb); }
    static Ptr<RttEstimator> rtt(Ptr<TcpSocketBase> s) { return (*s).*(&Inside::m_rtt); }
    static Time rto(Ptr<TcpSocketBase> s) { return ((*s).*(&Inside::m_rto)).Get(); }
    static uint32_t window(Ptr<TcpSocketBase> s) { return ((*s).*(&Inside::m_rWnd)).Get(); }
};

/* Ethernet. */
class Card : public NetDevice
{
    Ptr<Node> node;
    uint32_t index = 0;
    uint16_t mtu = 1500;
    ReceiveCallback up;

  public:
    static TypeId GetTypeId() { return TypeId("conformance::Card").SetParent<NetDevice>().AddConstructor<Card>(); }
    void SetIfIndex(uint32_t i) override { index = i; }
    uint32_t GetIfIndex() const override { return index; }
    Ptr<Channel> GetChannel() const override { return nullptr; }
    void SetAddress(Address) override {}
    Address GetAddress() const override { return mac(lab->target_mac); }
    bool SetMtu(uint16_t m) override { return mtu = m, true; }
    uint16_t GetMtu() const override { return mtu; }
    bool IsLinkUp() const override { return true; }
    void AddLinkChangeCallback(Callback<void>) override {}
    bool IsBroadcast() const override { return true; }
    Address GetBroadcast() const override { return Mac48Address::GetBroadcast(); }
    bool IsMulticast() const override { return true; }
    Address GetMulticast(Ipv4Address a) const override { return Mac48Address::GetMulticast(a); }
    Address GetMulticast(Ipv6Address a) const override { return Mac48Address::GetMulticast(a); }
    bool IsBridge() const override { return false; }
    bool IsPointToPoint() const override { return false; }
    Ptr<Node> GetNode() const override { return node; }
    void SetNode(Ptr<Node> n) override { node = n; }
    bool NeedsArp() const override { return true; }
    void SetReceiveCallback(ReceiveCallback f) override { up = f; }
    void SetPromiscReceiveCallback(PromiscReceiveCallback) override {}
    bool SupportsSendFrom() const override { return true; }
    bool Send(Ptr<Packet> p, const Address &to, uint16_t type) override { return SendFrom(p, GetAddress(), to, type); }
    bool SendFrom(Ptr<Packet> p, const Address &from, const Address &to, uint16_t type) override
    {
        static unsigned char frame[GLUE_FRAME];
        uint32_t n = p->GetSize();
        if (n > mtu) return false;
        Mac48Address::ConvertFrom(to).CopyTo(frame), Mac48Address::ConvertFrom(from).CopyTo(frame + 6);
        frame[12] = (unsigned char)(type >> 8), frame[13] = (unsigned char)type;
        return p->CopyData(frame + 14, n), glue_frame(frame, 14 + n), true;
    }
    void take(Ptr<Packet> p, Mac48Address from, uint16_t type) { up(this, p, type, from); }
    static Mac48Address mac(const unsigned char *octets)
    {
        Mac48Address address;
        return address.CopyFrom(octets), address;
    }
};
Ptr<Node> node;
Ptr<Card> card;

struct End { /* of a connection, or a listener */
    glue_socket *s;
    Ptr<TcpSocketBase> tcp;
    TcpSocket::TcpStates_t seen;
};
std::list<End> ends;

Ptr<TcpSocketBase> tcp_of(glue_socket *s) { return ((End *)s->stack)->tcp; }

Address address_of(bool tester, int port)
{
    const unsigned char *octets = tester ? lab->tester : lab->target;
    if (lab->six) return Inet6SocketAddress(Ipv6Address::Deserialize(octets), (uint16_t)port);
    return InetSocketAddress(Ipv4Address::Deserialize(octets), (uint16_t)port);
}
int port_of(const Address &a)
{
    return lab->six ? Inet6SocketAddress::ConvertFrom(a).GetPort() : InetSocketAddress::ConvertFrom(a).GetPort();
}
int own_port(Ptr<Socket> s)
{
    Address a;
    return s->GetSockName(a), port_of(a);
}

/* Time */

/* Do what is due by now, and what that puts off by a step. */
void catch_up()
{
    int64_t to = std::max<int64_t>((glue_now() - began) * 1000, Simulator::Now().GetTimeStep());
    for (int rounds = 0; rounds < GLUE_ROUNDS; rounds++) {
        Simulator::Stop(TimeStep((uint64_t)(to - Simulator::Now().GetTimeStep())));
        Simulator::Run();
        int64_t next = Events::own->next();
        if (next < 0 || next > to + AT_ONCE) return;
        to = std::max(to, next);
    }
}
long long next_timer()
{
    int64_t next = Events::own->next();
    return next < 0 ? -1 : began + (next + 999) / 1000;
}

/* Why a connection is no more: ns-3 does not say. */
const char *end_of(const End &e)
{
    bool acknowledged = e.seen == TcpSocket::LAST_ACK || e.seen == TcpSocket::CLOSING;
    return e.seen == TcpSocket::TIME_WAIT ? NULL : in_timers ? "ETIMEDOUT" : acknowledged ? NULL : "ECONNRESET";
}
void work()
{
    catch_up();
    for (auto e = ends.begin(); e != ends.end();) {
        TcpSocket::TcpStates_t state = Inside::state(e->tcp);
        bool over = state == TcpSocket::CLOSED && e->seen != TcpSocket::CLOSED;
        if (over && e->s) {
            unsigned char rest[4096];
            for (Ptr<Packet> p; (p = e->tcp->Recv(sizeof rest, 0)) && p->GetSize();)
                glue_data(e->s, rest, p->CopyData(rest, sizeof rest));
            glue_error(e->s, end_of(*e));
        } else if (e->s && e->seen == TcpSocket::SYN_SENT && state >= TcpSocket::ESTABLISHED)
            glue_connected(e->s);
        e->seen = state;
        e = over ? ends.erase(e) : std::next(e);
    }
}
void run_timers() { in_timers = true, work(), in_timers = false; }

/* What ns-3 calls */

glue_socket *listener_on(int port)
{
    for (End &e : ends)
        if (e.s && e.s->phase == GLUE_LISTENING && own_port(e.tcp) == port) return e.s;
    return NULL;
}
/* It has given up, and may leave the state as it was. */
void on_error(Ptr<Socket> s)
{
    for (End &e : ends)
        if (e.tcp == s) glue_error(e.s, in_timers ? "ETIMEDOUT" : "ECONNRESET");
}
bool on_request(Ptr<Socket> s, const Address &)
{
    glue_socket *listener = listener_on(own_port(s));
    return listener && listener->waiting < listener->backlog;
}
void on_accept(Ptr<Socket> s, const Address &)
{
    s->SetCloseCallbacks(MakeNullCallback<void, Ptr<Socket>>(), MakeCallback(on_error));
    ends.push_back({NULL, DynamicCast<TcpSocketBase>(s), TcpSocket::ESTABLISHED});
    End &e = ends.back();
    e.s = glue_accepted(listener_on(own_port(s)), &e);
    if (!e.s) s->Close();
}

/* What the header calls */

const char *name_of(Ptr<Socket> s)
{
    static const std::map<int, const char *> names = {
        {Socket::ERROR_ISCONN, "EISCONN"}, {Socket::ERROR_NOTCONN, "ENOTCONN"}, {Socket::ERROR_SHUTDOWN, "EPIPE"},
        {Socket::ERROR_AGAIN, "EAGAIN"}, {Socket::ERROR_ADDRINUSE, "EADDRINUSE"},
        {Socket::ERROR_ADDRNOTAVAIL, "EADDRNOTAVAIL"}, {Socket::ERROR_NOROUTETOHOST, "EHOSTUNREACH"}};
    auto found = names.find(s->GetErrno());
    return found == names.end() ? "EINVAL" : found->second;
}
void input(const unsigned char *frame, size_t n)
{
    if (!(frame[0] & 1) && memcmp(frame, lab->target_mac, 6)) return;
    uint16_t type = (uint16_t)(frame[12] << 8 | frame[13]);
    Ptr<Packet> p = Create<Packet>(frame + 14, (uint32_t)n - 14);
    catch_up();
    Simulator::ScheduleWithContext(node->GetId(), TimeStep(0), &Card::take, card, p, Card::mac(frame + 6), type);
    catch_up();
}
void use_four()
{
    Ptr<Ipv4> ip = node->GetObject<Ipv4>();
    uint32_t i = ip->AddInterface(card);
    ip->AddAddress(i, {Ipv4Address::Deserialize(lab->target), Ipv4Mask(~0U << (32 - lab->prefix))});
    ip->SetUp(i);
    auto entry = node->GetObject<Ipv4L3Protocol>()->GetInterface(i)->GetArpCache()->Add(Ipv4Address::Deserialize(lab->tester));
    entry->SetMacAddress(Card::mac(lab->tester_mac)), entry->MarkPermanent();
}
void use_six()
{
    Ptr<Ipv6> ip = node->GetObject<Ipv6>();
    uint32_t i = ip->AddInterface(card);
    ip->SetForwarding(i, true); /* or it would ask for a router */
    ip->SetUp(i);
    ip->AddAddress(i, {Ipv6Address::Deserialize(lab->target), Ipv6Prefix((uint8_t)lab->prefix)});
    auto entry = node->GetObject<Ipv6L3Protocol>()->GetInterface(i)->GetNdiscCache()->Add(Ipv6Address::Deserialize(lab->tester));
    entry->SetMacAddress(Card::mac(lab->tester_mac)), entry->MarkPermanent();
}
const char *use(const glue_lab *given)
{
    ObjectFactory events("conformance::Events");
    InternetStackHelper stack;
    lab = given, began = glue_now();
    Simulator::SetScheduler(events);
    /* What a user of ns-3 chooses: it heeds no MSS, so that of most cases, and RFC 5681. */
    Config::SetDefault("ns3::TcpSocket::SegmentSize", UintegerValue(1000));
    Config::SetDefault("ns3::TcpL4Protocol::SocketType", TypeIdValue(TcpNewReno::GetTypeId()));
    GlobalValue::Bind("ChecksumEnabled", BooleanValue(true));
    Config::SetDefault("ns3::Icmpv6L4Protocol::DAD", BooleanValue(false));
    node = CreateObject<Node>(), card = CreateObject<Card>();
    stack.SetIpv4StackInstall(!lab->six), stack.SetIpv6StackInstall(lab->six);
    card->SetMtu((uint16_t)lab->mtu), node->AddDevice(card), stack.Install(node);
    lab->six ? use_six() : use_four();
    return NULL;
}
const char *do_open(glue_socket *s)
{
    Ptr<Socket> made = Socket::CreateSocket(node, TcpSocketFactory::GetTypeId());
    made->SetAcceptCallback(MakeCallback(on_request), MakeCallback(on_accept));
    made->SetCloseCallbacks(MakeNullCallback<void, Ptr<Socket>>(), MakeCallback(on_error));
    ends.push_back({s, DynamicCast<TcpSocketBase>(made), TcpSocket::CLOSED});
    s->stack = &ends.back();
    return NULL;
}
const char *do_listen(glue_socket *s, int port, int)
{
    Ptr<Socket> tcp = tcp_of(s);
    return tcp->Bind(address_of(false, port)) || tcp->Listen() ? name_of(tcp) : NULL;
}
const char *do_connect(glue_socket *s, int local_port, int port)
{
    Ptr<Socket> tcp = tcp_of(s);
    catch_up();
    return tcp->Bind(address_of(false, local_port)) || tcp->Connect(address_of(true, port)) ? name_of(tcp) : NULL;
}
const char *do_write(glue_socket *s, const void *data, size_t n, int flags, size_t *taken)
{
    Ptr<Socket> tcp = tcp_of(s);
    uint32_t most = (uint32_t)std::min(n, (size_t)tcp->GetTxAvailable());
    if (flags & GLUE_OOB) return "EOPNOTSUPP";
    catch_up();
    int sent = most ? tcp->Send((const uint8_t *)data, most, 0) : 0;
    *taken = sent > 0 ? (size_t)sent : 0;
    return sent < 0 ? name_of(tcp) : NULL;
}
const char *do_read(glue_socket *s, void *data, size_t n, size_t *taken)
{
    Ptr<TcpSocketBase> tcp = tcp_of(s);
    catch_up();
    Ptr<Packet> p = tcp->Recv((uint32_t)n, 0);
    *taken = p ? p->CopyData((uint8_t *)data, (uint32_t)n) : 0;
    if (!*taken && tcp->GetRxBuffer()->Finished()) glue_eof(s);
    return NULL;
}
const char *do_shutdown(glue_socket *s, int how)
{
    Ptr<Socket> tcp = tcp_of(s);
    catch_up();
    if (how & GLUE_RD) tcp->ShutdownRecv();
    if (how & GLUE_WR) tcp->ShutdownSend();
    return NULL;
}
const char *do_close(glue_socket *s, int)
{
    End *e = (End *)s->stack;
    catch_up();
    e->s = NULL, e->tcp->Close();
    return NULL;
}
const char *do_setsockopt(glue_socket *s, const char *name, long long value)
{
    if (!strcmp(name, "NODELAY"))
        tcp_of(s)->SetAttribute("TcpNoDelay", BooleanValue(value));
    else if (!strcmp(name, "RCVBUF"))
        tcp_of(s)->SetAttribute("RcvBufSize", UintegerValue((uint32_t)value));
    else if (!strcmp(name, "SNDBUF"))
        tcp_of(s)->SetAttribute("SndBufSize", UintegerValue((uint32_t)value));
    else
        return "ENOPROTOOPT";
    return NULL;
}
/* Settings are attributes of sockets that are made from now on. */
const char *do_set(const char *name, const char *value)
{
    static const std::set<std::string> switches = {"Sack", "Timestamp", "WindowScaling"};
    bool on = !strcmp(value, "on"), off = !strcmp(value, "off");
    if (!switches.count(name) && strcmp(name, "UseEcn")) return "ENOPROTOOPT";
    if (!on && !off) return "EINVAL";
    std::string text = strcmp(name, "UseEcn") ? (on ? "true" : "false") : (on ? "On" : "Off");
    Config::SetDefault("ns3::TcpSocketBase::" + std::string(name), StringValue(text));
    return NULL;
}
const char *do_info(glue_socket *s, char *text, size_t room)
{
    Ptr<TcpSocketBase> tcp = tcp_of(s);
    Ptr<TcpSocketState> t = Inside::block(tcp);
    static const char *const names[] = {"open", "disorder", "cwr", "recovery", "loss"};
    uint32_t mss = t->m_segmentSize, thresh = t->m_ssThresh;
    snprintf(text, room, "ca-state=%s cwnd=%u ssthresh=%u snd-mss=%u snd-wnd=%u rto=%lld rtt=%lld",
             names[t->m_congState.Get()], t->m_cWnd.Get() / mss, thresh / mss, mss, Inside::window(tcp),
             (long long)Inside::rto(tcp).GetMicroSeconds(), (long long)Inside::rtt(tcp)->GetEstimate().GetMicroSeconds());
    return NULL;
}
const char *do_state(int local, int remote)
{
    static const char *const names[] = {"CLOSED", "LISTEN", "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "CLOSE-WAIT",
                                        "LAST-ACK", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSING", "TIME-WAIT"};
    ObjectVectorValue all;
    catch_up();
    node->GetObject<TcpL4Protocol>()->GetAttribute("SocketList", all);
    for (auto one = all.Begin(); one != all.End(); ++one) {
        Ptr<TcpSocketBase> tcp = DynamicCast<TcpSocketBase>(one->second);
        Address peer;
        TcpSocket::TcpStates_t state = Inside::state(tcp);
        if (state > TcpSocket::LISTEN && !tcp->GetPeerName(peer) && own_port(tcp) == local && port_of(peer) == remote)
            return names[state];
    }
    return NULL;
}
} // namespace

int main()
{
    static glue_stack stack = {};
    static char text[32];
    snprintf(text, sizeof text, "ns-3 %d.%d", NS3_VERSION_MAJOR, NS3_VERSION_MINOR);
    stack.text = text, stack.abilities = "CALLS STATE ACTIVE-OPEN IPV6 INFO";
    stack.use = use, stack.input = input, stack.next_timer = next_timer, stack.run_timers = run_timers;
    stack.work = work, stack.open = do_open, stack.listen = do_listen, stack.connect = do_connect;
    stack.write = do_write, stack.read = do_read, stack.shutdown = do_shutdown, stack.close = do_close;
    stack.setsockopt = do_setsockopt, stack.info = do_info, stack.state = do_state, stack.set = do_set;
    Time::SetResolution(Time::PS);
    Events::GetTypeId(), Card::GetTypeId();
    return glue_run(&stack);
}

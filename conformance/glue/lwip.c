/* lwIP (its raw API) in the conformance harness; both clocks, IPv4 and IPv6.
 *
 *     cc -O2 -I/usr/include/lwip -o lwip lwip.c -llwip
 *
 * The library is built for threads (NO_SYS 0), but none is started: its core is called from here
 * alone, and its timers run by sys_check_timeouts(). sys_now() and netif_loop_output() below take
 * the place of its own; that one would wake the thread.
 */
#include "conformance_glue.h"
#include <lwip/etharp.h>
#include <lwip/ethip6.h>
#include <lwip/init.h>
#include <lwip/priv/nd6_priv.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/timeouts.h>
#include <netif/ethernet.h>

static struct netif card;
static ip_addr_t target, tester;

u32_t sys_now(void) { return (u32_t)(glue_now() / 1000000); }

/* Looked up each time: lwIP frees a pcb in TIME-WAIT without a word. */
static struct tcp_pcb *pcb_of(struct glue_socket *s)
{
    for (int i = 0; i < NUM_TCP_PCB_LISTS; i++)
        for (struct tcp_pcb *p = *tcp_pcb_lists[i]; p; p = p->next)
            if (p == s->stack && p->callback_arg == s) return p;
    return s->phase == GLUE_FRESH ? s->stack : NULL;
}
static const char *name_of(err_t e)
{
    return e == ERR_OK ? NULL : e == ERR_USE ? "EADDRINUSE" : e == ERR_MEM ? "ENOMEM" : e == ERR_RTE ? "EHOSTUNREACH"
         : e == ERR_RST ? "ECONNRESET" : e == ERR_ABRT ? "ETIMEDOUT" : e == ERR_CONN ? "ENOTCONN" : "EINVAL";
}

/* What lwIP calls */
static err_t output(struct netif *n, struct pbuf *p)
{
    static unsigned char frame[GLUE_FRAME];
    return (void)n, glue_frame(frame, pbuf_copy_partial(p, frame, p->tot_len, 0)), ERR_OK;
}
static void loop_in(void *p)
{
    if (ip_input(p, &card)) pbuf_free(p);
}
err_t netif_loop_output(struct netif *n, struct pbuf *p) /* what the stack sends to itself */
{
    struct pbuf *copy = pbuf_clone(PBUF_LINK, PBUF_RAM, p);
    return (void)n, copy ? sys_timeout(0, loop_in, copy), ERR_OK : ERR_MEM;
}
static err_t on_recv(void *s, struct tcp_pcb *p, struct pbuf *data, err_t e) /* NULL: a FIN */
{
    for (struct pbuf *q = data; q; q = q->next) glue_data(s, q->payload, q->len);
    if (data) pbuf_free(data); else glue_eof(s);
    return (void)p, (void)e, ERR_OK;
}
static void on_error(void *s, err_t e) { glue_error(s, e == ERR_CLSD ? NULL : name_of(e)); }
static err_t on_connected(void *s, struct tcp_pcb *p, err_t e) { return (void)p, (void)e, glue_connected(s), ERR_OK; }
static void adopt(struct tcp_pcb *p, void *s) { tcp_arg(p, s), tcp_recv(p, on_recv), tcp_err(p, on_error); }
static err_t on_accept(void *listener, struct tcp_pcb *p, err_t e)
{
    struct glue_socket *s = e ? NULL : glue_accepted(listener, p);
    return s ? adopt(p, s), ERR_OK : ERR_MEM; /* a reset */
}

/* What the header calls */
static void input(const unsigned char *frame, size_t n)
{
    struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)n, PBUF_RAM);
    if (p && (pbuf_take(p, frame, (u16_t)n) || card.input(p, &card))) pbuf_free(p);
}
static err_t start(struct netif *n)
{
    n->output = etharp_output, n->output_ip6 = ethip6_output, n->linkoutput = output;
    return n->hwaddr_len = 6, n->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_LINK_UP, ERR_OK;
}
static const char *use(const struct glue_lab *lab)
{
    unsigned char arp[42];
    ip4_addr_t mask = {lwip_htonl(~0U << (lab->six ? 0 : 32 - lab->prefix))}, none = {0};
    lwip_init(), netif_add_noaddr(&card, NULL, start, ethernet_input), netif_set_default(&card), netif_set_up(&card);
    memcpy(card.hwaddr, lab->target_mac, 6), card.mtu = card.mtu6 = (u16_t)lab->mtu, card.rs_count = 0;
    ipaddr_aton(lab->target_text, &target), ipaddr_aton(lab->tester_text, &tester);
    if (!lab->six) netif_set_addr(&card, ip_2_ip4(&target), &mask, &none);
    card.flags |= NETIF_FLAG_ETHARP; /* only now: it would have announced itself */
    if (!lab->six) return input(arp, glue_arp(lab, arp)), NULL;
    struct nd6_neighbor_cache_entry entry = {*ip_2_ip6(&tester), &card, {0}, NULL, ND6_REACHABLE, 0, {~0U}};
    memcpy(entry.lladdr, lab->tester_mac, 6), neighbor_cache[0] = entry, reachable_time = ~0U; /* for ever */
    netif_ip6_addr_set(&card, 0, ip_2_ip6(&target));
    return netif_ip6_addr_set_state(&card, 0, IP6_ADDR_PREFERRED), NULL; /* no search for duplicates */
}
static long long next_timer(void) { return (glue_now() / 1000000 + sys_timeouts_sleeptime()) * 1000000; }
static const char *do_open(struct glue_socket *s)
{
    struct tcp_pcb *p = s->stack = tcp_new_ip_type(IP_GET_TYPE(&target));
    return p ? ip_set_option(p, SOF_REUSEADDR), adopt(p, s), NULL : "ENOMEM";
}
static const char *do_listen(struct glue_socket *s, int port, int backlog)
{
    err_t e = tcp_bind(s->stack, &target, (u16_t)port);
    struct tcp_pcb *p = e ? NULL : tcp_listen_with_backlog_and_err(s->stack, (u8_t)LWIP_MIN(backlog, 255), &e);
    if (p) tcp_accept(s->stack = p, on_accept);
    return name_of(e);
}
static const char *do_connect(struct glue_socket *s, int local_port, int port)
{
    err_t e = tcp_bind(s->stack, &target, (u16_t)local_port);
    return name_of(e ? e : tcp_connect(s->stack, &tester, (u16_t)port, on_connected));
}
static const char *do_write(struct glue_socket *s, const void *data, size_t n, int flags, size_t *taken)
{
    struct tcp_pcb *p = pcb_of(s);
    u16_t most = p ? (u16_t)LWIP_MIN(n, tcp_sndbuf(p)) : 0;
    u8_t how = flags & GLUE_MORE ? TCP_WRITE_FLAG_COPY | TCP_WRITE_FLAG_MORE : TCP_WRITE_FLAG_COPY;
    err_t e = !p ? ERR_CONN : most && !(flags & GLUE_OOB) ? tcp_write(p, data, most, how) : ERR_MEM;
    if (!e) *taken = most, tcp_output(p);
    return flags & GLUE_OOB ? "EOPNOTSUPP" : e == ERR_CONN ? "EPIPE" : e == ERR_MEM ? NULL : name_of(e);
}
static void received(struct glue_socket *s, size_t n) { if (pcb_of(s)) tcp_recved(pcb_of(s), (u16_t)n); }
static const char *do_shutdown(struct glue_socket *s, int how)
{
    return name_of(pcb_of(s) ? tcp_shutdown(pcb_of(s), how & GLUE_RD, how & GLUE_WR) : ERR_CONN);
}
static const char *do_close(struct glue_socket *s, int reset)
{
    struct tcp_pcb *p = pcb_of(s);
    if (!p) return NULL;
    tcp_arg(p, NULL);
    return reset && p->state != LISTEN ? tcp_abort(p), NULL : name_of(tcp_close(p));
}
static const char *do_setsockopt(struct glue_socket *s, const char *name, long long value)
{
    struct tcp_pcb *p = pcb_of(s);
    if (!p || s->phase == GLUE_LISTENING) return "ENOPROTOOPT";
    int flag = !strcmp(name, "NODELAY") ? TF_NODELAY : 0;
    int option = !strcmp(name, "KEEPALIVE") ? SOF_KEEPALIVE : !strcmp(name, "REUSEADDR") ? SOF_REUSEADDR : 0;
    u32_t *count = !strcmp(name, "KEEPIDLE") ? &p->keep_idle : !strcmp(name, "KEEPINTVL") ? &p->keep_intvl
                 : !strcmp(name, "KEEPCNT") ? &p->keep_cnt : NULL;
    if (count) *count = (u32_t)(count == &p->keep_cnt ? value : 1000 * value);
    p->flags = (tcpflags_t)(value ? p->flags | flag : p->flags & ~flag);
    p->so_options = (u8_t)(value ? p->so_options | option : p->so_options & ~option);
    return count || flag || option ? NULL : "ENOPROTOOPT";
}
/* By tcp_info's names; lwIP counts time in slow ticks, its windows in octets. */
static const char *do_info(struct glue_socket *s, char *text, size_t room)
{
    struct tcp_pcb *p = pcb_of(s);
    unsigned unacked = 0;
    if (!p || p->state == LISTEN) return "ENOTCONN";
    for (struct tcp_seg *seg = p->unacked; seg; seg = seg->next) unacked++;
    const char *ca = p->flags & TF_INFR ? "recovery" : p->nrtx ? "loss" : p->dupacks ? "disorder" : "open";
    snprintf(text, room, "ca-state=%s retransmits=%u unacked=%u cwnd=%u ssthresh=%u snd-mss=%u snd-wnd=%u rto=%lu rtt=%lu",
             ca, p->nrtx, unacked, (unsigned)(p->cwnd / p->mss), (unsigned)(p->ssthresh / p->mss), p->mss, (unsigned)p->snd_wnd,
             p->rto * TCP_SLOW_INTERVAL * 1000UL, (unsigned long)(p->sa >> 3) * TCP_SLOW_INTERVAL * 1000UL);
    return NULL;
}
static const char *do_state(int local, int remote)
{
    static const char *const names[] = {"CLOSED", "LISTEN", "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1",
                                        "FIN-WAIT-2", "CLOSE-WAIT", "CLOSING", "LAST-ACK", "TIME-WAIT"};
    struct tcp_pcb *lists[] = {tcp_active_pcbs, tcp_tw_pcbs};
    for (int i = 0; i < 2; i++)
        for (struct tcp_pcb *p = lists[i]; p; p = p->next)
            if (p->local_port == local && p->remote_port == remote) return names[p->state];
    return NULL;
}

int main(void)
{
    static const struct glue_stack stack = {
        .text = "lwIP " LWIP_VERSION_STRING, .abilities = "CALLS STATE ACTIVE-OPEN IPV6 INFO", .use = use, .input = input,
        .next_timer = next_timer, .run_timers = sys_check_timeouts, .open = do_open, .listen = do_listen,
        .connect = do_connect, .write = do_write, .received = received, .shutdown = do_shutdown, .close = do_close,
        .setsockopt = do_setsockopt, .info = do_info, .state = do_state};
    return glue_run(&stack);
}

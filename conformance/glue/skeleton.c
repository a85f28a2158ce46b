/* @NAME@ in the conformance harness. conformance_glue.h, beside this file, explains each function.
 *
 *     cc -g -O2 -Wall -o @NAME@ @NAME@.c
 *
 * This compiles and runs as it is, on a toy that answers ARP and resets every connection that is
 * asked for. Put your stack in its place, one TODO after the other; `conformance target check
 * @NAME@.yaml` says what is still missing.
 *
 * SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tcp-conformance authors
 */
#include "conformance_glue.h"

/* ---- the toy; TODO: remove it, and include your stack's headers here --------------------------- */

static unsigned sum16(const unsigned char *data, size_t n, unsigned long sum)
{
    for (size_t i = 0; i < n; i++)
        sum += i % 2 ? data[i] : (unsigned)data[i] << 8;
    while (sum >> 16)
        sum = (sum & 0xFFFF) + (sum >> 16);
    return (unsigned)sum;
}

static void put16(unsigned char *at, unsigned value)
{
    at[0] = (unsigned char)(value >> 8);
    at[1] = (unsigned char)value;
}

/* Turn the frame back to its sender. */
static void turn(unsigned char *reply, const unsigned char *frame, const unsigned char *from)
{
    memcpy(reply, frame + 6, 6);
    memcpy(reply + 6, from, 6);
    put16(reply + 12, (unsigned)frame[12] << 8 | frame[13]);
}

static void toy_arp(const struct glue_lab *lab, const unsigned char *frame, size_t n)
{
    unsigned char reply[42] = {0};
    if (n < 42 || frame[21] != 1 || memcmp(frame + 38, lab->target, 4))
        return;
    turn(reply, frame, lab->target_mac);
    memcpy(reply + 14, frame + 14, 7); /* Ethernet and IPv4, */
    reply[21] = 2;                     /* an answer: */
    memcpy(reply + 22, lab->target_mac, 6);
    memcpy(reply + 28, lab->target, 4);
    memcpy(reply + 32, frame + 22, 10);
    glue_frame(reply, sizeof reply);
}

/* <SEQ=0><ACK=SEG.SEQ+1><CTL=RST,ACK> to a SYN: RFC 9293 3.10.7.1. */
static void toy_reset(const struct glue_lab *lab, const unsigned char *frame, size_t n)
{
    size_t header = n < 34 ? 0 : 4 * (size_t)(frame[14] & 15);
    const unsigned char *ip = frame + 14, *tcp = ip + header;
    unsigned char reply[54] = {0};
    if (header < 20 || n < 34 + header || ip[9] != 6 || memcmp(ip + 16, lab->target, 4) || (tcp[13] & 0x17) != 2)
        return;
    turn(reply, frame, lab->target_mac);
    reply[14] = 0x45;
    put16(reply + 16, 40);
    reply[22] = 64;
    reply[23] = 6;
    memcpy(reply + 26, ip + 16, 4);
    memcpy(reply + 30, ip + 12, 4);
    put16(reply + 24, 0xFFFF & ~sum16(reply + 14, 20, 0));
    memcpy(reply + 34, tcp + 2, 2);
    memcpy(reply + 36, tcp, 2);
    memcpy(reply + 42, tcp + 4, 4);
    for (int i = 45; i >= 42 && ++reply[i] == 0; i--) { /* one more, with its carry */
    }
    reply[46] = 0x50;
    reply[47] = 0x14;
    put16(reply + 50, 0xFFFF & ~sum16(reply + 26, 28, 6 + 20));
    glue_frame(reply, sizeof reply);
}

/* ---- the interface ----------------------------------------------------------------------------- */

static const struct glue_lab *where;

static const char *use(const struct glue_lab *lab)
{
    /* TODO: start your stack and give its interface lab->target_mac, lab->target, lab->prefix and
     * lab->mtu. Its driver sends with glue_frame(frame, length); its clock is glue_now(), in
     * nanoseconds. Tell it that lab->tester is at lab->tester_mac, if it can be told: glue_arp(). */
    where = lab;
    return lab->six ? "EAFNOSUPPORT" : NULL;
}

static void input(const unsigned char *frame, size_t length)
{
    /* TODO: hand the frame to your stack. */
    if (frame[12] == 8 && frame[13] == 6)
        toy_arp(where, frame, length);
    else if (frame[12] == 8 && frame[13] == 0)
        toy_reset(where, frame, length);
}

static long long next_timer(void)
{
    /* TODO: when your next timer is due, in nanoseconds on the clock of glue_now(). */
    return -1;
}

static void run_timers(void)
{
    /* TODO: run the timers that are due at glue_now(). */
}

/* ---- sockets: `s->stack` is yours -------------------------------------------------------------- */

static const char *do_listen(struct glue_socket *s, int port, int backlog)
{
    /* TODO: listen, and keep your listener in s->stack. Where your stack reports a connection that
     * is ESTABLISHED, call glue_accepted(s, object), which gives the new connection's socket:
     * pass that one to glue_data, glue_eof and glue_error from then on. */
    (void)port, (void)backlog;
    s->stack = s; /* the toy has no object of its own */
    return NULL;
}

static const char *do_connect(struct glue_socket *s, int local_port, int port)
{
    /* TODO: send a SYN to `port` of the tester (local_port 0: choose one), keep your connection in
     * s->stack. Call glue_connected(s) when it is ESTABLISHED, glue_error(s, "ECONNRESET") when it
     * is reset, glue_error(s, "ETIMEDOUT") when you give up. */
    (void)s, (void)local_port, (void)port;
    return "ENOSYS";
}

static const char *do_write(struct glue_socket *s, const void *data, size_t n, int flags, size_t *taken)
{
    /* TODO: take what your send buffer has room for, say how much in *taken, and send. */
    (void)s, (void)data, (void)n, (void)flags, (void)taken;
    return "EPIPE";
}

static void received(struct glue_socket *s, size_t n)
{
    /* TODO: the application has read n octets of what you gave to glue_data: open the window. */
    (void)s, (void)n;
}

static const char *do_shutdown(struct glue_socket *s, int how)
{
    /* TODO: how & GLUE_WR: a FIN behind what is queued. how & GLUE_RD: nobody will read. */
    (void)s, (void)how;
    return "ENOTCONN";
}

static const char *do_close(struct glue_socket *s, int reset)
{
    /* TODO: reset: send a RST and forget the connection. Else close it in good order: it goes on
     * by itself. Never pass s to the header again. */
    (void)s, (void)reset;
    return NULL;
}

static const char *do_state(int local, int remote)
{
    /* TODO: the state of the connection between these ports, by its name in RFC 9293 3.3.2
     * ("SYN-RECEIVED", "TIME-WAIT"), from your table of connections; NULL for none. */
    (void)local, (void)remote;
    return NULL;
}

int main(void)
{
    static const struct glue_stack stack = {
        .text = "@NAME@", /* TODO: and its version */
        .abilities = "CALLS STATE", /* TODO: ACTIVE-OPEN, IPV6, ICMP, OPTIONS, as it can */
        .use = use,
        .input = input,
        .next_timer = next_timer,
        .run_timers = run_timers,
        .listen = do_listen,
        .connect = do_connect,
        .write = do_write,
        .received = received,
        .shutdown = do_shutdown,
        .close = do_close,
        .state = do_state,
    };
    return glue_run(&stack);
}

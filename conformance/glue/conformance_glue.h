/* conformance_glue.h: wires a TCP stack in C or C++ into the conformance harness. C99 and C++11, one file.
 *
 * How to write a glue (`conformance target new NAME --lang c` writes the frame of one):
 *
 * 1. Include this file in one C file, fill a `struct glue_stack`, and end with
 *        int main(void) { return glue_run(&stack); }
 *    It reads the requests, answers them, keeps handles, buffers and both clocks, and calls you.
 *    You are called from one thread, and never from within a function of this header.
 * 2. `use` configures your one interface; `input` gives you an Ethernet frame. Your driver's
 *    output function calls glue_frame(). Your stack's clock must be glue_now(), in nanoseconds:
 *    a stack that keeps to it runs in virtual time too. `next_timer` says when your next timer is
 *    due on that clock (-1: never), `run_timers` runs those that are.
 * 3. A `struct glue_socket` is one end of a connection, or a listener. `stack` in it is yours.
 *    `open` makes your object; `listen` or `connect` follows, or `close`. `write` takes what your
 *    send buffer has room for and says how much; it is asked again after every event. `received`
 *    says that the application has read n octets: open the window. A stack that is asked for its
 *    data has `read` instead. `shutdown` is a FIN behind what is queued, `close` what your stack
 *    does when an application closes or (reset) aborts. After `close` the socket is no more:
 *    forget the pointer. The functions of 5 take NULL for a socket and do nothing then.
 * 4. A function fails by returning the name of an errno ("EADDRINUSE"); NULL says that it worked.
 *    One that you leave out is answered with ENOSYS, an option of yours with ENOPROTOOPT.
 * 5. Tell what happens, from wherever your stack calls you:
 *        glue_accepted(listener, object)  a new connection is ESTABLISHED: its socket, or NULL if
 *                                         nobody has room for it (refuse it then)
 *        glue_connected(socket)           the connection that `connect` began is ESTABLISHED
 *        glue_data(socket, octets, n)     they are copied; the window opens with `received`
 *        glue_eof(socket)                 the peer's FIN came, behind all data
 *        glue_error(socket, "ECONNRESET") the connection is gone; NULL: it ended in good order
 *    `info` (ability INFO) writes what TCP knows of the connection, as "cwnd=10 ca-state=open".
 * 6. `state` answers for two ports, from your tables of connections, not of sockets: half-open
 *    ones, those whose application has closed, TIME-WAIT. NULL: there is none.
 * 7. `work`, if your stack does not act at once: do and send all that can be done now.
 *
 * Without POSIX, define GLUE_OWN_IO and give the six functions of the section "the machine".
 * GLUE_MALLOC, GLUE_REALLOC and GLUE_FREE may be yours. stdout belongs to the protocol.
 * The protocol, version 1: one JSON object a line, see README.md of the harness's glue.
 *
 * SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tcp-conformance authors
 */
#ifndef CONFORMANCE_GLUE_H
#define CONFORMANCE_GLUE_H

#if defined(__STRICT_ANSI__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE 1 /* poll and clocks with -std=c99 too */
#endif
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef GLUE_MALLOC
#define GLUE_MALLOC malloc
#define GLUE_REALLOC realloc
#define GLUE_FREE free
#endif

#define GLUE_PROTOCOL 1
#define GLUE_SECOND 1000000000LL
#define GLUE_BEGINNING (1000 * GLUE_SECOND) /* of the virtual clock */
#define GLUE_FRAME 65535                    /* octets of the largest frame */
#define GLUE_MOST (1 << 24)                 /* of a line, a send, a recv: an error eats no memory */
#define GLUE_QUEUED 4096                    /* frames that nobody reads: one more is lost */
#define GLUE_ROUNDS 100000                  /* of timers at one instant: they never end, then */
#define GLUE_LONGEST (GLUE_SECOND / 2)      /* of work before an advance answers how far it got */
#define GLUE_DEPTH 32                       /* of JSON in JSON */
#define GLUE_ARGUMENTS 24

enum { GLUE_RD = 1, GLUE_WR = 2, GLUE_RDWR = 3 }; /* how to shut down */
enum { GLUE_MORE = 1, GLUE_OOB = 2 };             /* flags of write */

struct glue_lab { /* who is who on the wire; an IPv4 address takes 4 octets */
    int six, prefix, mtu;
    unsigned char target[16], tester[16], target_mac[6], tester_mac[6];
    char target_text[64], tester_text[64];
};

struct glue_buffer {
    unsigned char *data;
    size_t start, length, room;
};

enum glue_phase { GLUE_FRESH, GLUE_LISTENING, GLUE_CONNECTING, GLUE_CONNECTED, GLUE_OVER };

struct glue_socket {
    void *stack; /* yours */
    enum glue_phase phase;
    int local_port; /* that it was bound to; 0 for none */
    /* the rest is the header's */
    int handle, backlog, waiting, eof, shut, own_error, lingers_not;
    const char *error; /* that nobody was told yet */
    struct glue_buffer received;
    uint32_t sent; /* octets of the stream function */
    struct glue_call *reading, *writing;
    struct glue_socket *next, *listener;
};

struct glue_stack {
    const char *text, *abilities; /* name and version; words as "CALLS STATE ACTIVE-OPEN IPV6" */
    const char *(*use)(const struct glue_lab *lab);
    void (*input)(const unsigned char *frame, size_t length);
    long long (*next_timer)(void);
    void (*run_timers)(void);
    void (*work)(void);
    const char *(*open)(struct glue_socket *s);
    const char *(*listen)(struct glue_socket *s, int port, int backlog);
    const char *(*connect)(struct glue_socket *s, int local_port, int port);
    const char *(*write)(struct glue_socket *s, const void *data, size_t n, int flags, size_t *taken);
    void (*received)(struct glue_socket *s, size_t n);
    const char *(*read)(struct glue_socket *s, void *data, size_t n, size_t *taken);
    const char *(*shutdown)(struct glue_socket *s, int how);
    const char *(*close)(struct glue_socket *s, int reset);
    const char *(*setsockopt)(struct glue_socket *s, const char *name, long long value);
    const char *(*getsockopt)(struct glue_socket *s, const char *name, long long *value);
    const char *(*info)(struct glue_socket *s, char *text, size_t room);
    const char *(*state)(int local, int remote);
    const char *(*set)(const char *name, const char *value);
    const char *(*reset)(void);
};

static int glue_run(const struct glue_stack *stack);
static long long glue_now(void);

/* ---- the machine: what an author without POSIX replaces ---------------------------------------
 * glue_io_open     open the wire; 1 for the virtual clock, 0 for the real one, -1 if it cannot
 * glue_io_clock    the real clock: nanoseconds since 1970
 * glue_io_take     read requests (wire 0) or one frame (wire 1): octets, -1 for nothing yet,
 *                  -2 for an end; a frame longer than `room` counts as `room`
 * glue_io_give     write as much as goes: octets, -1 for nothing now, -2 if nobody will read it
 * glue_io_wait     until there is something to take (or to give, if asked) or `until` is reached
 *                  (-1: never); with `wire` 0 frames are left alone
 * glue_io_log      a sentence to stderr
 */
#ifdef GLUE_OWN_IO
int glue_io_open(void);
long long glue_io_clock(void);
long glue_io_take(int wire, void *data, size_t room);
long glue_io_give(int wire, const void *data, size_t length);
void glue_io_wait(long long until, int wire, int give);
void glue_io_log(const char *text);
#else
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>
#endif

static int glue_wire = -1, glue_sink = -1;

static void glue_io_log(const char *text)
{
    fprintf(stderr, "%s\n", text);
}

/* A packet socket on an interface of our network namespace. */
static int glue_io_interface(const char *name)
{
#ifdef __linux__
    int one = 1, wire = socket(AF_PACKET, SOCK_RAW, htons(3 /* ETH_P_ALL */));
    struct sockaddr_ll where;
    memset(&where, 0, sizeof where);
    where.sll_family = AF_PACKET;
    where.sll_protocol = htons(3);
    where.sll_ifindex = (int)if_nametoindex(name);
    if (wire < 0 || !where.sll_ifindex || bind(wire, (struct sockaddr *)&where, sizeof where))
        return -1;
#ifdef PACKET_IGNORE_OUTGOING
    if (setsockopt(wire, 263 /* SOL_PACKET */, PACKET_IGNORE_OUTGOING, &one, sizeof one))
        return -1;
#endif
    return (void)one, wire;
#else
    return (void)name, errno = ENOSYS, -1;
#endif
}

static int glue_io_open(void)
{
    const char *clock = getenv("CONFORMANCE_CLOCK"), *wire = getenv("CONFORMANCE_WIRE_FD");
    const char *interface = getenv("CONFORMANCE_INTERFACE");
    char *end = NULL;
    long number = wire ? strtol(wire, &end, 10) : -1;
    signal(SIGPIPE, SIG_IGN);
    if (wire && *wire && !*end && number >= 0 && number < 1 << 20 && fcntl((int)number, F_GETFD) >= 0)
        glue_wire = (int)number;
    else if (!wire && interface)
        glue_wire = glue_io_interface(interface);
    if (glue_wire < 0)
        return glue_io_log("neither CONFORMANCE_WIRE_FD nor CONFORMANCE_INTERFACE is a wire"), -1;
    if (clock && strcmp(clock, "virtual") && strcmp(clock, "real"))
        return glue_io_log("CONFORMANCE_CLOCK is neither real nor virtual"), -1;
    glue_sink = dup(1);
    if (glue_sink < 0 || dup2(2, 1) < 0) /* whatever else prints, prints to stderr */
        return glue_io_log("no stdout or no stderr"), -1;
    fcntl(glue_wire, F_SETFL, fcntl(glue_wire, F_GETFL) | O_NONBLOCK);
    fcntl(glue_sink, F_SETFL, fcntl(glue_sink, F_GETFL) | O_NONBLOCK);
    fcntl(0, F_SETFL, fcntl(0, F_GETFL) | O_NONBLOCK);
    return clock && !strcmp(clock, "virtual");
}

static long long glue_io_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * GLUE_SECOND + now.tv_nsec;
}

static int glue_io_over(void)
{
    return errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR;
}

static long glue_io_take(int wire, void *data, size_t room)
{
    long got = glue_wire < 0 && wire ? -1 : (long)read(wire ? glue_wire : 0, data, room);
    if (!wire)
        return got > 0 ? got : got == 0 || glue_io_over() ? -2 : -1;
    if (got == 0) { /* a frame of no octets, or the other end is closed */
        struct pollfd one = {glue_wire, POLLIN, 0};
        if (poll(&one, 1, 0) == 1 && one.revents & (POLLHUP | POLLERR))
            return glue_wire = -1, -1;
    }
    if (got < 0 && glue_wire >= 0 && glue_io_over() && errno != EMSGSIZE && errno != ENETDOWN)
        glue_wire = -1;
    return got < 0 ? -1 : got;
}

static long glue_io_give(int wire, const void *data, size_t length)
{
    long given;
    if (wire && glue_wire < 0)
        return -2;
    given = (long)write(wire ? glue_wire : glue_sink, data, length);
    return given >= 0 ? given : glue_io_over() ? -2 : -1;
}

static void glue_io_wait(long long until, int wire, int give)
{
    struct pollfd all[3] = {{0, POLLIN, 0}, {wire ? glue_wire : -1, POLLIN, 0}, {-1, POLLOUT, 0}};
    long long left = until < 0 ? -1 : until - glue_io_clock();
    if (give)
        all[2].fd = give == 2 ? glue_wire : glue_sink;
    left = until < 0 ? -1 : left < 0 ? 0 : (left + 999999) / 1000000;
    poll(all, 3, (int)(left > 1000000 ? 1000000 : left));
    if (wire && glue_wire >= 0 && all[1].revents & (POLLERR | POLLNVAL) && !(all[1].revents & POLLIN))
        glue_wire = -1; /* or we would never sleep again */
}
#endif

/* ---- what the header keeps -------------------------------------------------------------------- */

enum glue_kind { GLUE_ACCEPT, GLUE_RECV, GLUE_CONNECT, GLUE_SEND, GLUE_SHUTDOWN, GLUE_CLOSE };

struct glue_call { /* that waits, or may have to */
    struct glue_call *next;
    enum glue_kind kind;
    long long id, started;
    int pending, all, how, flags, own; /* own: the call made the socket itself */
    size_t left, taken;                /* octets that are not generated or read yet; that are done */
    struct glue_buffer data;
};

struct glue_out { /* a frame or a part of the answers that is not written yet */
    struct glue_out *next;
    int wire;
    size_t done, length;
    unsigned char data[];
};

static struct {
    const struct glue_stack *stack;
    struct glue_lab lab;
    struct glue_socket *sockets;
    struct glue_out *first, *last;
    struct glue_buffer line;
    long long now, written;
    int virtual_clock, used, handle, queued, gone;
} glue;

static void glue_die(const char *text)
{
    glue_io_log(text);
    exit(1);
}

static void *glue_memory(void *old, size_t size)
{
    void *memory = old ? GLUE_REALLOC(old, size ? size : 1) : GLUE_MALLOC(size ? size : 1);
    if (!memory)
        glue_die("out of memory");
    if (!old)
        memset(memory, 0, size);
    return memory;
}

static void glue_append(struct glue_buffer *b, const void *data, size_t n)
{
    if (b->start && b->start + b->length + n > b->room) {
        memmove(b->data, b->data + b->start, b->length);
        b->start = 0;
    }
    if (b->length + n > b->room) {
        b->room = 2 * (b->length + n) + 256;
        b->data = (unsigned char *)glue_memory(b->data, b->room);
    }
    if (n && data)
        memcpy(b->data + b->start + b->length, data, n);
    b->length += n;
}

static void glue_drop(struct glue_buffer *b, size_t n)
{
    b->start += n;
    b->length -= n;
    if (!b->length)
        b->start = 0;
}

static void glue_free(struct glue_buffer *b)
{
    GLUE_FREE(b->data);
    memset(b, 0, sizeof *b);
}

/* Octet i of the stream is a function of i. */
static void glue_octets(struct glue_buffer *b, uint32_t offset, size_t n)
{
    glue_append(b, NULL, n);
    for (size_t i = 0; i < n; i++, offset++)
        b->data[b->start + b->length - n + i] = (offset ^ offset >> 8 ^ offset >> 16) & 0xFF;
}

static long long glue_now(void)
{
    return glue.virtual_clock ? glue.now : glue_io_clock();
}

/* ---- out: one queue, so that a frame never overtakes an answer or the other way round --------- */

static void glue_write_out(void)
{
    while (glue.first && !glue.gone) {
        struct glue_out *out = glue.first;
        long given = glue_io_give(out->wire, out->data + out->done, out->length - out->done);
        if (given == -1)
            return;
        if (given == -2 && !out->wire)
            glue.gone = 1; /* nobody reads the answers: we end */
        out->done = out->wire ? out->length : out->done + (size_t)(given > 0 ? given : 0);
        if (out->done < out->length)
            continue;
        glue.queued -= out->wire;
        glue.first = out->next;
        if (!glue.first)
            glue.last = NULL;
        GLUE_FREE(out);
    }
}

static void glue_queue(int wire, const void *data, size_t length)
{
    struct glue_out *out;
    glue.written++;
    glue_write_out();
    if (wire && !glue.first && glue_io_give(1, data, length) != -1)
        return;
    if (wire && glue.queued >= GLUE_QUEUED)
        return;
    out = (struct glue_out *)glue_memory(NULL, sizeof *out + length);
    out->wire = wire;
    out->length = length;
    memcpy(out->data, data, length);
    glue.queued += wire;
    if (glue.last)
        glue.last->next = out;
    else
        glue.first = out;
    glue.last = out;
    glue_write_out();
}

/* Your driver sends a frame. */
static inline void glue_frame(const void *frame, size_t length)
{
    if (length && length <= GLUE_FRAME)
        glue_queue(1, frame, length);
}

static void glue_print(struct glue_buffer *b, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    glue_append(b, text, strlen(text));
}

/* Text between quotes; what JSON cannot bear becomes a question mark. */
static void glue_quote(struct glue_buffer *b, const char *text)
{
    glue_append(b, "\"", 1);
    for (; *text; text++) {
        char c = *text < ' ' || *text == '"' || *text == '\\' || *text > '~' ? '?' : *text;
        glue_append(b, &c, 1);
    }
    glue_append(b, "\"", 1);
}

static void glue_work(void)
{
    if (glue.stack->work && glue.used)
        glue.stack->work();
}

/* The beginning of a final answer, with a comma; glue_finish writes the rest. */
static void glue_begin(struct glue_buffer *b, long long id, long long started)
{
    glue_print(b, "{\"id\":%lld,\"started\":%lld,\"ended\":%lld,", id, started, glue_now());
}

static void glue_finish(struct glue_buffer *b)
{
    glue_append(b, "}\n", 2);
    glue_queue(0, b->data + b->start, b->length);
    glue_free(b);
}

static void glue_answer(long long id, long long started, const char *error, long long value)
{
    struct glue_buffer b = {NULL, 0, 0, 0};
    glue_begin(&b, id, started);
    if (error)
        glue_append(&b, "\"errno\":", 8), glue_quote(&b, error);
    else
        glue_print(&b, "\"value\":%lld", value);
    glue_finish(&b);
}

/* ---- in: JSON; a line is taken apart in place -------------------------------------------------- */

struct glue_value {
    char kind; /* n an integer, s text, t true, f false, o an object, x anything else */
    long long number;
    char *text; /* ends with a 0; of an object: where it begins, with its brace */
    size_t length;
};

struct glue_member {
    struct glue_value key, value;
};

struct glue_reader {
    char *at, *end;
    int depth;
};

struct glue_request {
    long long id, started;
    struct glue_member args[GLUE_ARGUMENTS];
    int count, wrong;
};

static void glue_blank(struct glue_reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\r' || *r->at == '\n'))
        r->at++;
}

static int glue_next(struct glue_reader *r, char c)
{
    glue_blank(r);
    return r->at < r->end && *r->at == c ? r->at++, 1 : 0;
}

static long glue_hex4(const char *at)
{
    long value = 0;
    for (int i = 0; i < 4; i++) {
        char c = at[i] | 32;
        int digit = at[i] >= '0' && at[i] <= '9' ? at[i] - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (digit < 0)
            return -1;
        value = value << 4 | digit;
    }
    return value;
}

static size_t glue_put_utf8(char *out, unsigned long c)
{
    if (c < 0x80)
        return out[0] = (char)c, 1;
    if (c < 0x800)
        return out[0] = (char)(0xC0 | c >> 6), out[1] = (char)(0x80 | (c & 63)), 2;
    if (c < 0x10000) {
        out[0] = (char)(0xE0 | c >> 12);
        return out[1] = (char)(0x80 | (c >> 6 & 63)), out[2] = (char)(0x80 | (c & 63)), 3;
    }
    out[0] = (char)(0xF0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 63));
    return out[2] = (char)(0x80 | (c >> 6 & 63)), out[3] = (char)(0x80 | (c & 63)), 4;
}

/* Octets of the UTF-8 sequence at s; 0 if it is none (RFC 3629). */
static size_t glue_utf8(const char *s, const char *end)
{
    unsigned char c = (unsigned char)*s, d;
    size_t n = c < 0x80 ? 1 : c >= 0xC2 && c < 0xE0 ? 2 : c >= 0xE0 && c < 0xF0 ? 3 : c >= 0xF0 && c < 0xF5 ? 4 : 0;
    if (!n || (size_t)(end - s) < n)
        return 0;
    for (size_t i = 1; i < n; i++)
        if (((unsigned char)s[i] & 0xC0) != 0x80)
            return 0;
    d = n > 1 ? (unsigned char)s[1] : 0;
    return (c == 0xE0 && d < 0xA0) || (c == 0xED && d > 0x9F) || (c == 0xF0 && d < 0x90) || (c == 0xF4 && d > 0x8F)
               ? 0
               : n;
}

/* One escape; where it is decoded to must not be ahead of it. Octets written, 0 if it is wrong. */
static size_t glue_escape(struct glue_reader *r, char *out)
{
    static const char plain[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    const char *found = r->at < r->end && *r->at ? strchr(plain, *r->at) : NULL;
    long value, low;
    if (found)
        return r->at++, *out = meant[found - plain], 1;
    if (r->end - r->at < 5 || *r->at != 'u' || (value = glue_hex4(r->at + 1)) < 0)
        return 0;
    r->at += 5;
    if (value < 0xD800 || value > 0xDFFF)
        return glue_put_utf8(out, (unsigned long)value);
    if (value > 0xDBFF || r->end - r->at < 6 || r->at[0] != '\\' || r->at[1] != 'u')
        return 0;
    low = glue_hex4(r->at + 2);
    if (low < 0xDC00 || low > 0xDFFF)
        return 0;
    r->at += 6;
    return glue_put_utf8(out, 0x10000UL + ((unsigned long)(value - 0xD800) << 10) + (unsigned long)(low - 0xDC00));
}

/* A string behind its first quote. `keep`: decode it in place, else only look at it. */
static int glue_string(struct glue_reader *r, struct glue_value *v, int keep)
{
    char scratch[4], *out = r->at;
    v->kind = 's';
    v->text = r->at;
    while (r->at < r->end && *r->at != '"') {
        size_t n;
        if ((unsigned char)*r->at < ' ')
            return 0;
        if (*r->at == '\\') {
            r->at++;
            n = glue_escape(r, scratch);
            if (n && keep)
                memcpy(out, scratch, n);
        } else {
            n = glue_utf8(r->at, r->end);
            if (n && keep)
                memmove(out, r->at, n);
            r->at += n;
        }
        if (!n)
            return 0;
        out += n;
    }
    if (r->at >= r->end)
        return 0;
    v->length = (size_t)(out - v->text);
    r->at++;
    if (keep)
        *out = 0; /* over the quote, or before it */
    return 1;
}

static int glue_digits(struct glue_reader *r)
{
    char *from = r->at;
    while (r->at < r->end && *r->at >= '0' && *r->at <= '9')
        r->at++;
    return r->at > from;
}

/* A number; only an integer of 64 bits has a value. */
static int glue_numeral(struct glue_reader *r, struct glue_value *v)
{
    char *from = r->at, *digits;
    int minus = *r->at == '-', whole = 1;
    unsigned long long value = 0;
    digits = r->at += minus;
    if (!glue_digits(r) || (*digits == '0' && r->at - digits > 1))
        return 0;
    for (char *c = digits; c < r->at; c++) {
        whole = whole && value <= ((1ULL << 63) - 1 - (unsigned long long)(*c - '0')) / 10;
        value = whole ? 10 * value + (unsigned long long)(*c - '0') : 0;
    }
    if (r->at < r->end && *r->at == '.' && (whole = 0, r->at++, !glue_digits(r)))
        return 0;
    if (r->at < r->end && (*r->at | 32) == 'e') {
        r->at++;
        r->at += r->at < r->end && (*r->at == '+' || *r->at == '-');
        whole = 0;
        if (!glue_digits(r))
            return 0;
    }
    v->kind = whole ? 'n' : 'x';
    v->number = minus ? -(long long)value : (long long)value;
    v->text = from;
    return 1;
}

static int glue_word(struct glue_reader *r, const char *word)
{
    size_t n = strlen(word);
    return (size_t)(r->end - r->at) >= n && !memcmp(r->at, word, n) ? r->at += n, 1 : 0;
}

static int glue_value(struct glue_reader *r, struct glue_value *v, int keep);

/* An object behind its brace: its members, if somebody wants them; later ones win. */
static int glue_object(struct glue_reader *r, struct glue_member *members, int *count)
{
    struct glue_member one;
    if (glue_next(r, '}'))
        return 1;
    do {
        memset(&one, 0, sizeof one);
        if (!glue_next(r, '"') || !glue_string(r, &one.key, members != NULL) || !glue_next(r, ':') ||
            !glue_value(r, &one.value, members != NULL))
            return 0;
        if (members && *count < GLUE_ARGUMENTS)
            members[(*count)++] = one;
    } while (glue_next(r, ','));
    return glue_next(r, '}');
}

static int glue_array(struct glue_reader *r)
{
    struct glue_value v;
    if (glue_next(r, ']'))
        return 1;
    do {
        if (!glue_value(r, &v, 0))
            return 0;
    } while (glue_next(r, ','));
    return glue_next(r, ']');
}

static int glue_value(struct glue_reader *r, struct glue_value *v, int keep)
{
    int sound;
    glue_blank(r);
    memset(v, 0, sizeof *v);
    if (r->at >= r->end || r->depth >= GLUE_DEPTH)
        return 0;
    v->kind = 'x';
    v->text = r->at;
    if (*r->at == '"')
        return r->at++, glue_string(r, v, keep);
    if (*r->at == '-' || (*r->at >= '0' && *r->at <= '9'))
        return glue_numeral(r, v);
    if (*r->at == 't' || *r->at == 'f')
        return v->kind = *r->at, v->number = *r->at == 't', glue_word(r, v->number ? "true" : "false");
    if (*r->at == 'n')
        return glue_word(r, "null");
    if (*r->at != '{' && *r->at != '[')
        return 0;
    r->depth++;
    v->kind = *r->at == '{' ? 'o' : 'x';
    sound = *r->at++ == '{' ? glue_object(r, NULL, NULL) : glue_array(r);
    r->depth--;
    v->length = (size_t)(r->at - v->text);
    return sound;
}

static struct glue_value *glue_find(struct glue_member *members, int count, const char *name)
{
    while (count--)
        if (members[count].key.length == strlen(name) && !memcmp(members[count].key.text, name, strlen(name)))
            return &members[count].value;
    return NULL;
}

/* Take a line apart: the name of its call, or NULL if it is no request. */
static const char *glue_parse(char *line, size_t length, struct glue_request *q)
{
    struct glue_reader r = {line, line + length, 0};
    struct glue_member top[GLUE_ARGUMENTS];
    struct glue_value *id, *call, *args;
    int count = 0;
    memset(q, 0, sizeof *q);
    if (!glue_next(&r, '{') || !glue_object(&r, top, &count))
        return NULL;
    glue_blank(&r);
    id = glue_find(top, count, "id");
    call = glue_find(top, count, "call");
    args = glue_find(top, count, "args");
    if (r.at < r.end || !id || id->kind != 'n' || !call || call->kind != 's')
        return NULL;
    q->id = id->number;
    q->wrong = args && args->kind != 'o';
    if (args && !q->wrong) {
        struct glue_reader inner = {args->text + 1, args->text + args->length, 0};
        glue_object(&inner, q->args, &q->count);
    }
    return strlen(call->text) == call->length ? call->text : "";
}

#define GLUE_NEEDED INT64_MIN

/* An argument that is an integer in low..high; `otherwise` if it is not there. */
static long long glue_number(struct glue_request *q, const char *name, long long otherwise, long long low,
                             long long high)
{
    struct glue_value *v = glue_find(q->args, q->count, name);
    int fits = v && (v->kind == 'n' || v->kind == 't' || v->kind == 'f') && v->number >= low && v->number <= high;
    if (!v && otherwise != GLUE_NEEDED)
        return otherwise;
    q->wrong |= !fits;
    return fits ? v->number : low;
}

/* An argument that is text without a 0 in it. */
static const char *glue_text(struct glue_request *q, const char *name, const char *otherwise)
{
    struct glue_value *v = glue_find(q->args, q->count, name);
    if (!v && otherwise)
        return otherwise;
    if (v && v->kind == 's' && strlen(v->text) == v->length)
        return v->text;
    q->wrong = 1;
    return "";
}

/* The place of the argument among words with a | between them. */
static int glue_choice(struct glue_request *q, const char *name, const char *words, const char *otherwise)
{
    const char *text = glue_text(q, name, otherwise);
    size_t n = strlen(text);
    for (int place = 0;; place++) {
        size_t length = strcspn(words, "|");
        if (length == n && !memcmp(words, text, n))
            return place;
        if (!words[length])
            return q->wrong = 1, 0;
        words += length + 1;
    }
}

/* Whether the call has a flag that a stack need not have: here none has it. */
static int glue_new_flag(struct glue_request *q)
{
    static const char *const words[] = {"PEEK", "DONTWAIT", "EOR"};
    for (const char *text = glue_text(q, "flag", ""); *text; text += *text == '|') {
        size_t n = strcspn(text, "|");
        for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
            if (strlen(words[i]) == n && !memcmp(words[i], text, n))
                return 1;
        text += n;
    }
    return 0;
}

/* ---- addresses -------------------------------------------------------------------------------- */

static int glue_ipv4(const char *text, unsigned char *out)
{
    for (int i = 0; i < 4; i++) {
        int value = 0, digits = 0;
        for (; *text >= '0' && *text <= '9'; text++, digits++)
            if ((value = 10 * value + *text - '0') > 255)
                return 0;
        if (!digits || digits > 3 || *text != (i < 3 ? '.' : 0))
            return 0;
        out[i] = (unsigned char)value;
        text++;
    }
    return 1;
}

static int glue_ipv6(const char *text, unsigned char *out)
{
    int have = 0, gap = -1;
    memset(out, 0, 16);
    if (text[0] == ':' && *++text != ':')
        return 0;
    while (*text && have < 16) {
        int value = 0, digits = 0;
        if (*text == ':') {
            if (gap >= 0)
                return 0;
            gap = have;
            text++;
            continue;
        }
        if (have <= 12 && strchr(text, '.') && !strchr(text, ':') && glue_ipv4(text, out + have)) {
            have += 4;
            text = "";
            break;
        }
        for (; digits < 4 && *text && strchr("0123456789abcdefABCDEF", *text); text++, digits++)
            value = value << 4 | (*text <= '9' ? *text - '0' : (*text | 32) - 'a' + 10);
        if (!digits || (*text && *text != ':') || (*text == ':' && !text[1]))
            return 0;
        out[have++] = (unsigned char)(value >> 8);
        out[have++] = (unsigned char)value;
        text += *text == ':';
    }
    if (*text || (gap < 0 && have < 16) || (gap >= 0 && have == 16))
        return 0;
    if (gap >= 0) {
        memmove(out + 16 - (have - gap), out + gap, (size_t)(have - gap));
        memset(out + gap, 0, (size_t)(16 - have));
    }
    return 1;
}

static int glue_mac(const char *text, unsigned char *out)
{
    unsigned part[6];
    char rest;
    if (strlen(text) != 17 ||
        sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%c", part, part + 1, part + 2, part + 3, part + 4, part + 5, &rest) != 6)
        return 0;
    for (int i = 0; i < 6; i++)
        out[i] = (unsigned char)part[i];
    return 1;
}

/* An ARP reply from the tester (42 octets, IPv4): for a stack that cannot be told its neighbours. */
static inline size_t glue_arp(const struct glue_lab *lab, unsigned char frame[42])
{
    static const unsigned char fixed[] = {8, 6, 0, 1, 8, 0, 6, 4, 0, 2};
    memcpy(frame, lab->target_mac, 6);
    memcpy(frame + 6, lab->tester_mac, 6);
    memcpy(frame + 12, fixed, 10);
    memcpy(frame + 22, lab->tester_mac, 6);
    memcpy(frame + 28, lab->tester, 4);
    memcpy(frame + 32, lab->target_mac, 6);
    memcpy(frame + 38, lab->target, 4);
    return 42;
}

/* ---- errno ------------------------------------------------------------------------------------ */

static const struct {
    int number; /* Linux's: what the harness reads in SO_ERROR */
    const char *name;
} glue_errnos[] = {
    {1, "EPERM"}, {2, "ENOENT"}, {4, "EINTR"}, {5, "EIO"}, {9, "EBADF"}, {11, "EAGAIN"}, {12, "ENOMEM"},
    {13, "EACCES"}, {16, "EBUSY"}, {22, "EINVAL"}, {24, "EMFILE"}, {32, "EPIPE"}, {38, "ENOSYS"}, {71, "EPROTO"},
    {88, "ENOTSOCK"}, {90, "EMSGSIZE"}, {92, "ENOPROTOOPT"}, {95, "EOPNOTSUPP"}, {98, "EADDRINUSE"},
    {97, "EAFNOSUPPORT"}, {99, "EADDRNOTAVAIL"}, {100, "ENETDOWN"}, {101, "ENETUNREACH"}, {102, "ENETRESET"},
    {103, "ECONNABORTED"},
    {104, "ECONNRESET"}, {105, "ENOBUFS"}, {106, "EISCONN"}, {107, "ENOTCONN"}, {110, "ETIMEDOUT"},
    {111, "ECONNREFUSED"}, {112, "EHOSTDOWN"}, {113, "EHOSTUNREACH"}, {114, "EALREADY"}, {115, "EINPROGRESS"},
    {125, "ECANCELED"},
};
#define GLUE_ERRNOS (sizeof glue_errnos / sizeof glue_errnos[0])

static int glue_errno_number(const char *name)
{
    for (size_t i = 0; name && i < GLUE_ERRNOS; i++)
        if (!strcmp(glue_errnos[i].name, name))
            return glue_errnos[i].number;
    return name ? 5 : 0;
}

/* The name of Linux's errno; NULL for 0. */
static inline const char *glue_errno_name(int number)
{
    for (size_t i = 0; i < GLUE_ERRNOS; i++)
        if (glue_errnos[i].number == number)
            return glue_errnos[i].name;
    return number ? "EIO" : NULL;
}

/* ---- sockets and what your stack tells of them ------------------------------------------------ */

static struct glue_socket *glue_socket_new(void *stack)
{
    struct glue_socket *s = (struct glue_socket *)glue_memory(NULL, sizeof *s);
    s->stack = stack;
    s->next = glue.sockets;
    return glue.sockets = s;
}

static void glue_calls_end(struct glue_call **queue, const char *error)
{
    while (*queue) {
        struct glue_call *call = *queue;
        *queue = call->next;
        if (error)
            glue_answer(call->id, call->started, error, 0);
        glue_free(&call->data);
        GLUE_FREE(call);
    }
}

/* Take the socket off the list and end what waits on it. */
static void glue_socket_free(struct glue_socket *s, const char *error)
{
    struct glue_socket **place = &glue.sockets;
    while (*place != s)
        place = &(*place)->next;
    *place = s->next;
    glue_calls_end(&s->reading, error);
    glue_calls_end(&s->writing, error);
    glue_free(&s->received);
    GLUE_FREE(s);
}

/* A listener has a new connection: its socket, or NULL if the accept queue is full. */
static inline struct glue_socket *glue_accepted(struct glue_socket *listener, void *stack)
{
    struct glue_socket *s;
    if (!listener || listener->waiting >= listener->backlog)
        return NULL;
    s = glue_socket_new(stack);
    s->phase = GLUE_CONNECTED;
    s->local_port = listener->local_port;
    s->listener = listener;
    listener->waiting++;
    return s;
}

/* The connection that was asked for is there. */
static inline void glue_connected(struct glue_socket *s)
{
    if (s && s->phase == GLUE_CONNECTING)
        s->phase = GLUE_CONNECTED;
}

/* Octets came, in order. */
static inline void glue_data(struct glue_socket *s, const void *data, size_t n)
{
    if (s)
        glue_append(&s->received, data, n);
}

/* The peer will send no more. */
static inline void glue_eof(struct glue_socket *s)
{
    if (s)
        s->eof = 1;
}

/* The connection is gone, by an error or (NULL) in good order; do not touch it again. */
static inline void glue_error(struct glue_socket *s, const char *error)
{
    if (!s || s->phase == GLUE_OVER)
        return;
    if (error && s->phase == GLUE_CONNECTING && !strcmp(error, "ECONNRESET"))
        error = "ECONNREFUSED";
    s->error = error;
    s->phase = GLUE_OVER;
    s->eof = 1;
}

/* ---- calls that may have to wait --------------------------------------------------------------- */

#define GLUE_LATER "later" /* instead of an error: not yet */

static const char *glue_take_error(struct glue_socket *s)
{
    const char *error = s->error;
    s->error = NULL;
    return error;
}

static const char *glue_try_accept(struct glue_socket *s, long long *value)
{
    struct glue_socket *oldest = NULL;
    if (s->phase != GLUE_LISTENING)
        return "EINVAL";
    for (struct glue_socket *one = glue.sockets; one; one = one->next)
        if (one->listener == s)
            oldest = one; /* the list begins with the newest */
    if (!oldest)
        return GLUE_LATER;
    oldest->listener = NULL;
    oldest->handle = ++glue.handle;
    s->waiting--;
    *value = oldest->handle;
    return NULL;
}

/* The next octets for the application, from our buffer or from the stack's. */
static const char *glue_pull(struct glue_socket *s, struct glue_buffer *into, size_t most, size_t *got)
{
    *got = s->received.length < most ? s->received.length : most;
    if (*got) {
        glue_append(into, s->received.data + s->received.start, *got);
        glue_drop(&s->received, *got);
        if (s->phase != GLUE_OVER && glue.stack->received)
            glue.stack->received(s, *got);
    } else if (glue.stack->read && s->phase == GLUE_CONNECTED) { /* behind an EOF too */
        size_t room = most < 65536 ? most : 65536;
        const char *error;
        glue_append(into, NULL, room);
        error = glue.stack->read(s, into->data + into->start + into->length - room, room, got);
        into->length -= room - *got;
        return error;
    }
    return NULL;
}

static const char *glue_try_recv(struct glue_socket *s, struct glue_call *call)
{
    const char *error;
    if (s->phase == GLUE_FRESH || s->phase == GLUE_LISTENING)
        return "ENOTCONN";
    while (call->left && (call->all || !call->taken)) {
        size_t got = 0;
        error = glue_pull(s, &call->data, call->left, &got);
        if (!error && !got)
            error = glue_take_error(s);
        if (error)
            return error;
        if (!got && (s->eof || s->shut & GLUE_RD))
            return NULL;
        if (!got)
            return GLUE_LATER;
        call->taken += got;
        call->left -= got;
    }
    return NULL;
}

static const char *glue_try_send(struct glue_socket *s, struct glue_call *call)
{
    while (call->left || call->data.length) {
        size_t taken = 0;
        const char *error = glue_take_error(s);
        if (error)
            return error;
        if (s->phase != GLUE_CONNECTED || s->shut & GLUE_WR)
            return "EPIPE";
        if (!call->data.length) {
            size_t n = call->left < 65536 ? call->left : 65536;
            glue_octets(&call->data, s->sent, n);
            call->left -= n;
        }
        error = glue.stack->write(s, call->data.data + call->data.start, call->data.length, call->flags, &taken);
        if (error)
            return error;
        glue_drop(&call->data, taken);
        s->sent += (uint32_t)taken;
        call->taken += taken;
        if (!taken)
            return GLUE_LATER;
    }
    return NULL;
}

static const char *glue_try_connect(struct glue_socket *s, long long *value)
{
    if (s->phase == GLUE_CONNECTING)
        return GLUE_LATER;
    if (s->phase == GLUE_OVER)
        return s->error ? glue_take_error(s) : "ECONNABORTED";
    if (!s->handle)
        s->handle = ++glue.handle;
    *value = s->handle;
    return NULL;
}

static const char *glue_try_shutdown(struct glue_socket *s, int how)
{
    const char *error = NULL;
    if (s->phase != GLUE_CONNECTED)
        return "ENOTCONN";
    how &= ~s->shut;
    if (how && glue.stack->shutdown)
        error = glue.stack->shutdown(s, how);
    else if (how)
        error = "ENOSYS";
    if (!error)
        s->shut |= how;
    return error;
}

/* End a socket, and with a listener the connections that nobody has accepted. */
static const char *glue_try_close(struct glue_socket *s, int reset)
{
    if (!glue.stack->close)
        return "ENOSYS";
    for (struct glue_socket *one = glue.sockets, *next; one; one = next) {
        next = one->next;
        if (one->listener != s)
            continue;
        if (one->phase == GLUE_CONNECTED)
            glue.stack->close(one, 1);
        glue_socket_free(one, NULL);
    }
    return s->phase == GLUE_OVER || !s->stack ? NULL : glue.stack->close(s, reset);
}

static void glue_answer_recv(struct glue_call *call)
{
    static const char digits[] = "0123456789abcdef";
    struct glue_buffer b = {NULL, 0, 0, 0};
    glue_append(&b, NULL, 2 * call->taken + 256); /* room at once: it may be long */
    glue_drop(&b, b.length);
    glue_begin(&b, call->id, call->started);
    glue_print(&b, "\"value\":%lld,\"data\":\"", (long long)call->taken);
    for (size_t i = 0; i < call->taken; i++) {
        unsigned char octet = call->data.data[call->data.start + i];
        char two[2] = {digits[octet >> 4], digits[octet & 15]};
        glue_append(&b, two, 2);
    }
    glue_append(&b, "\"", 1);
    glue_finish(&b);
}

/* Try the first call of a queue. 1: it is answered and gone; 2: and the socket with it. */
static int glue_turn(struct glue_socket *s, struct glue_call **queue)
{
    struct glue_call *call = *queue;
    long long value = 0, id = call->id, started = call->started;
    enum glue_kind kind = call->kind;
    const char *error = NULL;
    int ends;
    switch (kind) {
    case GLUE_ACCEPT: error = glue_try_accept(s, &value); break;
    case GLUE_RECV: error = glue_try_recv(s, call); break;
    case GLUE_CONNECT: error = glue_try_connect(s, &value); break;
    case GLUE_SEND: error = glue_try_send(s, call), value = (long long)call->taken; break;
    case GLUE_SHUTDOWN: error = glue_try_shutdown(s, call->how); break;
    case GLUE_CLOSE: error = glue_try_close(s, call->how); break;
    }
    if (error && !strcmp(error, GLUE_LATER))
        return 0;
    ends = (kind == GLUE_CLOSE && !error) || (kind == GLUE_CONNECT && error && call->own);
    glue_work();
    *queue = call->next;
    if (ends)
        glue_socket_free(s, "ECANCELED");
    if (kind == GLUE_RECV && !error)
        glue_answer_recv(call);
    else
        glue_answer(id, started, error, value);
    glue_free(&call->data);
    GLUE_FREE(call);
    return 1 + ends;
}

/* An error ends all that waits on the socket, not only the first that looks. */
static void glue_spread(struct glue_socket *s)
{
    const char *error = s->error;
    int told = error && s->reading && s->reading->pending && !s->received.length;
    if (!error || (s->writing && s->writing->kind == GLUE_CONNECT))
        return;
    if (told)
        glue_calls_end(&s->reading, error);
    if (s->writing && s->writing->kind == GLUE_SEND) {
        told = 1;
        while (s->writing && s->writing->kind == GLUE_SEND) {
            struct glue_call *rest = s->writing->next;
            s->writing->next = NULL;
            glue_calls_end(&s->writing, error);
            s->writing = rest;
        }
    }
    if (told)
        s->error = NULL;
}

/* Something happened: answer whatever can be answered now. */
static void glue_settle(void)
{
    struct glue_socket *s;
    int moved;
    glue_work();
    do {
        moved = 0;
        for (s = glue.sockets; s && moved != 2; s = moved == 2 ? NULL : s->next) {
            glue_spread(s);
            if (s->reading)
                moved |= glue_turn(s, &s->reading);
            if (s->writing) {
                int turned = glue_turn(s, &s->writing);
                moved = turned == 2 ? 2 : moved | turned;
            }
        }
    } while (moved);
}

/* ---- calls ------------------------------------------------------------------------------------- */

#define GLUE_ANSWERED "answered" /* instead of an error: the call answers for itself */

static struct glue_socket *glue_of_handle(long long handle)
{
    for (struct glue_socket *s = glue.sockets; s; s = s->next)
        if (s->handle == handle && handle > 0)
            return s;
    return NULL;
}

/* The socket of the request; NULL and an error if it is none. */
static struct glue_socket *glue_socket_of(struct glue_request *q, const char **error)
{
    struct glue_value *v = glue_find(q->args, q->count, "socket");
    struct glue_socket *s = v && v->kind == 'n' ? glue_of_handle(v->number) : NULL;
    *error = s ? NULL : "EBADF";
    return s;
}

static const char *glue_enqueue(struct glue_socket *s, struct glue_request *q, struct glue_call *like)
{
    struct glue_call *call = (struct glue_call *)glue_memory(NULL, sizeof *call), **queue, **place;
    *call = *like;
    call->id = q->id;
    call->started = q->started;
    place = queue = call->kind <= GLUE_RECV ? &s->reading : &s->writing;
    while (*place)
        place = &(*place)->next;
    *place = call;
    if (*queue == call && glue_turn(s, queue))
        return GLUE_ANSWERED;
    call->pending = 1;
    glue_work();
    {
        struct glue_buffer b = {NULL, 0, 0, 0};
        glue_print(&b, "{\"id\":%lld,\"started\":%lld,\"pending\":true", q->id, q->started);
        glue_finish(&b);
    }
    return GLUE_ANSWERED;
}

static const char *glue_call_version(struct glue_request *q, long long *value)
{
    struct glue_buffer b = {NULL, 0, 0, 0};
    const char *word = glue.stack->abilities, *comma = "";
    (void)value;
    glue_begin(&b, q->id, q->started);
    glue_print(&b, "\"value\":%d,\"text\":", GLUE_PROTOCOL);
    glue_quote(&b, glue.stack->text);
    glue_append(&b, ",\"abilities\":[", 14);
    for (; *word; word += strcspn(word, " "), comma = ",") {
        word += strspn(word, " ");
        if (*word)
            glue_print(&b, "%s\"%.*s\"", comma, (int)strcspn(word, " "), word);
    }
    glue_print(&b, "%s]", glue.virtual_clock ? *comma ? ",\"VIRTUAL-TIME\"" : "\"VIRTUAL-TIME\"" : "");
    glue_finish(&b);
    return GLUE_ANSWERED;
}

static const char *glue_call_use(struct glue_request *q, long long *value)
{
    struct glue_lab given, *lab = &given;
    const char *target = glue_text(q, "target", NULL), *tester = glue_text(q, "tester", NULL), *error;
    (void)value;
    memset(lab, 0, sizeof *lab);
    lab->six = strchr(target, ':') != NULL;
    lab->prefix = (int)glue_number(q, "prefix", lab->six ? 64 : 24, 1, lab->six ? 128 : 32);
    lab->mtu = (int)glue_number(q, "mtu", 1500, 68, GLUE_FRAME - 14);
    if (q->wrong || strlen(target) >= sizeof lab->target_text || strlen(tester) >= sizeof lab->tester_text ||
        !(lab->six ? glue_ipv6 : glue_ipv4)(target, lab->target) ||
        !(lab->six ? glue_ipv6 : glue_ipv4)(tester, lab->tester) ||
        !glue_mac(glue_text(q, "target_mac", "02:00:00:00:00:02"), lab->target_mac) ||
        !glue_mac(glue_text(q, "tester_mac", "02:00:00:00:00:01"), lab->tester_mac))
        return "EINVAL";
    strcpy(lab->target_text, target);
    strcpy(lab->tester_text, tester);
    if (glue.used)
        return "EALREADY";
    glue.lab = given;
    error = glue.stack->use(&glue.lab);
    glue.used = !error;
    return error;
}

/* The socket that the arguments name, if it is fresh; else a new one. */
static struct glue_socket *glue_fresh(struct glue_request *q, int *own, const char **error)
{
    struct glue_socket *s;
    *own = !glue_find(q->args, q->count, "socket");
    s = *own ? NULL : glue_socket_of(q, error);
    if (!*own && s && s->phase != GLUE_FRESH)
        *error = s->phase == GLUE_LISTENING ? "EINVAL" : s->phase == GLUE_CONNECTING ? "EALREADY" : "EISCONN";
    if (!*own)
        return s;
    s = glue_socket_new(NULL);
    *error = glue.stack->open ? glue.stack->open(s) : NULL;
    if (*error)
        glue_socket_free(s, NULL);
    return *error ? NULL : s;
}

static void glue_discard(struct glue_socket *s)
{
    if (s->stack && glue.stack->close && s->phase != GLUE_OVER)
        glue.stack->close(s, 0);
    glue_socket_free(s, NULL);
}

static const char *glue_call_socket(struct glue_request *q, long long *value)
{
    const char *error;
    struct glue_socket *s;
    int own;
    q->count = 0;
    s = glue_fresh(q, &own, &error);
    if (s)
        *value = s->handle = ++glue.handle;
    return error;
}

/* The port is kept until listen or connect asks the stack for it; who listens on it has it already. */
static const char *glue_call_bind(struct glue_request *q, long long *value)
{
    const char *error;
    struct glue_socket *s = glue_socket_of(q, &error);
    int port = (int)glue_number(q, "port", GLUE_NEEDED, 0, 65535);
    (void)value;
    if (error || q->wrong)
        return error ? error : "EINVAL";
    if (s->phase != GLUE_FRESH || s->local_port)
        return "EINVAL";
    for (struct glue_socket *other = glue.sockets; port && other; other = other->next)
        if (other->phase == GLUE_LISTENING && other->local_port == port)
            return "EADDRINUSE";
    s->local_port = port;
    return NULL;
}

static const char *glue_call_listen(struct glue_request *q, long long *value)
{
    const char *error;
    int own, backlog = (int)glue_number(q, "backlog", 8, 0, GLUE_MOST), port;
    struct glue_socket *s;
    if (!glue.stack->listen)
        return "ENOSYS";
    port = (int)glue_number(q, "port", glue_find(q->args, q->count, "socket") ? 0 : GLUE_NEEDED, 0, 65535);
    if (q->wrong)
        return "EINVAL";
    s = glue_fresh(q, &own, &error);
    if (!own && s && s->phase != GLUE_FRESH)
        error = "EINVAL"; /* connected, or about to be */
    if (error)
        return error;
    s->backlog = backlog ? backlog : 1;
    port = s->local_port ? s->local_port : port;
    error = port ? glue.stack->listen(s, port, s->backlog) : "EINVAL";
    if (error) {
        if (own)
            glue_discard(s);
        return error;
    }
    s->phase = GLUE_LISTENING;
    s->local_port = port;
    *value = s->handle = s->handle ? s->handle : ++glue.handle;
    return NULL;
}

static const char *glue_call_connect(struct glue_request *q, long long *value)
{
    const char *error;
    int port = (int)glue_number(q, "port", GLUE_NEEDED, 1, 65535);
    int local_port = (int)glue_number(q, "local_port", 0, 0, 65535);
    struct glue_call call = {NULL, GLUE_CONNECT, 0, 0, 0, 0, 0, 0, 0, 0, 0, {NULL, 0, 0, 0}};
    struct glue_socket *s;
    (void)value;
    if (!glue.stack->connect)
        return "ENOSYS";
    if (q->wrong)
        return "EINVAL";
    s = glue_fresh(q, &call.own, &error);
    if (error)
        return error;
    s->phase = GLUE_CONNECTING;
    q->started = glue_now();
    error = glue.stack->connect(s, local_port ? local_port : s->local_port, port);
    if (error) {
        s->phase = s->phase == GLUE_OVER ? GLUE_OVER : GLUE_FRESH;
        if (call.own)
            glue_discard(s);
        return error;
    }
    return glue_enqueue(s, q, &call);
}

static const char *glue_call_accept(struct glue_request *q, long long *value)
{
    struct glue_call call = {NULL, GLUE_ACCEPT, 0, 0, 0, 0, 0, 0, 0, 0, 0, {NULL, 0, 0, 0}};
    const char *error;
    struct glue_socket *s = glue_socket_of(q, &error);
    (void)value;
    return error ? error : glue_enqueue(s, q, &call);
}

static const char *glue_call_recv(struct glue_request *q, long long *value)
{
    struct glue_call call = {NULL, GLUE_RECV, 0, 0, 0, 0, 0, 0, 0, 0, 0, {NULL, 0, 0, 0}};
    const char *error;
    struct glue_socket *s = glue_socket_of(q, &error);
    int flag = glue_choice(q, "flag", "|OOB", "");
    (void)value;
    call.left = (size_t)glue_number(q, "count", 65536, 0, GLUE_MOST);
    call.all = (int)glue_number(q, "all", 0, 0, 1);
    if (error || q->wrong)
        return error ? error : "EINVAL";
    return flag ? "EOPNOTSUPP" : glue_enqueue(s, q, &call);
}

static const char *glue_call_send(struct glue_request *q, long long *value)
{
    struct glue_call call = {NULL, GLUE_SEND, 0, 0, 0, 0, 0, 0, 0, 0, 0, {NULL, 0, 0, 0}};
    const char *error;
    struct glue_socket *s = glue_socket_of(q, &error);
    struct glue_value *text = glue_find(q->args, q->count, "text");
    (void)value;
    call.flags = glue_choice(q, "flag", "|MORE|OOB|NOSIGNAL", "") % 3; /* there are no signals */
    if (!text || text->kind != 's')
        call.left = (size_t)glue_number(q, "count", GLUE_NEEDED, 0, GLUE_MOST);
    if (error || q->wrong || (text && text->kind != 's'))
        return error ? error : "EINVAL";
    if (!glue.stack->write)
        return "ENOSYS";
    if (text)
        glue_append(&call.data, text->text, text->length);
    return glue_enqueue(s, q, &call);
}

/* A shutdown or close waits for the sends before it (RFC 9293 3.10.4). */
static const char *glue_end_call(struct glue_request *q, enum glue_kind kind, int how)
{
    struct glue_call call = {NULL, kind, 0, 0, 0, 0, how, 0, 0, 0, 0, {NULL, 0, 0, 0}};
    const char *error;
    struct glue_socket *s = glue_socket_of(q, &error);
    if (error || q->wrong)
        return error ? error : "EINVAL";
    if (s->writing && s->writing->kind == GLUE_SEND && !(kind == GLUE_CLOSE && how))
        return glue_enqueue(s, q, &call);
    error = kind == GLUE_SHUTDOWN ? glue_try_shutdown(s, how) : glue_try_close(s, how);
    if (!error && kind == GLUE_CLOSE) {
        glue_work();
        glue_socket_free(s, "ECANCELED");
    }
    return error;
}

static const char *glue_call_shutdown(struct glue_request *q, long long *value)
{
    (void)value;
    return glue_end_call(q, GLUE_SHUTDOWN, 1 + glue_choice(q, "how", "RD|WR|RDWR", "WR"));
}

static const char *glue_call_close(struct glue_request *q, long long *value)
{
    const char *error;
    struct glue_socket *s = glue_socket_of(q, &error);
    (void)value;
    return error ? error : glue_end_call(q, GLUE_CLOSE, s->lingers_not);
}

static const char *glue_call_abort(struct glue_request *q, long long *value)
{
    (void)value;
    return glue_end_call(q, GLUE_CLOSE, 1);
}

static const char *glue_call_pending(struct glue_request *q, long long *value)
{
    const char *error;
    struct glue_socket *s = glue_socket_of(q, &error);
    if (!error && glue.stack->read)
        return "ENOSYS"; /* the stack keeps what came */
    if (!error)
        *value = (long long)s->received.length;
    return error;
}

static const char *glue_call_setsockopt(struct glue_request *q, long long *value)
{
    const char *error, *name = glue_text(q, "name", NULL);
    struct glue_socket *s = glue_socket_of(q, &error);
    long long number = glue_number(q, "value", GLUE_NEEDED, -GLUE_MOST, 1LL << 40);
    (void)value;
    if (error || q->wrong)
        return error ? error : "EINVAL";
    if (!strcmp(name, "LINGER") && number <= 0) /* 0: close is a reset */
        return s->lingers_not = number == 0, (const char *)NULL;
    if (s->phase == GLUE_OVER)
        return "EINVAL";
    return glue.stack->setsockopt ? glue.stack->setsockopt(s, name, number) : "ENOPROTOOPT";
}

static const char *glue_call_getsockopt(struct glue_request *q, long long *value)
{
    const char *error, *name = glue_text(q, "name", NULL);
    struct glue_socket *s = glue_socket_of(q, &error);
    if (error || q->wrong)
        return error ? error : "EINVAL";
    if (!strcmp(name, "ERROR"))
        return *value = glue_errno_number(glue_take_error(s)), (const char *)NULL;
    if (!strcmp(name, "LINGER"))
        return *value = s->lingers_not ? 0 : -1, (const char *)NULL;
    if (s->phase == GLUE_OVER)
        return "EINVAL";
    return glue.stack->getsockopt ? glue.stack->getsockopt(s, name, value) : "ENOPROTOOPT";
}

static const char *glue_call_info(struct glue_request *q, long long *value)
{
    char text[1024] = "";
    const char *error;
    struct glue_socket *s = glue_socket_of(q, &error);
    struct glue_buffer b = {NULL, 0, 0, 0};
    (void)value;
    if (error || q->wrong)
        return error ? error : "EINVAL";
    error = !glue.stack->info ? "ENOSYS" : s->phase != GLUE_OVER ? glue.stack->info(s, text, sizeof text) : "ENOTCONN";
    if (error)
        return error;
    glue_begin(&b, q->id, q->started);
    glue_append(&b, "\"value\":0,\"text\":", 17);
    glue_quote(&b, text);
    glue_finish(&b);
    return GLUE_ANSWERED;
}

static const char *glue_call_state(struct glue_request *q, long long *value)
{
    int local = (int)glue_number(q, "local", GLUE_NEEDED, 0, 65535);
    int remote = (int)glue_number(q, "remote", GLUE_NEEDED, 0, 65535);
    struct glue_buffer b = {NULL, 0, 0, 0};
    const char *state;
    (void)value;
    if (q->wrong)
        return "EINVAL";
    if (!glue.stack->state)
        return "ENOSYS";
    state = glue.stack->state(local, remote);
    for (struct glue_socket *s = glue.sockets; s && !state; s = s->next)
        if (s->phase == GLUE_LISTENING && s->local_port == local)
            state = "LISTEN";
    glue_begin(&b, q->id, q->started);
    glue_append(&b, "\"value\":0,\"text\":", 17);
    glue_quote(&b, state ? state : "CLOSED");
    glue_finish(&b);
    return GLUE_ANSWERED;
}

static const char *glue_call_set(struct glue_request *q, long long *value)
{
    const char *name = glue_text(q, "name", NULL), *text = glue_text(q, "value", NULL);
    (void)value;
    if (q->wrong)
        return "EINVAL";
    return glue.stack->set ? glue.stack->set(name, text) : "ENOPROTOOPT";
}

static const char *glue_call_reset(struct glue_request *q, long long *value)
{
    const char *error;
    (void)q, (void)value;
    if (!glue.stack->reset)
        return "ENOSYS";
    while (glue.sockets)
        glue_socket_free(glue.sockets, "ECANCELED");
    error = glue.stack->reset();
    glue.used = 0;
    return error;
}

/* Give the stack the frames that wait; what is no frame is dropped, as any card does. */
static void glue_take_frames(int most)
{
    static unsigned char frame[GLUE_FRAME + 1];
    while (most--) {
        long length = glue_io_take(1, frame, sizeof frame);
        if (length < 0)
            return;
        if (length >= 14 && length <= GLUE_FRAME && glue.used) {
            glue.stack->input(frame, (size_t)length);
            glue_settle();
        }
    }
}

static long long glue_next_timer(void)
{
    return glue.used && glue.stack->next_timer ? glue.stack->next_timer() : -1;
}

/* Let virtual time pass, up to the first instant at which something comes out. */
static const char *glue_call_advance(struct glue_request *q, long long *value)
{
    long long until = glue_number(q, "until", GLUE_NEEDED, 0, INT64_MAX), before = glue.written, due;
    long long began = glue_io_clock();
    struct glue_buffer b = {NULL, 0, 0, 0};
    int rounds = 0, spent = 0;
    (void)value;
    if (!glue.virtual_clock)
        return "ENOSYS";
    if (q->wrong || until < glue.now)
        return "EINVAL";
    while ((due = glue_next_timer()) >= 0 && due <= until && glue.written == before && !spent) {
        rounds = due > glue.now ? 0 : rounds + 1;
        if (rounds > GLUE_ROUNDS)
            glue_die("run_timers leaves a timer due: time cannot pass");
        glue.now = due > glue.now ? due : glue.now;
        glue.stack->run_timers();
        glue_settle();
        spent = glue_io_clock() - began > GLUE_LONGEST; /* days of timers: the harness asks again */
    }
    if (glue.written == before && !spent) {
        glue.now = until;
        glue_take_frames(1 << 30);
    }
    due = glue_next_timer();
    glue_begin(&b, q->id, q->started);
    glue_print(&b, "\"value\":0,\"now\":%lld,", glue.now);
    if (due < 0)
        glue_print(&b, "\"next\":null");
    else
        glue_print(&b, "\"next\":%lld", due > glue.now ? due : glue.now);
    glue_finish(&b);
    return GLUE_ANSWERED;
}

/* ---- the loop ---------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    const char *(*run)(struct glue_request *q, long long *value);
    int needs_use;
} glue_calls[] = {
    {"version", glue_call_version, 0}, {"use", glue_call_use, 0}, {"socket", glue_call_socket, 1},
    {"bind", glue_call_bind, 1}, {"listen", glue_call_listen, 1}, {"accept", glue_call_accept, 1},
    {"connect", glue_call_connect, 1}, {"send", glue_call_send, 1}, {"recv", glue_call_recv, 1},
    {"shutdown", glue_call_shutdown, 1}, {"close", glue_call_close, 1}, {"abort", glue_call_abort, 1},
    {"pending", glue_call_pending, 1}, {"setsockopt", glue_call_setsockopt, 1},
    {"getsockopt", glue_call_getsockopt, 1}, {"state", glue_call_state, 1}, {"info", glue_call_info, 1},
    {"set", glue_call_set, 1}, {"reset", glue_call_reset, 0}, {"advance", glue_call_advance, 0},
};

static void glue_serve(char *line, size_t length)
{
    static struct glue_request q;
    const char *name = glue_parse(line, length, &q), *error = "ENOSYS";
    long long value = 0;
    if (!name) {
        static const char bad[] = "{\"id\":null,\"errno\":\"EBADMSG\"}\n";
        glue_queue(0, bad, sizeof bad - 1);
        return;
    }
    q.started = glue_now();
    for (size_t i = 0; i < sizeof glue_calls / sizeof glue_calls[0]; i++)
        if (!strcmp(glue_calls[i].name, name)) {
            if (q.wrong)
                error = "EINVAL";
            else if (glue_new_flag(&q))
                error = "ENOSYS";
            else
                error = glue_calls[i].needs_use && !glue.used ? "ENETDOWN" : glue_calls[i].run(&q, &value);
            break;
        }
    if (error && !strcmp(error, GLUE_ANSWERED))
        return;
    glue_work();
    glue_answer(q.id, q.started, error, value);
}

/* Take requests; 0 at their end. */
static int glue_take_requests(void)
{
    static char piece[65536];
    struct glue_buffer *b = &glue.line;
    long got = glue_io_take(0, piece, sizeof piece);
    size_t seen = b->length;
    if (got == -1)
        return 1;
    if (got > 0)
        glue_append(b, piece, (size_t)got);
    for (;;) {
        char *from = (char *)b->data + b->start, *end = NULL;
        size_t length;
        if (b->length > seen)
            end = (char *)memchr(from + seen, '\n', b->length - seen);
        if (!end)
            break;
        length = (size_t)(end - from);
        if (length > strspn(from, " \t\r")) {
            glue_serve(from, length);
            glue_settle();
        }
        glue_drop(b, length + 1);
        seen = 0;
    }
    return got > 0 && b->length <= GLUE_MOST;
}

/* Answer until the requests end, or nobody reads the answers. */
static int glue_run(const struct glue_stack *stack)
{
    int open = 1;
    long long due;
    glue.stack = stack;
    glue.now = GLUE_BEGINNING;
    glue.handle = 2;
    glue.virtual_clock = glue_io_open();
    if (glue.virtual_clock < 0)
        return 2;
    while (open && !glue.gone) {
        due = glue.virtual_clock ? -1 : glue_next_timer();
        glue_io_wait(due, !glue.virtual_clock, glue.first ? 1 + glue.first->wire : 0);
        glue_write_out();
        if (!glue.virtual_clock) {
            due = glue_next_timer();
            if (due >= 0 && due <= glue_now()) {
                stack->run_timers();
                glue_settle();
            }
            glue_take_frames(64);
        }
        open = glue_take_requests();
    }
    /* Whoever closed only his writing end may still read the last answers. */
    for (due = glue_io_clock() + GLUE_SECOND; glue.first && !glue.gone && glue_io_clock() < due;) {
        glue_write_out();
        if (glue.first)
            glue_io_wait(glue_io_clock() + GLUE_SECOND / 100, 0, 1 + glue.first->wire);
    }
    return 0;
}

#endif

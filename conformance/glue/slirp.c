/* libslirp, the TCP of 4.4BSD as QEMU's user networking has it; IPv4, both clocks.
 *
 *     cc -O2 -o slirp slirp.c $(pkg-config --cflags --libs slirp)
 *
 * The tester is slirp's guest, the target its host. The application's end of each connection is a
 * loopback socket, in a network namespace that this program makes for itself: a guest's SYN to
 * the target has slirp connect to our listener on 127.0.0.1, and a connection of ours to a port
 * that slirp forwards has it send a SYN. What slirp's own end does, its table of connections says.
 */
#define _GNU_SOURCE 1
#include "conformance_glue.h"
#include <libslirp.h>
#include <sched.h>
#include <sys/ioctl.h>

enum { FORWARDED = 20000, MOST = 10000 }; /* host ports of active opens, below the ephemeral ones */

static struct end { /* the application's; slirp knows it by a port on 127.0.0.1 */
    struct end *next;
    struct glue_socket *s, *listener; /* listener: until the connection is ESTABLISHED */
    int fd, port, listens, seen, graceful;
} *ends;
static struct row { char state[16], from[20], to[20]; int fd, local, remote, port; } rows[4096];
static int count, forwards, locals[MOST], in_timers, polled;
static long long last_slow, wait_ms = 1000;
static const struct glue_lab *where;
static struct pollfd fds[4096];
static Slirp *slirp;

static int port_of(int fd, int (*get)(int, struct sockaddr *, socklen_t *))
{
    struct sockaddr_in name = {0};
    return get(fd, (struct sockaddr *)&name, &(socklen_t){sizeof name}) ? 0 : ntohs(name.sin_port);
}
static struct sockaddr_in local(int port)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    return name.sin_addr.s_addr = htonl(INADDR_LOOPBACK), name;
}
static void read_rows(void)
{
    char *text = slirp_connection_info(slirp), *line = text;
    struct row *r = rows;
    for (int sport, dport; line && r < rows + 4096; line = strchr(line, '\n'), line += !!line) {
        if (sscanf(line, " TCP[%15[^]]] %d %19s %d %19s %d", r->state, &r->fd, r->from, &sport, r->to, &dport) != 6 ||
            !strcmp(r->state, "HOST_FORWARD")) continue;
        int active = sport >= FORWARDED && sport < FORWARDED + MOST && !strcmp(r->from, "127.0.0.1");
        r->port = active ? sport : port_of(r->fd, getsockname);
        r->local = active ? locals[sport - FORWARDED] : dport, r->remote = active ? dport : sport, r++;
    }
    count = (int)(r - rows), free(text);
}
static struct end *begin(struct glue_socket *s, int fd)
{
    struct end *e = glue_memory(NULL, sizeof *e);
    return e->next = ends, e->s = s, e->fd = fd, ends = e;
}
static void finish(struct end *e, int reset)
{
    struct linger now = {1, 0};
    struct end **place = &ends;
    if (reset) setsockopt(e->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    while (*place != e) place = &(*place)->next;
    *place = e->next, close(e->fd), free(e);
}

/* Accept what slirp has connected, or see by its table what became of a connection. */
static void look(struct end *e)
{
    struct row *r = rows;
    while (r < rows + count && r->port != e->port) r++;
    int gone = r == rows + count, early = gone ? !e->seen : !strncmp(r->state, "SYN_", 4);
    if (!gone) e->seen = 1, e->graceful = !strcmp(r->state, "LAST_ACK") || !strcmp(r->state, "TIME_WAIT");
    if (e->listens)
        for (int fd; (fd = accept4(e->fd, NULL, NULL, SOCK_NONBLOCK)) >= 0; ends->listener = e->s)
            begin(NULL, fd)->port = port_of(fd, getpeername);
    else if (early) return;
    else if (gone && e->s) {
        char rest[4096];
        for (ssize_t n; (n = recv(e->fd, rest, sizeof rest, 0)) > 0;) glue_data(e->s, rest, (size_t)n);
        glue_error(e->s, e->graceful ? NULL : in_timers ? "ETIMEDOUT" : "ECONNRESET");
        finish(e, 0);
    } else if (gone) finish(e, 0);
    else if (e->listener) {
        e->s = glue_accepted(e->listener, e), e->listener = NULL;
        if (!e->s) finish(e, 1);
    } else glue_connected(e->s);
}
static const short events_of[] = {POLLIN, POLLOUT, POLLPRI, POLLERR, POLLHUP}; /* slirp's bits, in order */
static int add_poll(int fd, int events, void *opaque)
{
    struct pollfd one = {.fd = fd};
    for (int i = 0; i < 5; i++) one.events = (short)(one.events | (events & 1 << i ? events_of[i] : 0));
    return (void)opaque, polled < 4096 ? fds[polled] = one, polled++ : -1;
}
static int get_events(int i, void *opaque)
{
    int events = 0;
    for (int bit = 0; bit < 5 && i >= 0; bit++) events |= fds[i].revents & events_of[bit] ? 1 << bit : 0;
    return (void)opaque, events;
}
/* Loopback sockets act at once, so that slirp is done when none of them has anything to say. */
static void work(void)
{
    for (int ready = 1, round = 0; slirp && ready > 0 && round < 64; round++) {
        uint32_t timeout = 1000;
        polled = 0, slirp_pollfds_fill(slirp, &timeout, add_poll, NULL);
        ready = poll(fds, (nfds_t)polled, 0), wait_ms = timeout;
        if (timeout < 500 && glue_now() / 1000000 - last_slow >= 499) last_slow = glue_now() / 1000000; /* as it does */
        slirp_pollfds_poll(slirp, ready < 0, get_events, NULL);
    }
    if (slirp) read_rows();
    for (struct end *e = ends, *next; e; e = next) next = e->next, look(e);
}
static long long next_timer(void)
{
    long long now = glue_now() / 1000000, slow = wait_ms < 500 ? last_slow + 499 : now + wait_ms;
    int soon = wait_ms < 100; /* its fast timer, or a loopback socket that slirp has not seen */
    for (struct end *e = ends; e; e = e->next) soon |= !e->listens && !e->seen;
    return 1000000 * (soon && now + 1 < slow ? now + 1 : slow);
}
static void run_timers(void) { in_timers = 1, work(), in_timers = 0; }
static void input(const unsigned char *frame, size_t n) { slirp_input(slirp, frame, (int)n); }

static ssize_t send_packet(const void *data, size_t n, void *opaque)
{
    unsigned char frame[GLUE_FRAME];
    if (n < 14 || n > sizeof frame) return -1;
    memcpy(frame, data, n), memcpy(frame + 6, where->target_mac, 6); /* slirp has an address of its own */
    return (void)opaque, glue_frame(frame, n), (ssize_t)n;
}
static void guest_error(const char *text, void *opaque) { (void)text, (void)opaque; }
static int64_t clock_get_ns(void *opaque) { return (void)opaque, glue_now(); }
static void *timer_new(SlirpTimerCb f, void *argument, void *opaque) { return (void)f, (void)argument, opaque; }
static void timer_free(void *timer, void *opaque) { (void)timer, (void)opaque; }
static void timer_mod(void *timer, int64_t at, void *opaque) { (void)timer, (void)at, (void)opaque; }
static void poll_fd(int fd, void *opaque) { (void)fd, (void)opaque; }
static void notify(void *opaque) { (void)opaque; }

static const char *use(const struct glue_lab *lab)
{
    static const SlirpCb callbacks = {send_packet, guest_error, clock_get_ns, timer_new, timer_free, timer_mod,
                                      poll_fd,     poll_fd,     notify,       NULL,      NULL};
    SlirpConfig config = {.version = 4, .in_enabled = true, .disable_dns = true, .disable_dhcp = true};
    struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    unsigned char arp[42];
    int fd;
    if (lab->six) return "EAFNOSUPPORT";
    if (unshare(CLONE_NEWNET) && unshare(CLONE_NEWUSER | CLONE_NEWNET)) return glue_errno_name(errno);
    if ((fd = socket(AF_INET, SOCK_DGRAM, 0)) < 0 || ioctl(fd, SIOCSIFFLAGS, &lo)) return glue_errno_name(errno);
    close(fd), where = lab, config.if_mtu = config.if_mru = (size_t)lab->mtu;
    memcpy(&config.vhost, lab->target, 4), config.vnetmask.s_addr = htonl(~0U << (32 - lab->prefix));
    config.vnetwork.s_addr = config.vhost.s_addr & config.vnetmask.s_addr;
    config.vnameserver.s_addr = config.vdhcp_start.s_addr = config.vhost.s_addr ^ htonl(64); /* nobody */
    slirp = slirp_new(&config, &callbacks, &fds);
    return slirp ? input(arp, glue_arp(lab, arp)), NULL : "EINVAL";
}
/* A socket on a port of 127.0.0.1. */
static int bound(int port)
{
    struct sockaddr_in name = local(port);
    int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd >= 0 && !setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) &&
        !bind(fd, (struct sockaddr *)&name, sizeof name)) return fd;
    return one = errno, close(fd), errno = one, -1;
}
static const char *do_listen(struct glue_socket *s, int port, int backlog)
{
    int fd = bound(port), error = fd < 0 || listen(fd, backlog + 64) ? errno : 0; /* the header keeps the backlog */
    if (error) return close(fd), glue_errno_name(error);
    fcntl(fd, F_SETFL, O_NONBLOCK), begin(s, fd)->listens = 1, s->stack = ends;
    return NULL;
}
static const char *do_connect(struct glue_socket *s, int local_port, int port)
{
    struct in_addr tester, here = local(0).sin_addr;
    struct sockaddr_in to = local(FORWARDED + forwards);
    int fd = forwards < MOST ? bound(local_port) : -1, error = fd < 0 ? errno : 0;
    if (error || forwards >= MOST) return glue_errno_name(error ? error : ENOBUFS);
    memcpy(&tester, where->tester, 4);
    if (slirp_add_hostfwd(slirp, 0, here, FORWARDED + forwards, tester, port) ||
        connect(fd, (struct sockaddr *)&to, sizeof to))
        return error = errno, close(fd), glue_errno_name(error);
    fcntl(fd, F_SETFL, O_NONBLOCK), begin(s, fd)->port = FORWARDED + forwards, s->stack = ends;
    return locals[forwards++] = port_of(fd, getsockname), NULL;
}
static const char *outcome(ssize_t n, size_t *taken)
{
    *taken = n > 0 ? (size_t)n : 0;
    return n >= 0 || errno == EAGAIN ? NULL : glue_errno_name(errno);
}
static const char *do_write(struct glue_socket *s, const void *data, size_t n, int flags, size_t *taken)
{
    int how = MSG_NOSIGNAL | (flags & GLUE_OOB ? MSG_OOB : 0); /* MORE would wait on the host's own clock */
    return outcome(send(((struct end *)s->stack)->fd, data, n, how), taken);
}
static const char *do_read(struct glue_socket *s, void *data, size_t n, size_t *taken)
{
    ssize_t got = recv(((struct end *)s->stack)->fd, data, n, 0);
    if (got == 0) glue_eof(s);
    return outcome(got, taken);
}
static const char *do_shutdown(struct glue_socket *s, int how)
{
    return shutdown(((struct end *)s->stack)->fd, how - 1) ? glue_errno_name(errno) : NULL;
}
static const char *do_close(struct glue_socket *s, int reset)
{
    for (struct end *e = ends, *next; e; e = next)
        if (next = e->next, e->listener == s) finish(e, 1);
    return finish(s->stack, reset), NULL;
}
static const char *do_state(int here, int there)
{
    static char name[16];
    read_rows();
    for (struct row *r = rows; r < rows + count; r++)
        if (r->local == here && r->remote == there) {
            strcpy(name, !strcmp(r->state, "SYN_RCVD") ? "SYN-RECEIVED" : r->state);
            for (char *c = name; *c; c++) *c = *c == '_' ? '-' : *c;
            return name;
        }
    return NULL;
}

int main(void)
{
    static struct glue_stack stack = {
        .abilities = "CALLS STATE ACTIVE-OPEN", .use = use, .input = input, .next_timer = next_timer,
        .run_timers = run_timers, .work = work, .listen = do_listen, .connect = do_connect, .write = do_write,
        .read = do_read, .shutdown = do_shutdown, .close = do_close, .state = do_state};
    static char text[64];
    snprintf(text, sizeof text, "libslirp %s", slirp_version_string()), stack.text = text;
    return glue_run(&stack);
}

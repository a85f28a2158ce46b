/* A stack that keeps its data and tells the end early: what the header has to bear. */
#include "conformance_glue.h"

static struct glue_socket *listener;
static const char *left = "hello";
static int ready;

static void early(void)
{
    if (!ready) {
        fprintf(stderr, "called before use\n");
        exit(3);
    }
}

static const char *use(const struct glue_lab *lab)
{
    (void)lab;
    ready = 1;
    return NULL;
}

static void input(const unsigned char *frame, size_t length)
{
    (void)frame, (void)length;
    early();
    glue_eof(glue_accepted(listener, &left)); /* the FIN is here, behind data that nobody has read */
}

static long long next_timer(void)
{
    early();
    return -1;
}

static const char *do_listen(struct glue_socket *s, int port, int backlog)
{
    (void)port, (void)backlog;
    s->stack = &listener;
    listener = s;
    return NULL;
}

static const char *do_read(struct glue_socket *s, void *data, size_t n, size_t *taken)
{
    (void)s;
    *taken = strlen(left) < 2 ? strlen(left) : n < 2 ? n : 2;
    memcpy(data, left, *taken);
    left += *taken;
    return NULL;
}

static const char *set(const char *name, const char *value)
{
    (void)name, (void)value;
    early();
    return NULL;
}

int main(void)
{
    static const struct glue_stack stack = {
        .text = "early", .abilities = "CALLS", .use = use, .input = input, .next_timer = next_timer,
        .run_timers = early, .work = early, .listen = do_listen, .read = do_read, .set = set,
    };
    return glue_run(&stack);
}

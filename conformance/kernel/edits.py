"""The few lines of a kernel's source that virtual time needs otherwise than they are.

Each edit is checked to have happened: a kernel where a place looks different is refused, rather
than built into something that hangs; what only saves time or comfort (``boot_patches``) is left out
there, as a whole. None touches what is tested, the network.
"""

from __future__ import annotations

from typing import Final

from conformance.kernel.boot_patches import BOOT_PATCHES
from conformance.kernel.change import Place, TreeEdit


def edits(hz: int) -> tuple[TreeEdit, ...]:
    """All of them, for one tick rate."""
    return (
        TreeEdit(
            "arch/um fixes the tick at 100 a second, no distribution has it so",
            (
                Place(
                    "arch/um/Kconfig",
                    r"config HZ\n\tint\n\tdefault \d+",
                    f"config HZ\n\tint\n\tdefault {hz}",
                ),
            ),
        ),
        *_TIME,
        *BOOT_PATCHES,
    )


_TIME: Final = (
    TreeEdit(
        "every system call takes a microsecond, or a thread that only makes calls stops the clock",
        (
            Place(
                "arch/um/kernel/skas/syscall.c",
                r"""\t\tif \(IS_ERR_VALUE\(ret\) &&
\t\t    \(time_travel_mode == TT_MODE_INFCPU \|\|
\t\t     time_travel_mode == TT_MODE_EXTERNAL\)\) \{
\t\t\tum_udelay\(1\);
\t\t\tschedule\(\);
\t\t\}""",
                """\t\tif (time_travel_mode == TT_MODE_INFCPU ||
\t\t    time_travel_mode == TT_MODE_EXTERNAL) {
\t\t\tum_udelay(1);
\t\t\tif (IS_ERR_VALUE(ret))
\t\t\t\tschedule();
\t\t}""",
            ),
        ),
    ),
    TreeEdit(
        "a console that is full stops the guest, or hours pass in it until somebody reads",
        (
            Place(
                "arch/um/drivers/chan_user.c",
                r'#include "chan_user\.h"\n',
                """#include "chan_user.h"
#include <poll.h>

static ssize_t patient_write(int fd, const void *buf, size_t n)
{
\tstruct pollfd room = { .fd = fd, .events = POLLOUT };
\tssize_t done;

\twhile ((done = write(fd, buf, n)) < 0 && errno == EAGAIN)
\t\tpoll(&room, 1, -1);
\treturn done;
}
#define write patient_write
""",
            ),
        ),
        needed=False,
    ),
    TreeEdit(
        "a run with a seed has the same random numbers each time, initial sequence numbers too",
        (
            Place(
                "arch/um/os-Linux/util.c",
                r"\treturn getrandom\(buf, len, flags\);\n",
                """\tstatic unsigned long long state;
\tconst char *seed = getenv("CONFORMANCE_SEED");
\tunsigned char *octets = buf;
\tsize_t i;

\tif (!seed)
\t\treturn getrandom(buf, len, flags);
\tif (!state)
\t\tstate = strtoull(seed, NULL, 0) * 2 + 1;
\tfor (i = 0; i < len; i++) {
\t\tstate = state * 6364136223846793005ULL + 1442695040888963407ULL;
\t\toctets[i] = state >> 56;
\t}
\treturn len;
""",
            ),
            Place(
                "arch/um/os-Linux/util.c",
                r"(?=ssize_t os_getrandom\()",
                """int os_seeded(void);

int os_seeded(void)
{
\tstatic int seeded = -1;

\tif (seeded < 0)
\t\tseeded = getenv("CONFORMANCE_SEED") != NULL;
\treturn seeded;
}

""",
            ),
            Place(  # nor is the moment of an interrupt stirred in, nor the command line
                "drivers/char/random.c",
                r"static void _mix_pool_bytes\(const void \*buf, size_t len\)\n\{\n",
                """int os_seeded(void);

static void _mix_pool_bytes(const void *buf, size_t len)
{
\tif (os_seeded())
\t\treturn;
""",
            ),
        ),
        needed=False,
    ),
    TreeEdit(
        "the console takes each parameter that begins with con for one of its own",
        (
            Place(
                "arch/um/drivers/stdio_console.c",
                r'\tif \(!strncmp\(str, "sole=", 5\)\)[^\n]*\n',
                "\tif (*str != '=' && (*str < '0' || *str > '9'))\n",
            ),
        ),
        needed=False,
    ),
)

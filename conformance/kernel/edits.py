"""The few lines of a kernel's source that virtual time needs otherwise than they are.

Each edit is one replacement that is checked to have happened: a kernel where the place looks
different is refused, rather than built into something that hangs. An edit that has been made
already (a tree that carries it) is left alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from conformance.errors import EnvironmentProblem


@dataclass(frozen=True, slots=True)
class Edit:
    """One replacement: a regular expression, what stands there instead, and why."""

    path: str
    old: str
    new: str
    why: str
    needed: bool = True

    def apply(self, tree: Path) -> bool:
        """Change the tree; false if it cannot be and need not be."""
        path = tree / self.path
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        if text and self.new in text:
            return True
        changed, count = re.subn(self.old, lambda _: self.new, text, count=1)
        if not count and self.needed:
            raise EnvironmentProblem(
                f"This kernel's {self.path} is not as it should be, so it cannot be built for "
                f"virtual time ({self.why})."
            )
        if count:
            path.write_text(changed, encoding="utf-8")
        return bool(count)


def edits(hz: int) -> tuple[Edit, ...]:
    """All of them, for one tick rate."""
    return (
        Edit(
            "arch/um/Kconfig",
            r"config HZ\n\tint\n\tdefault \d+",
            f"config HZ\n\tint\n\tdefault {hz}",
            "arch/um fixes the tick at 100 a second, no distribution has it so",
        ),
        *_EDITS,
    )


_EDITS: Final = (
    Edit(
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
        "every system call takes a microsecond, or a thread that only makes calls stops the clock",
    ),
    Edit(
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
        "a console that is full stops the guest, or hours pass in it until somebody reads",
        needed=False,
    ),
    Edit(
        "arch/um/kernel/trap.c",
        r"\terr = 0;\n\t/\*\n",
        """\terr = 0;
\tif (is_write && !(vma->vm_flags & VM_SHARED)) {
\t\tunsigned long next = address & PAGE_MASK;
\t\tint i;

\t\tfor (i = 0; i < 15 && next + PAGE_SIZE < vma->vm_end; i++) {
\t\t\tnext += PAGE_SIZE;
\t\t\tif (handle_mm_fault(vma, next, FAULT_FLAG_USER | FAULT_FLAG_WRITE, NULL) &
\t\t\t    (VM_FAULT_ERROR | VM_FAULT_RETRY))
\t\t\t\tbreak;
\t\t}
\t\tflush_tlb_range(vma, address & PAGE_MASK, next + PAGE_SIZE);
\t}
\t/*
""",
        "a page fault costs three switches between processes, so the next pages come with it",
        needed=False,
    ),
    Edit(
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
        "a run with a seed has the same random numbers each time, initial sequence numbers too",
        needed=False,
    ),
)

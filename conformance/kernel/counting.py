"""A kernel that counts what runs of its TCP: the edits, gcc's library, and what gcov needs later.

Rules:

- Only the files of TCP count, or a guest would take twice its time.
- Each guest adds its counters to the files below GCOV_PREFIX when it halts; gcc's library locks
  them, so guests may end at the same time. A guest that is killed or panics adds nothing.
- A kernel keeps gcc's notes and the source beside it: they are needed when the tree is gone.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from conformance.errors import EnvironmentProblem
from conformance.kernel.change import Place, TreeEdit
from conformance.kernel.make import ask

NOTES: Final = "coverage"  # in the directory of a kernel: gcc's notes, and the source
_LIBRARY: Final = "libgcov.a"  # in the tree
_COUNTED: Final = {
    "net/ipv4": (
        "tcp", "tcp_input", "tcp_output", "tcp_timer", "tcp_minisocks", "tcp_ipv4", "tcp_ao",
        "tcp_bbr", "tcp_cong", "tcp_cubic", "tcp_dctcp", "tcp_diag", "tcp_fastopen", "tcp_metrics",
        "tcp_offload", "tcp_plb", "tcp_rate", "tcp_recovery", "tcp_ulp", "inet_connection_sock",
        "inet_diag", "inet_hashtables", "inet_timewait_sock", "syncookies",
    ),
    "net/ipv6": (
        "tcp_ipv6", "tcp_ao", "tcpv6_offload", "inet6_connection_sock", "inet6_hashtables",
        "syncookies",
    ),
}  # fmt: skip
_HEADERS: Final = ("include/net/tcp*.h", "include/net/inet*.h", "include/net/request_sock.h")
_FLAGS: Final = "-fprofile-arcs -ftest-coverage"
_REBOOT: Final = "arch/um/kernel/reboot.c"


def _makefile(folder: str) -> str:
    lines = (f"CFLAGS_{name}.o += {_FLAGS}\n" for name in _COUNTED[folder])
    return "\n" + "".join(lines)


EDITS: Final = (
    TreeEdit(
        "the files of TCP count what runs",
        tuple(Place(f"{one}/Makefile", r"\Z", _makefile(one)) for one in _COUNTED),
    ),
    TreeEdit(
        "who counts needs gcc's library",
        (
            Place(
                "scripts/link-vmlinux.sh",
                r'ldlibs="-lutil -lrt -lpthread"',
                f'ldlibs="-lutil -lrt -lpthread {_LIBRARY}"',
            ),
        ),
    ),
    TreeEdit(
        "the counters are written when the guest halts",
        (
            Place(
                _REBOOT,
                r"void uml_cleanup\(void\)\n\{\n",
                "extern void __gcov_dump(void);\n\nvoid uml_cleanup(void)\n{\n\t__gcov_dump();\n",
            ),
        ),
    ),
)


def library(tree: Path) -> None:
    """Put gcc's library into the tree; ``mangle_path`` is a name that the kernel has, too."""
    told = _run("gcc", f"-print-file-name={_LIBRARY}").strip()
    if not Path(told).is_absolute():
        raise EnvironmentProblem(f"A kernel that counts needs gcc's {_LIBRARY}: gcc has none.")
    _run("objcopy", "--redefine-sym", "mangle_path=gcov_mangle_path", told, str(tree / _LIBRARY))


def _run(*words: str) -> str:
    done = ask(
        list(words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines() or ["nothing"]
        raise EnvironmentProblem(f"{words[0]} cannot make {_LIBRARY}: it says {said[0]}")
    return done.stdout.decode(errors="replace")


def keep(tree: Path, place: Path) -> int:
    """Keep beside a kernel what gcov needs of its tree; how deep the tree lies."""
    for path in _kept(tree):
        copy = place / NOTES / path.relative_to(tree)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    return len(tree.parts) - 1


def _kept(tree: Path) -> Iterator[Path]:
    for folder in _COUNTED:
        for notes in sorted((tree / folder).glob("*.gcno")):
            yield notes
            yield notes.with_suffix(".c")
    for pattern in _HEADERS:
        yield from sorted(tree.glob(pattern))

"""``conformance kernel``: build kernels for virtual time, list and remove them, run a command.

::

    conformance kernel build 6.12 | linux-6.18.tar.xz | ./net-next
    conformance kernel list
    conformance kernel remove 6.12.117
    conformance kernel exec 6.12 -- pytest --junit-xml=results/junit.xml
"""

from __future__ import annotations

import argparse
import json
import os
import stat
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from conformance.commands.kernel_options import OPTIONS
from conformance.commands.kernel_options import console as open_console
from conformance.commands.output import note, say
from conformance.errors import CaseError
from conformance.exits import Exit

_WORDS: Final = "build VERSION|TARBALL|TREE; remove NAME; exec VERSION|BINARY -- COMMAND"
_WRITABLE: Final = (
    "exec: may be written, and nothing else; no boundary where namespaces are forbidden"
)
_LEAST_MEMORY: Final = 64  # megabytes
_UNFENCED: Final = "what mounts file systems there can write wherever you can"
_LINES: Final = 40  # of warnings
_REDRAW: Final = 0.2
_PLAIN: Final = 30.0  # seconds between two lines where nothing can be redrawn


def arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of all its actions."""
    parser.add_argument("action", choices=tuple(_ACTIONS))
    parser.add_argument("words", nargs="*", metavar="ARGUMENT", help=_WORDS)
    add = parser.add_argument
    add("--name", help="build: call it so (default: its release)")
    add("--hz", type=int, choices=(100, 250, 300, 1000), default=250, help="build: its tick")
    add("--keep", action="store_true", help="build: in a copy of TREE that is kept; seconds")
    add("--coverage", action="store_true", help="build: for run --code-coverage")
    add("--if-needed", action="store_true", help="build: not if it would be the same again")
    add("--json", action="store_true", help="list: JSON on the standard output")
    add("--writable", metavar="DIR", action="append", default=[], help=_WRITABLE)
    add("--stdin", action="store_true", help="exec: read the standard input before the start")
    add("--memory", metavar="MB", type=_megabytes, default=512, help="exec: the guest's (512)")
    add("--wall", metavar="S", type=_seconds, default=1800.0, help="exec: no longer than S seconds")
    add(
        "--virtual",
        metavar="S",
        type=_seconds,
        default=60 * 86400.0,
        help="exec: of the guest's time",
    )
    add("--seed", type=int, help="exec: pin the clock's start and what is random")
    for name, attributes in OPTIONS:
        add(f"--{name}", **{**attributes, "help": f"exec: {attributes['help']}"})


def _megabytes(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < _LEAST_MEMORY:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no number of megabytes from {_LEAST_MEMORY} on; a guest needs as much"
        )
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not seconds > 0:  # nan is not
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds above 0")
    return seconds


def kernel(args: Namespace) -> int:
    """Do one of them; the exit status."""
    return _ACTIONS[args.action](args)


def _build(args: Namespace) -> int:
    from conformance.kernel.build import Recipe, build, built_already
    from conformance.kernel.store import check_name

    if args.name is not None:
        check_name(args.name)
    recipe = Recipe(args.hz, args.coverage)
    if args.if_needed and (there := built_already(args.words[0] if args.words else "", recipe)):
        say(f"{there.name} is built already: {there.binary}")
        return Exit.EXPECTED
    with _Progress() as progress:
        built = build(_one(args, "VERSION, TARBALL or TREE"), progress.say, recipe,
                      name=args.name or "", keep=args.keep)  # fmt: skip
    _warn(built.facts["warnings"], built.facts["log"])
    say(f"{built.name} is built: {built.binary}")
    return Exit.EXPECTED


def _warn(warnings: Sequence[str], log: str) -> None:
    """What the compiler warns of, and where the rest is."""
    for line in warnings[:_LINES]:
        note(line)
    if len(warnings) > _LINES:
        note(f"and {len(warnings) - _LINES} lines of warnings more")
    note(f"its log is {log}")


def _list(args: Namespace) -> int:
    from conformance.kernel.store import kernels

    found = kernels()
    if args.json:
        say(json.dumps([{"name": one.name, "binary": str(one.binary), **one.facts}
                        for one in found], indent=2))  # fmt: skip
        return Exit.EXPECTED
    for one in found:
        say(f"{one.name:<20}  HZ {one.facts['hz']:<5} {one.binary}")
    if not found:
        note("no kernel is built; one is made by: conformance kernel build 6.12")
    return Exit.EXPECTED


def _remove(args: Namespace) -> int:
    from conformance.kernel.store import remove

    say(f"{remove(_one(args, 'NAME')).name} is removed")
    return Exit.EXPECTED


def _exec(args: Namespace) -> int:
    from conformance.kernel import fence, guest
    from conformance.kernel.store import find
    from conformance.kernel.words import appended

    if len(args.words) < 2:
        raise CaseError("kernel exec needs a kernel and a command: kernel exec 6.12 -- uname -a")
    with ExitStack() as stack:
        stdin = stack.enter_context(_stdin(wanted=args.stdin))
        if console := open_console(args.console):
            stack.enter_context(console)
        command = guest.GuestCommand(
            args.words[1:],
            writable=[Path(place) for place in args.writable],
            stdin=stdin,
            bounds=guest.GuestBounds(args.wall, args.virtual, args.memory, by_options=True),
            seed=args.seed,
            append=appended(args.append),
            console=console.guest() if console else None,
        )
        sys.stdout.flush()
        if why := fence.lacking():
            note(f"this machine fences no guest in ({why}): {_UNFENCED}")
        return guest.run(find(args.words[0]), command)


_ACTIONS: Final[dict[str, Callable[[Namespace], int]]] = {
    "build": _build,
    "list": _list,
    "remove": _remove,
    "exec": _exec,
}


def _one(args: Namespace, what: str) -> str:
    if len(args.words) != 1:
        raise CaseError(f"kernel {args.action} needs one {what}")
    return str(args.words[0])


@contextmanager
def _stdin(*, wanted: bool) -> Iterator[Path | None]:
    """The standard input as a file: itself if it is one, a copy of a pipe if that is asked for."""
    from conformance.kernel.folders import temporary

    if not wanted and not stat.S_ISREG(os.fstat(0).st_mode):
        yield None
        return
    with temporary("conformance-stdin-") as folder:
        path = folder / "stdin"
        path.write_bytes(sys.stdin.buffer.read())
        yield path


class _Progress:
    """One line that moves on a terminal; elsewhere a line a phase and one now and then."""

    def __init__(self) -> None:
        self._moving = sys.stderr.isatty()
        self._phase, self._at = "", 0.0

    def say(self, text: str) -> None:
        """Where it is now."""
        phase, now = text.partition(":")[0], time.monotonic()
        new = phase != self._phase
        if not new and now - self._at < (_REDRAW if self._moving else _PLAIN):
            return
        self._phase, self._at = phase, now
        sys.stderr.write(f"\r\033[K{text}" if self._moving else f"{text}\n")
        sys.stderr.flush()

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._moving and self._phase:
            sys.stderr.write("\r\033[K")

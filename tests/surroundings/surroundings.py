"""Surroundings that are ordinary and unkind, each with a command, its exit status and its sentence.

A row is a line of the shell, run in a directory that :func:`furnish` has filled; ``c`` is the
command. ``said`` is a regular expression that its output has to hold, both streams together.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

LONG: Final = "a" * 300
_CASE: Final = """\
title: Ein Öffnen, 開く
verifies: [rfc9293/MUST-5]

steps:
  - call:    listen() = l
  - send:    SYN seq=0 <mss 1460>
  - expect:  SYN,ACK seq=0 ack=1
"""
_MANY: Final = _CASE.replace("mss 1460", "mss $n").replace(
    "\nsteps", f"\nparameters:\n  n: [{', '.join(map(str, range(100, 150)))}]\n\nsteps"
)
_BUG: Final = """\
import sys
import tempfile

from conformance import cli

tempfile.tempdir = "full"
cli._dispatch = lambda words: 1 // 0
sys.exit(cli.main([]))
"""
_GLUE: Final = "target: lone\ncommand: [python3, glue.py]\n"


@dataclass(frozen=True, slots=True)
class Row:
    """One surrounding. ``needs``: what the shell must be able to do, or the row is skipped."""

    name: str
    line: str
    status: int
    said: str
    needs: str = ""


def furnish(home: Path) -> None:
    """The files that the lines name."""
    for name in ("cases/fragments", "many/fragments", "odd/fragments", "alike/fragments/", "tmp"):
        (home / name).mkdir(parents=True)
    (home / "cases" / "one.yaml").write_text(_CASE, encoding="utf-8")
    (home / "many" / "many.yaml").write_text(_MANY, encoding="utf-8")
    for name in ("a/b", "a-b", "a+b", "a@b", "a%b", "a~b"):
        place = home / "alike" / f"{name}.yaml"
        place.parent.mkdir(exist_ok=True)
        place.write_text(_CASE, encoding="utf-8")
    (home / "alike" / ("x" * 120)).mkdir()
    (home / "alike" / ("x" * 120) / ("y" * 200 + ".yaml")).write_text(_CASE, encoding="utf-8")
    (home / "odd" / "one.yaml").write_text(_CASE, encoding="utf-8")
    os.mkfifo(home / "odd" / "pipe.yaml")
    (home / "odd" / "endless.yaml").symlink_to("/dev/zero")
    (home / "odd" / "loop.yaml").symlink_to("loop.yaml")
    (home / "odd" / "nowhere.yaml").symlink_to("not/there")
    (home / "ugly.yaml").write_text(_CASE.replace("  - ", "    -   "), encoding="utf-8")
    (home / "lone.yaml").write_text(_GLUE, encoding="utf-8")
    (home / "bug.py").write_text(_BUG, encoding="utf-8")
    (home / "pyproject.toml").write_text(
        '[tool.pytest.ini_options]\nconformance_cases = ["odd"]\n', encoding="utf-8"
    )
    bad = os.fsencode(home / "octets")
    os.makedirs(os.path.join(bad, b"fragments"))
    with open(os.path.join(bad, b"o\xff.yaml"), "w", encoding="utf-8") as file:
        file.write(_CASE)


_RUN: Final = "c run --target reference"
_LIST: Final = "c list --target reference"
_UNWRITTEN: Final = "the standard output cannot be written: bad file descriptor"
_ODD: Final = "neither a file nor a directory"
_TMPFS: Final = "unshare -rm"
_USER: Final = "unshare -U --map-user=54321 --map-group=54321"
_GONE: Final = "mkdir gone && cd gone && rmdir ../gone;"
_UNBUILT: Final = "XDG_CACHE_HOME names|is not installed|without"  # source and tools are not given
_NOTHING_ELSE: Final = r"\A\Z"


def _in_tmpfs(line: str, room: str = "64k") -> str:
    """The line with a small file system at ``full``, which ``fill`` leaves no room in."""
    fill = "fill() { cat /dev/zero > full/filler; true; }"
    mount = f"mkdir full && mount -t tmpfs -o size={room} none full"
    return f"{_TMPFS} sh -c '. ./c.sh; {fill}; {mount}; {line}'"


def _closed() -> list[Row]:
    rows = [
        Row("stdout closed", f"{_RUN} cases >&-", 3, _UNWRITTEN),
        Row("stdout closed, help", "c --help >&-", 3, _UNWRITTEN),
        Row("stdout closed, json", f"{_LIST} --json cases >&-", 3, _UNWRITTEN),
        Row("stderr closed", f"{_RUN} cases 2>&-", 0, "2 passed"),
        Row("stderr closed, a mistake", "c run no/such 2>&-", 2, _NOTHING_ELSE),
        Row("stdout and stderr closed", f"{_RUN} cases >&- 2>&-", 3, _NOTHING_ELSE),
        Row("all closed, a record", f"{_RUN} cases --record r <&- >&- 2>&-", 3, _NOTHING_ELSE),
        Row("stdin closed", f"{_RUN} cases <&-", 0, "2 passed"),
        Row("stdin closed, exec", "c kernel exec 0.1 true <&-", 2, "no kernel 0.1 is built"),
        Row("stdout full", f"{_RUN} cases >/dev/full", 3, "cannot be written: no space left"),
        Row("stderr full", f"{_RUN} cases 2>/dev/full", 0, "2 passed"),
        Row("stderr full, a mistake", "c run no/such 2>/dev/full", 2, _NOTHING_ELSE),
        Row("stdout and stderr full", f"{_RUN} cases >/dev/full 2>/dev/full", 3, _NOTHING_ELSE),
    ]
    ascii_only = "LC_ALL=C PYTHONUTF8=0 PYTHONIOENCODING=ascii"
    strict = "PYTHONIOENCODING=utf-8"
    return [
        *rows,
        Row("ASCII, list", f"{ascii_only} {_LIST} cases", 0, r"Ein \\xd6ffnen, \\u958b"),
        Row("ASCII, show", f"{ascii_only} c show cases", 0, r"Ein \\xd6ffnen"),
        Row("ASCII, replay", f"{_RUN} cases --record r; {ascii_only} c replay r", 0, r"\\xd6ffnen"),
        Row("no UTF-8 in a name, list", f"{strict} {_LIST} octets", 0, r"o\\udcff::reference-ipv4"),
        Row(
            "no UTF-8 in a name, all that is written",
            f"export {strict}; {_RUN} octets --record r --pcap p --observed o; ls p; c replay r", 0,
            r"o%ED%B3%BF@reference-ipv4\.pcapng(?s:.)*\npass",
        ),
        Row("no UTF-8 in a name, fmt", f"{strict} c fmt --check octets", 0, _NOTHING_ELSE),
        Row("no UTF-8 in a word", "c check $(printf 'x\\377')", 2, r"no file.* 'x\\udcff'"),
    ]  # fmt: skip


def _paths() -> list[Row]:
    reads = [f"{_RUN} %s", f"{_LIST} %s", "c show %s", "c check %s", "c fmt %s"]
    asked = [f"{_RUN} %s", "c fmt %s", "c replay %s", "c run --target ./%s cases"]
    rows = [
        Row(f"too long: {one % 'it'}", one % (LONG + ".yaml"), 2, "no file|file name too long")
        for one in asked
    ]
    rows += [
        Row(f"a pipe: {one % 'it'}", one % "odd/pipe.yaml", 2, f"odd/pipe.yaml: {_ODD}")
        for one in asked
    ]
    rows += [
        Row(f"endless: {one % 'it'}", one % "odd/endless.yaml", 2, f"odd/endless.yaml: {_ODD}")
        for one in ("c fmt %s", "c replay %s")
    ]
    all_odd = rf"endless.yaml: {_ODD}(?s:.)*loop.yaml: too many(?s:.)*nowhere.yaml: no such"
    rows += [Row(f"among them: {one % 'all'}", one % "odd", 2, all_odd) for one in reads]
    rows += [
        Row("a pipe, a kernel", "c kernel build odd/pipe.yaml", 2, "no version, tarball or source"),
        Row("a pipe, no reader", f"{_RUN} cases --record odd/pipe.yaml", 2, "no such device or"),
        Row("a pipe to observe", f"{_RUN} cases --observed odd/pipe.yaml", 2, "no such device or"),
        Row("a pipe, pytest", "pytest --target reference", 0, "2 passed"),  # it offers only files
        Row("too long, a kernel", f"c kernel exec ./{LONG} true", 2, "there is no such file"),
        Row("too long, a version", f"c run --kernel {LONG} cases", 2, "no kernel a+ is built"),
        Row("too long, a build", f"c kernel build {LONG}", 2, "no version, tarball or source"),
        Row("too long, a name", f"c kernel build --name {LONG} 6.12", 2, "has at most 200"),
        Row("too long, new", f"c target new {LONG}", 2, "is no name of a target"),
        Row("too long, record", f"{_RUN} cases --record {LONG}", 2, "file name too long"),
        Row("too long, pcap", f"{_RUN} cases --pcap {LONG}", 2, "file name too long"),
        Row("too long, observed", f"{_RUN} cases --observed {LONG}", 2, "file name too long"),
        Row(
            "captures of ids that are alike or long",
            f"{_RUN} alike --pcap p && ls p | wc -l && ls p",
            0, r"\n14\n(?s:.)*a%2Bb@ref(?s:.)*a\+b@ref(?s:.)*y~[0-9a-f]{16}\.pcapng",
        ),
    ]  # fmt: skip
    return rows


def _others() -> list[Row]:
    gone = [
        Row("no directory, list", f"{_GONE} {_LIST} smoke", 0, "smoke/handshake"),
        Row("no directory, run", f"{_GONE} {_RUN} smoke", 0, "4 passed"),
        Row("no directory, a path", f"{_GONE} {_RUN} cases/one.yaml", 2, "no file, directory or"),
        Row("no directory, record", f"{_GONE} {_RUN} smoke --record r", 2, "no such file or dir"),
        Row("no directory, new", f"{_GONE} c target new it", 2, "cannot be written: no such file"),
    ]
    homeless = f"env -u HOME {_USER} sh -c '. ./c.sh; %s'"
    home = [
        Row("nobody, run", homeless % f"{_RUN} cases", 0, "2 passed", _USER),
        Row("nobody, kernels", homeless % "c kernel list", 0, "no kernel is built", _USER),
        Row("nobody, targets", homeless % "c target list", 0, "lwip is not built", _USER),
        Row("nobody, build", homeless % "c kernel build 6.12", 3, _UNBUILT, _USER),
    ]  # fmt: skip
    files = [
        Row("20 files, reference", f"ulimit -n 20; {_RUN} cases", 0, "2 passed"),
        Row("20 files, Linux", "ulimit -n 20; c run cases", 3, "ulimit -n", "live"),
        Row("64 files, Linux", "ulimit -n 64; c run --ip 4 many", 0, "50 passed", "live"),
        Row("200 files, Linux", "ulimit -n 200; c run many", 0, "100 passed", "live"),
    ]
    many = "$(printf '%s%%.0s' $(seq 4000))"
    parentheses = f"{many % '('}a{many % ')'}"
    deep = [
        Row("-k of parentheses", f'{_LIST} -k "{parentheses}"', 2, "more than 50 of not and"),
        Row("-k of nots", f'{_LIST} -k "{many % "not "}a"', 2, "more than 50 of not and"),
        Row("-k that is wide", f'{_LIST} cases -k "a{many % " or one"}"', 0, "one::"),
    ]
    return [*gone, *home, *files, *deep]


def _full() -> list[Row]:
    no_room = "no space left on device"
    built = "mkdir -p s/arch/um s/net/ipv4; touch s/arch/um/Makefile s/net/ipv4/tcp.c; "
    lines = [
        ("record", f"{_RUN} many --record full/r; echo it was $?; c replay full/r", 0,
         rf"full/r cannot be written: {no_room}(?s:.)*it was 3\n(?s:.)*\npass"),
        ("pcap", f"{_RUN} many --pcap full/p; echo it was $?; ls -A full/p", 0,
         rf"pcapng cannot be written: {no_room}(?s:.)*it was 3\n(?!(?s:.)*conformance-)"),
        ("pcap of none", f"mkdir full/p; fill; {_RUN} many --pcap full/p", 2, no_room),
        ("observed", f"fill; {_RUN} cases --observed full/o; echo it was $?; ls -A full", 0,
         rf"{no_room}(?s:.)*it was [23]\nfiller\n\Z"),
        ("fmt", "cp ugly.yaml full; fill; c fmt full/ugly.yaml; echo it was $?;"
         "cmp ugly.yaml full/ugly.yaml && ls -A full", 0,
         rf"ugly.yaml: {no_room}\nit was 2\nfiller\nugly.yaml\n\Z"),
        ("new", "cd full; fill() { cat /dev/zero > filler; true; }; fill; c target new it", 2,
         f"it cannot be written: {no_room}"),
        ("kernel", f"fill; {built} TMPDIR=$PWD/full c kernel build s", 3, "No space left|without"),
        ("bug", "fill; python3 bug.py; echo it was $?; ls -A full", 0,
         r"a bug of conformance.*ZeroDivisionError.*\nits traceback cannot be kept .*; it was in "
         r".*\nit was 70\nfiller\n\Z"),
    ]  # fmt: skip
    return [
        Row(f"full disk, {name}", _in_tmpfs(line), status, said, _TMPFS)
        for name, line, status, said in lines
    ]


ROWS: Final = (*_closed(), *_paths(), *_others(), *_full())

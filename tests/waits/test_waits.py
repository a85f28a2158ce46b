"""The list of waits is whole: no call that can wait stands in the package without a row."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from waits import CHILD, NEVER, USER, WAITS, Wait

PACKAGE = Path(__file__).parents[2] / "conformance"
# Methods and functions of the library that can wait, whatever they are called on.
WAITING = {
    "select", "poll", "wait", "communicate", "sleep", "acquire", "flock", "lockf", "waitpid",
    "waitid", "wait3", "wait4", "sigwait", "sigtimedwait", "pause", "clock_nanosleep",
    "recv", "recv_into", "recvfrom", "recvmsg", "recv_fds", "send", "sendall", "sendto", "sendmsg",
    "send_fds", "connect", "accept", "readline", "check_call", "check_output", "result", "getch",
    "input", "wait_for_wire", "urlopen", "getaddrinfo", "system", "popen",
}  # fmt: skip
# Those that wait on these alone: others have methods of the names.
ONLY_ON = {
    "read": {"os", "sys.stdin.buffer", "sys.stdin"},
    "write": {"os"},
    "run": {"subprocess", "processes"},
    "call": {"subprocess"},
    "join": {"thread", "process", "queue"},
    "get": {"queue"},
}
# Of the package's own, which wait by way of calls that have a row: a wire, a link, a hand, a peer.
OURS = {
    ("poll", "self.lab"), ("poll", "self._source"), ("poll", "self._sockets"), ("poll", "select"),
    ("poll", "process"), ("poll", "run"), ("wait", "self"), ("send", "self"), ("send", "self.lab"),
    ("send", "super()"), ("send", "peer"), ("send", "self._peer"), ("send", "self.tester"),
    ("send", "self._link"), ("send", "self._wire"), ("accept", "scanner"), ("accept", "self"),
    ("system", "netns_server"), ("system", "platform"),
}  # fmt: skip
# Code of other machines: glue programs, and the texts of the core, which has no descriptors.
OTHERS = {"glue"}
PURE = {"case", "notation", "play", "steps", "reference", "report", "sim", "tcp", "requirements"}


def found() -> Iterator[tuple[str, str]]:
    """Where a call is that can wait, and its name."""
    for path in sorted(PACKAGE.rglob("*.py")):
        place = path.relative_to(PACKAGE)
        if place.parts[0] in OTHERS | PURE:
            continue
        module = ".".join(place.with_suffix("").parts)
        for function, call in calls(ast.parse(path.read_text(encoding="utf-8")), ""):
            name = waits(call)
            if name:
                yield f"{module}:{function}", name


def calls(node: ast.AST, function: str) -> Iterator[tuple[str, ast.Call]]:
    for child in ast.iter_child_nodes(node):
        inner = function
        if isinstance(child, ast.FunctionDef | ast.ClassDef):
            inner = f"{function}.{child.name}".lstrip(".")
        if isinstance(child, ast.Call):
            yield inner, child
        yield from calls(child, inner)


def waits(call: ast.Call) -> str:
    """The name of a call that can wait; empty for any other."""
    if isinstance(call.func, ast.Name):
        return call.func.id if call.func.id in WAITING - {"system"} else ""
    if not isinstance(call.func, ast.Attribute):
        return ""
    name, on = call.func.attr, ast.unparse(call.func.value)
    if name in ONLY_ON:
        return name if on in ONLY_ON[name] else ""
    return name if name in WAITING and (name, on) not in OURS else ""


def test_each_wait_has_a_row_and_each_row_a_wait() -> None:
    there: dict[str, Counter[str]] = {}
    for where, name in found():
        there.setdefault(where, Counter())[name] += 1
    rows: dict[str, Counter[str]] = {}
    for row in WAITS:
        rows.setdefault(row.where, Counter()).update(row.calls.split())
    assert {one: there[one] for one in there if there[one] != rows.get(one)} == {}
    assert {one: rows[one] for one in rows if one not in there} == {}


def constant(bound: str) -> object:
    """What a bound's name stands for."""
    module, _, name = bound.rpartition(".")
    if module.endswith(".GuestBounds"):
        return getattr(
            import_module(f"conformance.{module.removesuffix('.GuestBounds')}").GuestBounds(), name
        )
    return getattr(import_module(f"conformance.{module}"), name)


@pytest.mark.parametrize("row", WAITS, ids=lambda row: row.where)
def test_a_bound_is_there(row: Wait) -> None:
    if row.bound in (NEVER, CHILD, USER):
        return
    assert row.ends
    try:
        seconds: object = float(row.bound)
    except ValueError:
        seconds = constant(row.bound)
    if isinstance(seconds, bytes):  # a struct timeval
        return
    assert isinstance(seconds, int | float)
    assert 0 < seconds <= 3600


def test_a_command_of_another_is_never_run_without_a_bound() -> None:
    """Only ``processes`` runs what may hang; who has a Popen has a row for its end."""
    for path in PACKAGE.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "subprocess.run(" not in text, path
        assert ".check_output(" not in text, path

"""What the agent is told of a call."""

from __future__ import annotations

import pytest

from conformance.case.call_rows import signature
from conformance.case.calls import CALLS, arguments, names_new_socket, problems
from conformance.notation.call import parse_call
from conformance.notation.scanner import NotationError


@pytest.mark.parametrize(
    ("text", "socket", "told", "new"),
    [
        ("socket() = s", None, {}, "s"),
        ("bind(s, port=5)", "s", {"port": 5}, None),
        ("listen(port=80, backlog=1) = l", None, {"port": 80, "backlog": 1}, "l"),
        ("listen(s) = 0", "s", {}, None),
        ("accept(l) = c", "l", {}, "c"),
        ("connect() = c", None, {}, "c"),
        ("connect(s, local_port=9) = EINPROGRESS", "s", {"local_port": 9}, None),
        ("send(c, 10) = 10", "c", {"count": 10}, None),
        ('send(c, "10", MORE)', "c", {"text": "10", "flag": "MORE"}, None),
        ("recv(c) = 0", "c", {}, None),
        ("recv(c, 10) = 10", "c", {"count": 10, "all": 1}, None),
        ("recv(c, 1, OOB) = EINVAL", "c", {"count": 1, "flag": "OOB"}, None),
        ("recv(c, OOB) = 1", "c", {"flag": "OOB"}, None),
        ("recv(c, ALL) = 20", "c", {"all": 1}, None),
        ('recv(c, 2) = "hi"', "c", {"count": 2, "all": 1}, None),
        ("shutdown(c, WR) = 0", "c", {"how": "WR"}, None),
        ("close(c)", "c", {}, None),
        ("abort(c)", "c", {}, None),
        ("setsockopt(c, NODELAY, 1)", "c", {"name": "NODELAY", "value": 1}, None),
        ("setsockopt(c, CONGESTION, reno)", "c", {"name": "CONGESTION", "value": "reno"}, None),
        ("getsockopt(c, ERROR) = 0", "c", {"name": "ERROR"}, None),
        ("atmark(c) = 1", "c", {}, None),
        ("pending(c) = 0..10", "c", {}, None),
        ("recv(c, 10, PEEK) = 10", "c", {"count": 10, "flag": "PEEK"}, None),
        ("recv(c, PEEK|DONTWAIT) = EAGAIN", "c", {"flag": "PEEK|DONTWAIT"}, None),
        ("send(c, 1, OOB|NOSIGNAL) = 1", "c", {"count": 1, "flag": "OOB|NOSIGNAL"}, None),
        ("accept(l, DONTWAIT) = c", "l", {"flag": "DONTWAIT"}, "c"),
        ("connect(s, DONTWAIT) = EALREADY", "s", {"flag": "DONTWAIT"}, None),
        ("connect(s) = 0", "s", {}, None),
        ("poll(c) = IN|OUT", "c", {}, None),
        ("poll(c) = ERR", "c", {}, None),
        ("poll(c) = IN|...", "c", {}, None),
        ("poll(c) = 0", "c", {}, None),
        ("poll(c, DONTWAIT, for=IN|PRI) = 0", "c", {"events": "IN|PRI", "flag": "DONTWAIT"}, None),
        ("outq(c) = 0", "c", {}, None),
        ("unsent(c) = 0", "c", {}, None),
        ("getsockname(c) = target", "c", {}, None),
        ("getpeername(c) = 1..65535", "c", {}, None),
        ("dup(c) = d", "c", {}, "d"),
        ("signals() = PIPE|URG", None, {}, None),
        ("accept(l) = ECANCELED", "l", {}, None),
        ("pending(c) = 0|EINVAL|EPIPE", "c", {}, None),
        ("listen(l) = 0|EINVAL", "l", {}, None),
    ],
)
def test_a_call_becomes_a_socket_and_json_values(
    text: str, socket: str | None, told: dict[str, int | str], new: str | None
) -> None:
    call = parse_call(text)
    assert problems(call) == ()
    assert arguments(call) == (socket, told)
    assert names_new_socket(call) == new


@pytest.mark.parametrize("text", ["accept(l) = 0|EINVAL", "pending(c) = 0|ENONSENSE"])
def test_what_is_neither_the_number_nor_an_errno_is_a_problem(text: str) -> None:
    (problem,) = problems(parse_call(text))
    assert problem[0] in text


@pytest.mark.parametrize("text", ["pending(c) = 0|c", "pending(c) = 0|1", "pending(c) = 0..1|EIO"])
def test_a_number_stands_beside_errnos_only(text: str) -> None:
    with pytest.raises(NotationError):
        parse_call(text)


def test_every_call_has_a_line_and_a_signature() -> None:
    for call in CALLS:
        assert call.doc
        assert signature(call).startswith(f"{call.name}(")

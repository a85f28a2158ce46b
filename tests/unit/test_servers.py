"""Which servers would do as a case's application: a rule each, and the shipped cases."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Final

import pytest
from whole_set import shipped

from conformance.case.load import load
from conformance.play.servers import Server, served_by

D, E, C = Server.DISCARD, Server.ECHO, Server.CHARGEN
OPENS: Final = """\
title: a case
steps:
  - call: listen() = l
  - send: SYN seq=0 win=1000
  - expect: SYN,ACK seq=0 ack=1
  - send: ACK seq=1 ack=1 win=1000
  - call: accept(l) = c
"""
TEXT: Final = "  - send: ACK seq=1 ack=1 win=1000 len=10\n  - expect: ACK seq=1 ack=11\n"


def served(tmp_path: Path, text: str) -> set[Server]:
    (tmp_path / "case.yaml").write_text(text)
    (found,), faults = load([tmp_path], tmp_path)
    assert not faults
    return set(served_by(found))


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        ("", {D, E}),
        ("  - call: accept(l) = d\n    conn: b\n", {D, E}),
        (TEXT, {D}),
        (TEXT + "  - call: recv(c, 10) = 10\n", {D}),
        (TEXT + "  - call: recv(c) = 10\n", set()),
        (TEXT + "  - call: recv(c, 20) = 10\n", set()),
        (TEXT + "  - call: recv(c, 1, OOB) = EINVAL\n", set()),
        ("  - spawn: recv(c, 10)\n" + TEXT + "  - join: recv(c, 10) = 10\n", set()),
        ("  - send: ACK seq=1 ack=1 len=10\n  - expect: ACK seq=1 ack=11 win=10\n", set()),
        ("  - send: FIN,ACK seq=1 ack=1\n", set()),
        ("  - call: close(c)\n", set()),
        ("  - call: send(c, 2000) = 2000\n", {C}),
        ("  - call: send(c, 1000) = 1000\n", set()),  # the window lets all of it out
        ("  - call: send(c, 2000) = 2000\n  - call: send(c, 1) = 1\n", set()),
        ("  - call: send(c, 2000, OOB) = 2000\n", set()),
        ("  - silence: 1s\n  - call: send(c, 2000) = 2000\n", set()),
        ("  - call: send(c, 2000) = 2000\n  - send: RST seq=1\n", {C}),
        ("  - call: send(c, 2000) = 2000\n  - send: ACK seq=1 ack=999 win=1000\n", {C}),
        ("  - call: send(c, 2000) = 2000\n  - send: ACK seq=1 ack=1001 win=1000\n", set()),
        ("  - call: send(c, 2000) = 2000\n  - send: ACK seq=1 win=0\n", set()),
        ("  - call: send(c, 2000) = 2000\n  - send: ACK seq=1 ack=SND.NXT win=0\n", set()),
        ("  - call: send(c, 70000) = 70000\n  - send: ACK seq=1 ack=1\n", {C}),
        ("  - call: send(c, 60000) = 60000\n  - send: ACK seq=1 ack=1\n", set()),
    ],
)
def test_what_a_server_does_by_itself(tmp_path: Path, more: str, wanted: set[Server]) -> None:
    assert served(tmp_path, OPENS + more) == wanted


@pytest.mark.parametrize("scaling", ["wscale 7", "mss 1460, kind 3 0x07"])
def test_a_window_that_may_be_scaled_lets_more_out(tmp_path: Path, scaling: str) -> None:
    text = OPENS.replace("win=1000\n  - expect", f"win=1000 <{scaling}>\n  - expect")
    assert served(tmp_path, text + "  - call: send(c, 2000) = 2000\n") == set()


@pytest.mark.parametrize("call", ["listen(port=5000)", "listen(backlog=1)"])
def test_a_listener_of_its_own_kind_is_no_server_s(tmp_path: Path, call: str) -> None:
    assert served(tmp_path, OPENS.replace("listen()", call)) == set()


def test_a_case_without_a_listener_has_no_server(tmp_path: Path) -> None:
    assert (
        served(tmp_path, "title: a\nsteps:\n  - send: ACK seq=1 ack=1\n  - silence: 1s\n") == set()
    )


def test_many_of_the_shipped_cases_can_be_played_without_calls() -> None:
    found = Counter(server for case in shipped() for server in served_by(case))
    assert min(found[server] for server in Server) > 5
    assert found[D] > found[E] > 50

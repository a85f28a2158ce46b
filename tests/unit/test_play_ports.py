"""Whose a segment is: both ports say it, where connections share the tester's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hand import Hand, write_case

from conformance.play import events
from conformance.play.verdict import Outcome

TWO = "tester: {ports: {b: {of: a, to: 4711}}}\n"
OPEN = "- {conn: b, send: SYN seq=0}\n- {conn: b, expect: 'SYN,ACK seq=0 ack=1'}\n"


def test_a_connection_has_the_ports_that_the_case_says(tmp_path: Path) -> None:
    target = Hand(write_case(tmp_path, OPEN, head=TWO)).open()
    target.come("SYN,ACK seq=0 ack=1", conn="b")
    target.passes()
    first, last = target.sent[0], target.sent[-1]
    assert (last.sport, last.dport, first.dport) == (first.sport, 4711, 4000)


def test_what_the_one_sends_is_none_of_the_other(tmp_path: Path) -> None:
    target = Hand(write_case(tmp_path, OPEN, head=TWO)).open()
    target.come("SYN,ACK seq=0 ack=1")
    target.fails("nothing came within 1s")


def test_a_port_of_no_connection_is_told_as_the_first_one_s(tmp_path: Path) -> None:
    target = Hand(write_case(tmp_path, OPEN, head=TWO)).open()
    strange = replace(target.segment("ACK seq=1 ack=1"), sport=4712)
    target.feed(events.Arrived(target.now, strange))
    target.fails("no TCP may send this: it came from another port")


def test_an_open_of_the_target_to_a_shared_port_is_the_one_that_waits_for_it(
    tmp_path: Path,
) -> None:
    steps = "- {conn: b, spawn: connect()}\n- {conn: b, expect: SYN seq=0}\n"
    case = write_case(
        tmp_path, steps + OPEN.replace("b,", "c,"), head=TWO.replace(", to: 4711", "")
    )
    target = Hand(case).open()
    target.feed(events.Arrived(target.now, replace(target.segment("SYN seq=0"), sport=32768)))
    assert target.talk.connections["b"].target_port == 32768


def test_two_connections_of_one_pair_are_the_case_s_error(tmp_path: Path) -> None:
    case = write_case(tmp_path, OPEN, head=TWO.replace("4711", "4000"))
    target = Hand(case).open()
    target.fails("the case is wrong: a and b are between the same ports", Outcome.ERROR)

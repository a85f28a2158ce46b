"""A third host: what it sends and gets is a connection of its own, or none of the connection's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hand import Hand, write_case

from conformance.play import actions, events
from conformance.report.ladder import ladder
from conformance.tcp.addresses import OTHER

SYN = "{flags: SYN, seq: 0, ip: {from: other}}"


def come(target: Hand, text: str, *, to: str = OTHER) -> None:
    segment = target.segment(text)
    ip = replace(segment.ip, receiver=to)
    target.feed(events.Arrived(target.now, replace(segment, ip=ip)))


def opened(tmp_path: Path, steps: str) -> Hand:
    return Hand(write_case(tmp_path, steps)).open()


def test_what_it_sends_under_the_ports_moves_no_number(tmp_path: Path) -> None:
    steps = "- send: {flags: ACK, len: 10, ip: {from: other}}\n- send: ACK len=10\n- expect: ACK"
    target = opened(tmp_path, steps)
    target.come("ACK seq=1 ack=11")
    target.passes()
    assert [one.seq for one in target.sent[-2:]] == [target.sent[-1].seq] * 2
    assert "len=10  (from other)" in ladder(target.talk.record)


def test_an_answer_to_it_is_no_answer_to_the_tester(tmp_path: Path) -> None:
    target = opened(tmp_path, "- send: {flags: ACK, ip: {from: other}}\n- expect: RST seq=1")
    come(target, "RST seq=1")
    found = target.fails("another segment came")
    assert [(one.field, one.expected, one.actual) for one in found.differences] == [
        ("to", "tester", "other")
    ]


def test_an_answer_to_the_tester_is_none_to_it(tmp_path: Path) -> None:
    steps = "- send: {flags: ACK, ip: {from: other}}\n"
    target = opened(tmp_path, steps + "- expect: {flags: RST, seq: 1, ip: {to: other}}")
    come(target, "RST seq=1", to="")
    target.fails("another segment came")


def test_a_reset_of_it_ends_nothing(tmp_path: Path) -> None:
    steps = "- send: {flags: ACK, ip: {from: other}}\n- expect: {flags: RST, ip: {to: other}}\n"
    target = opened(tmp_path, steps + "- send: ACK len=10\n- expect: ACK")
    come(target, "RST seq=1")
    target.come("ACK seq=1 ack=11")
    target.passes()
    assert not target.talk.connections["a"].reset


def test_its_syn_makes_the_connection_its_own(tmp_path: Path) -> None:
    steps = f"- send: {SYN}\n- expect: SYN,ACK seq=0 ack=1\n- send: ACK\n- expect: ACK len=10"
    target = Hand(write_case(tmp_path, steps, given=""))
    come(target, "SYN,ACK seq=0 ack=1")
    come(target, "ACK seq=1 ack=1 len=10")
    target.passes()
    assert [one.ip.sender for one in target.sent] == [OTHER, OTHER]


def test_on_its_connection_the_tester_is_the_foreign_one(tmp_path: Path) -> None:
    steps = f"- send: {SYN}\n- expect: SYN,ACK seq=0 ack=1"
    target = Hand(write_case(tmp_path, steps, given=""))
    come(target, "SYN,ACK seq=0 ack=1", to="")
    target.fails("another segment came")


def test_a_syn_of_the_target_says_whose_the_connection_is(tmp_path: Path) -> None:
    steps = "- expect: {flags: SYN, seq: 0, ip: {to: other}}\n- send: SYN,ACK seq=0 ack=1"
    target = Hand(write_case(tmp_path, f"- spawn: connect()\n{steps}", given=""))
    come(target, "SYN seq=0")
    target.finish()
    assert target.sent[-1].ip.sender == OTHER


def test_a_state_is_asked_of_the_pair_of_hosts_that_the_connection_has(tmp_path: Path) -> None:
    steps = (
        f"- conn: b\n  send: {SYN}\n- conn: b\n  state: SYN-RECEIVED\n- state: ESTABLISHED\n"
        "- send: {flags: ACK, ip: {from: other}}\n- state: ESTABLISHED"
    )
    target = opened(tmp_path, steps)
    target.passes()
    asked = [one.peer for one in target.done if isinstance(one, actions.ReadState)]
    assert asked == [OTHER, "", ""]

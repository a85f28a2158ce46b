"""``net:`` in a conversation: what steps see, what bounds count from, what the record tells."""

from __future__ import annotations

from pathlib import Path

import pytest
from hand import START, Hand, write_case

from conformance.play import actions, events
from conformance.play.record import What
from conformance.report.ladder import ladder
from conformance.report.plan import plan


def hand(tmp_path: Path, steps: str, *, ip: int = 4) -> Hand:
    return Hand(write_case(tmp_path, steps), ip=ip).open()


def test_what_is_lost_no_step_sees_and_the_ladder_does(tmp_path: Path) -> None:
    target = hand(tmp_path, "- net: {loss: [1]}\n- expect: ACK seq=11 len=10")
    target.come("ACK seq=1 ack=1 len=10")
    target.come("ACK seq=11 ack=1 len=10")
    target.passes()
    lost = [entry for entry in target.talk.record.entries if entry.lost]
    assert [(entry.what, entry.network) for entry in lost] == [(What.RECEIVED, "lost")]
    story = ladder(target.talk.record)
    assert "the network: loss: [1]" in story
    assert "X-- ACK seq=1 ack=1 len=10  (network: lost)" in story


def test_what_is_lost_is_held_to_the_rules_all_the_same(tmp_path: Path) -> None:
    target = hand(tmp_path, "- net: {loss: 100%}\n- silence: 1s")
    target.come("ACK seq=1 ack=99")
    found = target.fails("no TCP may send this: it acknowledges 99, and nothing beyond 1 was sent")
    assert found.actual == "ACK seq=1 ack=99"


def test_what_is_late_is_held_to_the_rules_at_once_and_seen_later(tmp_path: Path) -> None:
    target = hand(tmp_path, "- net: {delay: 300ms}\n- expect: ACK len=10\n  within: 299ms..310ms")
    target.come("ACK seq=1 ack=1 len=10")
    target.passes()
    target = hand(tmp_path, "- net: {delay: 300ms}\n- expect: ACK len=10")
    target.come("ACK seq=1 ack=99")
    target.fails("no TCP may send this: it acknowledges 99, and nothing beyond 1 was sent")


def test_a_bound_counts_from_what_comes_out(tmp_path: Path) -> None:
    steps = "- net: {delay: 300ms}\n- send: ACK len=10\n- expect: ACK ack=11\n  within: 650ms"
    target = hand(tmp_path, steps)
    target.come("ACK seq=1 ack=11", after=0.34)
    target.passes()
    target = hand(tmp_path, steps)
    target.come("ACK seq=1 ack=11", after=0.36)
    target.fails("nothing came within 650ms")


def test_ours_leaves_when_the_network_lets_it_out(tmp_path: Path) -> None:
    target = hand(tmp_path, "- net: {delay: 300ms}\n- send: ACK len=10\n- silence: 1s")
    before = len(target.sent)
    target.pass_time(0.29)
    assert len(target.sent) == before
    target.pass_time(0.02)
    assert len(target.sent) == before + 1
    last = target.last(actions.SendSegment)
    assert isinstance(last, actions.SendSegment)
    assert last.due == pytest.approx(START + 0.01 + 0.3)


def test_one_way_alone(tmp_path: Path) -> None:
    steps = "- net: {loss: 100%}\n  from: tester\n- send: ACK len=10\n- expect: ACK len=10 ack=1"
    target = hand(tmp_path, steps)
    before = len(target.sent)
    target.come("ACK seq=1 ack=1 len=10")
    target.passes()
    assert len(target.sent) == before


def test_what_was_lost_of_ours_is_not_acknowledged(tmp_path: Path) -> None:
    steps = (
        "- net: {loss: [1]}\n  from: tester\n- send: ACK len=10\n- send: ACK len=10\n- expect: ACK"
    )
    target = hand(tmp_path, steps)
    target.come("ACK seq=1 ack=1")
    target.passes()


def test_each_twice(tmp_path: Path) -> None:
    steps = "- net: {duplicate: 100%}\n- send: ACK len=10\n- expect: ACK\n- expect: ACK"
    target = hand(tmp_path, steps)
    before = len(target.sent)
    target.come("ACK seq=1 ack=11")
    target.passes()
    assert len(target.sent) == before  # the send is among those of before: it left at once
    assert target.sent[-1] == target.sent[-2]


def test_a_doubled_one_that_no_step_foresees_fails(tmp_path: Path) -> None:
    target = hand(tmp_path, "- net: {duplicate: [1]}\n- send: ACK len=10\n- expect: ACK")
    target.come("ACK seq=1 ack=11")
    target.fails("a segment came that no step foresees")


def test_nothing_is_foreseen_that_is_on_its_way_at_the_end(tmp_path: Path) -> None:
    target = hand(tmp_path, "- net: {delay: 2s}\n- send: ACK len=10\n- silence: 1s")
    target.come("ACK seq=1 ack=11", after=0.9)
    target.fails("a segment came that no step foresees")


@pytest.mark.parametrize(("ip", "numbers"), [(4, (3, 4)), (6, (2, 0))])
def test_a_router_tells_of_what_is_too_big(
    tmp_path: Path, ip: int, numbers: tuple[int, int]
) -> None:
    steps = "- net: {mtu: 500}\n- expect: ACK len=1..440"
    target = hand(tmp_path, steps, ip=ip)
    target.come("ACK seq=1 ack=1 len=500")
    error = target.last(actions.SendIcmp)
    assert isinstance(error, actions.SendIcmp)
    assert (error.type, error.code, error.value, error.router) == (*numbers, 500, True)
    target.come("ACK seq=1 ack=1 len=400")
    target.passes()
    story = ladder(target.talk.record)
    assert "len=500  (network: too big)" in story
    assert "icmp packet-too-big, mtu 500, from the router" in story


def test_none_ends_it(tmp_path: Path) -> None:
    steps = "- net: {loss: 100%}\n- net: none\n- expect: ACK len=10"
    target = hand(tmp_path, steps)
    target.come("ACK seq=1 ack=1 len=10")
    target.passes()


def test_a_record_is_judged_the_same_again(tmp_path: Path) -> None:
    steps = "- net: {delay: 300ms, loss: 40%, seed: 3}\n- collect: 1500\n  within: 5s\n"
    steps += "- allow: ACK seq=1..1500 len=500\n  times: any"
    target = hand(tmp_path, steps)
    for seq in (1, 501, 1001, 1, 501, 1001, 1, 501, 1001):
        target.come(f"ACK seq={seq} ack=1 len=500", after=0.1)
    target.passes()
    again = type(target.talk)(
        target.talk.case, target.talk.profile, target.talk._runners, target.talk.addressing
    )
    again.start(START)
    for at, event in target.talk.record.events:
        again.feed(event, at)
    assert again.verdict == target.talk.verdict
    assert [one.network for one in again.record.entries] == [
        one.network for one in target.talk.record.entries
    ]
    assert any(isinstance(event, events.Tick) for _, event in target.talk.record.events)


def test_a_plan_shows_the_seed(tmp_path: Path) -> None:
    case = write_case(tmp_path, "- net: {loss: 5%}\n  from: target\n- expect: ACK")
    assert "the network: loss: 5%, seed: 1 of what the target sends" in plan(case)

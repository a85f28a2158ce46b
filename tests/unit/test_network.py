"""The network of a case: a function of its rules, its seed and the order of what goes in."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.case.net import NOTHING, ChosenSegments, NetText
from conformance.play.network import HELD, Fate, NetworkWay, size
from conformance.tcp.flags import Flags
from conformance.tcp.ip import IpFields
from conformance.tcp.options import Mss, Nop, Timestamps
from conformance.tcp.segment import Segment

SEGMENT = Segment(4000, 40000, Flags.ACK, 1, payload=bytes(100))


def passed(
    rules: NetText, count: int, *, name: str = "target", lag: float = 0.0, step: float = 1.0
) -> tuple[list[tuple[float, int]], list[Fate]]:
    """What comes out of it and when, of so many that go in a step apart; what befell each."""
    way: NetworkWay[int] = NetworkWay(name)
    way.change(rules, lag)
    out, fates = [], []
    for number in range(1, count + 1):
        at = number * step
        out += [(when, item) for when, _, item in way.out(at - step / 2)]
        fates.append(way.enter(number, SEGMENT, at, 4))
        out += [(when, item) for when, _, item in way.out(at)]
    out += [(when, item) for when, _, item in way.out(1e9)]
    assert way.next is None
    return out, fates


def test_nothing_happens_to_what_no_rule_is_about() -> None:
    assert passed(NOTHING, 3)[0] == [(1.0, 1), (2.0, 2), (3.0, 3)]


def test_the_places_of_a_list_are_lost() -> None:
    out, fates = passed(NetText(loss=ChosenSegments(places=(2, 3))), 5)
    assert [item for _, item in out] == [1, 4, 5]
    assert fates == [Fate.THROUGH, Fate.LOST, Fate.LOST, Fate.THROUGH, Fate.THROUGH]


def test_a_share_follows_from_the_seed_alone() -> None:
    rules = NetText(loss=ChosenSegments(percent=30.0), seed=7)
    found = passed(rules, 200)
    assert found == passed(rules, 200)
    assert found != passed(replace(rules, seed=8), 200)
    assert found[1] != passed(rules, 200, name="tester")[1]
    assert 30 < found[1].count(Fate.LOST) < 90


def test_all_and_none_are_what_they_say() -> None:
    assert passed(NetText(loss=ChosenSegments(percent=100.0)), 50)[0] == []
    out, _ = passed(NetText(duplicate=ChosenSegments(percent=100.0)), 2)
    assert out == [(1.0, 1), (1.0, 1), (2.0, 2), (2.0, 2)]


def test_what_is_reordered_comes_behind_so_many_others() -> None:
    out, fates = passed(NetText(reorder=ChosenSegments(places=(2,)), by=2), 5, step=HELD / 10)
    assert [item for _, item in out] == [1, 3, 4, 2, 5]
    assert fates[1] is Fate.HELD


def test_lost_ones_overtake_nothing() -> None:
    rules = NetText(reorder=ChosenSegments(places=(1,)), loss=ChosenSegments(places=(2,)))
    assert [item for _, item in passed(rules, 4, step=HELD / 10)[0]] == [3, 1, 4]


def test_the_last_is_not_held_for_ever() -> None:
    out, _ = passed(NetText(reorder=ChosenSegments(places=(3,))), 3)
    assert out == [(1.0, 1), (2.0, 2), (3.0 + HELD, 3)]


def test_each_is_on_its_way_for_the_delay() -> None:
    assert passed(NOTHING, 2, lag=2.5)[0] == [(3.5, 1), (4.5, 2)]


def test_what_is_on_its_way_comes_as_it_would_have() -> None:
    way: NetworkWay[str] = NetworkWay("target")
    way.change(NOTHING, 1.0)
    way.enter("slow", SEGMENT, 0.0, 4)
    way.change(NOTHING, 0.0)
    way.enter("fast", SEGMENT, 0.5, 4)
    assert [(at, item) for at, _, item in way.out(2.0)] == [(0.5, "fast"), (1.0, "slow")]


@pytest.mark.parametrize(
    ("segment", "ip", "octets"),
    [
        (SEGMENT, 4, 140),
        (SEGMENT, 6, 160),
        (replace(SEGMENT, options=(Nop(), Nop(), Timestamps(1, 2))), 4, 152),
        (replace(SEGMENT, options=(Mss(1460),), ip=IpFields(options=bytes(8))), 4, 152),
        (replace(SEGMENT, ip=IpFields(destination=bytes(6))), 6, 168),
    ],
)
def test_a_packet_is_its_headers_and_its_text(segment: Segment, ip: int, octets: int) -> None:
    assert size(segment, ip) == octets
    for mtu, fate in ((octets, Fate.THROUGH), (octets - 1, Fate.TOO_BIG)):
        way: NetworkWay[str] = NetworkWay("target")
        way.change(NetText(mtu=mtu), 0.0)
        assert way.enter("", segment, 0.0, ip) is fate


def test_what_may_be_fragmented_is_never_too_big() -> None:
    way: NetworkWay[str] = NetworkWay("target")
    way.change(NetText(mtu=100), 0.0)
    whole = replace(SEGMENT, ip=IpFields(df=False))
    assert way.enter("", whole, 0.0, 4) is Fate.THROUGH
    assert way.enter("", whole, 0.0, 6) is Fate.TOO_BIG

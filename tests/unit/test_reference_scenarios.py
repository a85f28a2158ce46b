"""The reference over time: handshakes, lost segments, timers, windows, calls."""

from __future__ import annotations

import pytest
from test_reference_events import IRS, ISS, LOCAL, REMOTE, Rig

from conformance.reference.machine import Config, Returned, Stack
from conformance.tcp.flags import Flags
from conformance.tcp.options import Mss, Timestamps, WindowScale
from conformance.tcp.segment import Segment
from conformance.tcp.states import State
from conformance.tcp.stream import octets


def after(rig: Rig, seconds: float) -> list[Segment]:
    rig.now += seconds
    rig.stack.advance(rig.now)
    return rig.take()


def times(rig: Rig, until: float) -> list[float]:
    """When the stack sends of itself, up to ``until``."""
    found = []
    while (due := rig.stack.next_timer) is not None and due <= until:
        rig.stack.advance(due)
        found += [due] * len(rig.take())
    return found


def test_simultaneous_open() -> None:
    rig = Rig("SYN-SENT")
    rig.send(f"S seq={IRS}")
    assert [(s.flags, s.seq, s.ack) for s in rig.take()] == [(Flags.SYN | Flags.ACK, ISS, IRS + 1)]
    rig.send(f"SA seq={IRS} ack=ISS+1")
    assert rig.take() == []
    assert rig.moves == [State.SYN_RECEIVED, State.ESTABLISHED]


def test_simultaneous_close() -> None:
    rig = Rig("FIN-WAIT-1")
    rig.send("FA seq=RCV.NXT ack=SND.NXT-1")
    rig.send("A seq=RCV.NXT ack=SND.NXT")
    assert rig.moves == [State.CLOSING, State.TIME_WAIT]


def test_the_final_ack_is_lost_and_time_wait_restarts() -> None:
    rig = Rig("TIME-WAIT", msl=10.0)
    assert after(rig, 15) == []
    rig.send("FA seq=RCV.NXT-1 ack=SND.NXT")
    assert len(rig.take()) == 1
    assert after(rig, 19.9) == []
    assert rig.state is State.TIME_WAIT
    after(rig, 0.2)
    assert rig.moves == [State.CLOSED]


def test_a_pure_ack_does_not_restart_time_wait() -> None:
    rig = Rig("TIME-WAIT", msl=10.0)
    after(rig, 15)
    rig.send("A seq=RCV.NXT ack=SND.NXT")
    after(rig, 5)
    assert rig.moves == [State.CLOSED]


def test_the_final_ack_to_last_ack_is_lost() -> None:
    rig = Rig("LAST-ACK")
    again = after(rig, 1.0)
    assert [(s.flags, s.seq) for s in again] == [(Flags.FIN | Flags.ACK, 0xFFFFFFF1)]
    rig.send("A seq=RCV.NXT ack=SND.NXT")
    assert rig.moves == [State.CLOSED]


@pytest.mark.parametrize("where", ["FIN-WAIT-1", "CLOSING", "LAST-ACK"])
def test_a_fin_is_retransmitted_with_doubled_timeouts_then_given_up(where: str) -> None:
    rig = Rig(where)
    assert times(rig, 99.0) == [1.0, 3.0, 7.0, 15.0, 31.0, 63.0]
    assert rig.moves == []
    after(rig, 100.0)
    assert rig.moves == [State.CLOSED]


def test_a_syn_is_tried_for_three_minutes() -> None:
    rig = Rig("SYN-SENT")
    first = after(rig, 1.0)[0]
    assert (first.flags, first.seq) == (Flags.SYN, ISS)
    assert times(rig, 179.0) == [3.0, 7.0, 15.0, 31.0, 63.0, 123.0]
    rig.stack.advance(180.0)
    assert rig.returned(3) == Returned(3, errno="ETIMEDOUT")


def test_user_timeout_overrides_r2() -> None:
    rig = Rig("ESTABLISHED")
    rig.call("setsockopt", socket=2, name="USER_TIMEOUT", value=5000)
    rig.call("send", socket=2, count=10)
    rig.take()
    assert times(rig, 4.9) == [1.0, 3.0]
    rig.stack.advance(5.0)
    rig.take()
    assert rig.moves == [State.CLOSED]


def test_zero_window_is_probed_for_ever_while_it_answers() -> None:
    rig = Rig("ESTABLISHED")
    rig.send("A seq=RCV.NXT ack=SND.NXT wnd=0")
    rig.call("send", socket=2, count=100)
    assert rig.take() == []
    gaps = []
    for _ in range(40):
        due = rig.stack.next_timer
        assert due is not None
        gaps.append(due - rig.now)
        probe = after(rig, due - rig.now)
        assert [(len(s.payload), s.seq) for s in probe] == [(1, 0xFFFFFFF1)]
        rig.send("A seq=RCV.NXT ack=SND.UNA wnd=0")
    assert [round(gap, 6) for gap in gaps[:7]] == [1, 2, 4, 8, 16, 32, 60]
    rig.send("A seq=RCV.NXT ack=SND.UNA")
    assert b"".join(s.payload for s in rig.take()) == octets(0, 100)
    rig.send("A seq=RCV.NXT ack=SND.NXT")
    assert rig.state is State.ESTABLISHED


def test_zero_window_probe_that_is_taken() -> None:
    rig = Rig("ESTABLISHED")
    rig.send("A seq=RCV.NXT ack=SND.NXT wnd=0")
    rig.call("send", socket=2, count=100)
    assert len(after(rig, 1.0)) == 1
    rig.send("A seq=RCV.NXT ack=SND.NXT")
    assert b"".join(s.payload for s in rig.take()) == octets(1, 99)


def test_a_silent_zero_window_is_given_up() -> None:
    rig = Rig("ESTABLISHED")
    rig.send("A seq=RCV.NXT ack=SND.NXT wnd=0")
    rig.call("send", socket=2, count=100)
    after(rig, 101)
    assert rig.moves == [State.CLOSED]


def test_our_window_closes_and_opens() -> None:
    rig = Rig("ESTABLISHED", rcvbuf=4000)
    rig.send("PA seq=RCV.NXT ack=SND.NXT len=1000")
    rig.send("PA seq=RCV.NXT ack=SND.NXT len=3000")
    assert rig.take()[-1].window == 0
    numbers = rig.numbers()
    rig.send("PA seq=RCV.NXT ack=SND.NXT len=1")
    answer = rig.take()[0]
    assert (answer.ack, answer.window) == (numbers["RCV_NXT"], 0)
    rig.call("recv", socket=2, count=1000)
    assert rig.take() == []
    rig.call("send", socket=2, count=10)
    assert len(rig.take()) == 1
    rig.send("A seq=RCV.NXT ack=SND.NXT")  # without text it is acceptable: no answer
    assert rig.numbers()["SND_UNA"] == rig.numbers()["SND_NXT"] == numbers["SND_NXT"] + 10
    assert rig.take() == []
    rig.call("recv", socket=2, count=1000)
    assert [s.window for s in rig.take()] == [2000]
    rig.send("R seq=RCV.NXT")
    assert rig.moves == [State.CLOSED]


def test_our_window_opens_by_half_of_the_buffer_or_not_at_all() -> None:
    """3.8.6.2.2: the edge moves by half of a small buffer, and by no less."""
    for count, window in ((499, 500), (500, 999)):
        rig = Rig("ESTABLISHED", rcvbuf=1000)
        rig.send(f"PA seq=RCV.NXT ack=SND.NXT len={count}")
        rig.call("recv", socket=2, count=count)
        rig.take()
        rig.send("PA seq=RCV.NXT ack=SND.NXT len=1")
        assert [s.window for s in rig.take()] == [window]


def test_the_timeout_is_measured() -> None:
    """RFC 6298 sections 2.2 and 2.3."""
    rig = Rig("ESTABLISHED", min_rto=0.0, nagle=False)
    tcb = rig.stack.tcb(LOCAL, REMOTE)
    assert tcb is not None
    tcb.srtt, tcb.rto = None, 1.0  # as before the handshake, which took no time
    for rtt, rto in ((0.1, 0.3), (0.2, 0.3625)):
        rig.call("send", socket=2, count=10)
        rig.now += rtt
        rig.send("A seq=RCV.NXT ack=SND.NXT")
        assert tcb.rto == pytest.approx(rto)


def test_delayed_ack_and_every_second_segment() -> None:
    rig = Rig("ESTABLISHED")
    rig.stack.set_option("delayed-ack", "on")
    rig.send("PA seq=RCV.NXT ack=SND.NXT len=10")
    assert rig.take() == []
    assert after(rig, 0.19) == []
    assert len(after(rig, 0.02)) == 1
    rig.send("PA seq=RCV.NXT ack=SND.NXT len=10")
    rig.send("PA seq=RCV.NXT ack=SND.NXT len=10")
    assert len(rig.take()) == 1


def test_keepalive_probes_then_gives_up() -> None:
    rig = Rig("ESTABLISHED")
    for name, value in (("KEEPIDLE", 100), ("KEEPINTVL", 10), ("KEEPCNT", 3), ("KEEPALIVE", 1)):
        rig.call("setsockopt", socket=2, name=name, value=value)
    rig.take()
    probe = after(rig, 100.0)
    assert [(s.flags, s.seq, s.payload) for s in probe] == [(Flags.ACK, 0xFFFFFFF0, b"")]
    rig.send("A seq=RCV.NXT ack=SND.NXT")
    assert times(rig, 225.0) == [200.0, 210.0, 220.0]
    rig.stack.advance(230.0)
    rig.take()
    assert rig.moves == [State.CLOSED]


def test_no_keepalive_by_default() -> None:
    assert Rig("ESTABLISHED").stack.next_timer is None


def test_urgent_pointer_is_after_the_last_urgent_octet() -> None:
    rig = Rig("ESTABLISHED")
    rig.call("send", socket=2, count=10, flag="OOB")
    segment = rig.take()[0]
    assert (segment.flags, segment.urgent) == (Flags.URG | Flags.PSH | Flags.ACK, 10)


def test_urgent_octet_is_read_apart() -> None:
    rig = Rig("ESTABLISHED")
    rig.send("UPA seq=RCV.NXT ack=SND.NXT len=10 urg=5")
    number = rig.call("recv", socket=2)
    assert rig.returned(number) == Returned(number, 4, data=b"xxxx")
    assert rig.returned(rig.call("atmark", socket=2)) == Returned(rig.calls, 1)
    assert rig.returned(rig.call("recv", socket=2, flag="OOB")) == Returned(rig.calls, 1, data=b"x")
    number = rig.call("recv", socket=2)
    assert rig.returned(number) == Returned(number, 5, data=b"xxxxx")


def test_options_are_answered_only_as_offered() -> None:
    for offered in ((), (WindowScale(3),), (Timestamps(77, 0),), (Mss(500),)):
        stack = Stack(Config())
        stack.call(1, "listen", {"port": LOCAL}, 0.0)
        stack.arrive(Segment(REMOTE, LOCAL, Flags.SYN, IRS, options=offered), 0.0)
        answer = next(o.segment for o in stack.outputs() if hasattr(o, "segment"))
        assert answer.option(Mss) == Mss(1460)
        assert bool(answer.option(WindowScale)) == (offered == (WindowScale(3),))
        stamp = answer.option(Timestamps)
        assert (stamp.echo if stamp else None) == (77 if offered == (Timestamps(77, 0),) else None)


def test_nagle_and_nodelay() -> None:
    rig = Rig("ESTABLISHED")
    rig.call("send", socket=2, count=10)
    rig.call("send", socket=2, count=10)
    assert [len(s.payload) for s in rig.take()] == [10]
    rig.call("setsockopt", socket=2, name="NODELAY", value=1)
    assert [len(s.payload) for s in rig.take()] == [10]

"""The reference TCP as an application meets it: calls, errors, limits, the table itself."""

from __future__ import annotations

from dataclasses import replace

import pytest
from test_reference_events import IRS, ISS, LOCAL, REMOTE, Rig
from test_reference_scenarios import after

from conformance.reference.machine import Config, Returned, Stack
from conformance.reference.transitions import TABLE, Input, without
from conformance.tcp.flags import Flags
from conformance.tcp.options import Timestamps
from conformance.tcp.segment import Segment
from conformance.tcp.states import State
from conformance.tcp.stream import octets


def test_close_with_unread_data_resets() -> None:
    rig = Rig("ESTABLISHED")
    rig.send("PA seq=RCV.NXT ack=SND.NXT len=10")
    rig.take()
    rig.call("close", socket=2)
    assert [s.flags for s in rig.take()] == [Flags.RST]


def test_calls_that_cannot_be() -> None:
    rig = Rig("CLOSED")
    for name, args, errno in (
        ("send", {"socket": 9, "count": 1}, "EBADF"),
        ("fly", {}, "ENOSYS"),
        ("recv", {"socket": 1}, "ENOTCONN"),
        ("send", {"socket": 1, "count": 1}, "ENOTCONN"),
        ("shutdown", {"socket": 1, "how": "WR"}, "ENOTCONN"),
        ("setsockopt", {"socket": 1, "name": "X", "value": 1}, "ENOPROTOOPT"),
        ("connect", {"socket": 1, "port": 0}, "EINVAL"),
    ):
        if rig.calls == 0:
            rig.call("socket")
        number = rig.call(name, **args)
        assert rig.returned(number) == Returned(number, errno=errno)


def test_refused_connect_and_reset_read() -> None:
    rig = Rig("SYN-SENT")
    rig.send("RA seq=0 ack=SND.NXT")
    assert rig.returned(3) == Returned(3, errno="ECONNREFUSED")
    rig = Rig("ESTABLISHED")
    number = rig.call("recv", socket=2)
    assert rig.returned(number) is None
    rig.send("R seq=RCV.NXT")
    assert rig.returned(number) == Returned(number, errno="ECONNRESET")
    number = rig.call("send", socket=2, count=1)
    assert rig.returned(number) == Returned(number, errno="EPIPE")


@pytest.mark.parametrize("how", ["close", "abort"])
@pytest.mark.parametrize(
    ("state", "name", "socket"), [("SYN-SENT", "", 1), ("LISTEN", "accept", 1),
                                  ("ESTABLISHED", "recv", 2)]
)  # fmt: skip
def test_what_waits_on_a_socket_that_is_closed_ends_with_a_name(
    how: str, state: str, name: str, socket: int
) -> None:
    rig = Rig(state)
    number = rig.call(name, socket=socket) if name else rig.calls
    assert rig.returned(number) is None
    rig.call(how, socket=socket)
    assert rig.returned(number) == Returned(number, errno="ECANCELED")


def test_every_blocked_call_returns_when_the_first_is_refused() -> None:
    rig = Rig("ESTABLISHED")
    numbers = [rig.call("recv", socket=2) for _ in range(2)]
    rig.send("R seq=RCV.NXT")
    returned = [rig.returned(number) for number in numbers]
    assert returned == [
        Returned(numbers[0], errno="ECONNRESET"),
        Returned(numbers[1], 0),
    ]


def test_a_fin_on_a_syn_whose_text_fills_the_window_is_not_taken() -> None:
    for count, state in ((99, State.CLOSE_WAIT), (100, State.ESTABLISHED)):
        rig = Rig("LISTEN", rcvbuf=100)
        rig.send(f"SF seq={IRS} len={count}")
        rig.send("A seq=RCV.NXT ack=ISS+1")
        assert rig.state is state


def test_the_data_offset_says_where_the_text_begins() -> None:
    for offset, taken in ((4, 0), (5, 22), (8, 10), (15, 0)):
        rig = Rig("ESTABLISHED")
        numbers = rig.numbers()
        text = rig.segment("PA seq=RCV.NXT ack=SND.NXT len=10", numbers)
        stamped = replace(text, options=(Timestamps(1, 0),), offset=offset)
        rig.stack.arrive(stamped, 0.0)
        assert rig.numbers()["RCV_NXT"] == numbers["RCV_NXT"] + taken


def test_icmp_errors() -> None:
    for where, kind, state in (
        ("SYN-SENT", "soft", State.SYN_SENT),
        ("SYN-SENT", "hard", State.CLOSED),
        ("FIN-WAIT-1", "hard", State.FIN_WAIT_1),
        ("FIN-WAIT-1", "size", State.FIN_WAIT_1),
    ):
        rig = Rig(where)
        numbers = rig.numbers()
        rig.stack.icmp(kind, Segment(LOCAL, REMOTE, Flags(0), numbers["SND_UNA"]), 0.0)
        assert rig.state is state


def test_a_fin_whose_text_is_acknowledged_goes_again_alone() -> None:
    rig = Rig("ESTABLISHED", nagle=False)
    rig.send("A seq=RCV.NXT ack=SND.NXT wnd=0")
    rig.call("send", socket=2, count=10)
    rig.call("shutdown", socket=2, how="WR")
    rig.send("A seq=RCV.NXT ack=SND.NXT wnd=100")
    sent = rig.take()[0]
    assert (sent.flags, sent.payload) == (Flags.FIN | Flags.PSH | Flags.ACK, octets(0, 10))
    rig.send("A seq=RCV.NXT ack=SND.NXT-1")
    again = after(rig, 1.0)
    assert [(s.flags, s.seq, s.payload) for s in again] == [(sent.flags, sent.seq + 10, b"")]
    assert rig.state is State.FIN_WAIT_1


def test_a_shrunk_window_is_taken() -> None:
    rig = Rig("ESTABLISHED")
    rig.send("A seq=RCV.NXT ack=SND.UNA wnd=1500")
    rig.call("send", socket=2, count=5000)
    assert sum(len(s.payload) for s in rig.take()) <= 1500


def test_an_older_segment_does_not_change_the_window() -> None:
    rig = Rig("ESTABLISHED")
    numbers = rig.numbers()
    rig.send("PA seq=RCV.NXT+10 ack=SND.UNA len=10", numbers)
    rig.take()
    rig.send("A seq=RCV.NXT+5 ack=SND.UNA wnd=0", numbers)
    rig.call("send", socket=2, count=10)
    assert [len(s.payload) for s in rig.take()] == [10]


def test_data_beyond_the_window_is_cut() -> None:
    rig = Rig("ESTABLISHED", rcvbuf=1000)
    numbers = rig.numbers()
    rig.send("PA seq=RCV.NXT ack=SND.NXT len=1010")
    assert [(s.ack, s.window) for s in rig.take()] == [(numbers["RCV_NXT"] + 1000, 0)]


def test_a_small_send_buffer_blocks_the_sender() -> None:
    rig = Rig("ESTABLISHED", nagle=False)
    rig.call("setsockopt", socket=2, name="SNDBUF", value=100)
    number = rig.call("send", socket=2, count=250)
    got = b""
    while rig.returned(number) is None or rig.numbers()["SND_UNA"] != rig.numbers()["SND_NXT"]:
        got += b"".join(s.payload for s in rig.take())
        rig.send("A seq=RCV.NXT ack=SND.NXT")
    got += b"".join(s.payload for s in rig.take())
    assert got == octets(0, 250)
    assert rig.returned(number) == Returned(number, 250)


def stamped(flags: Flags, seq: int, ack: int, value: int, text: bytes = b"") -> Segment:
    stamp = (Timestamps(value, 0),)
    return Segment(REMOTE, LOCAL, flags, seq, ack, 65535, options=stamp, payload=text)


def test_timestamps_are_echoed_and_old_ones_refused() -> None:
    rig = Rig("LISTEN")
    rig.stack.arrive(stamped(Flags.SYN, IRS, 0, 100), 0.0)
    rig.stack.arrive(stamped(Flags.ACK, IRS + 1, ISS + 1, 101), 0.0)
    rig.take()
    rig.stack.arrive(stamped(Flags.ACK, IRS + 1, ISS + 1, 105, b"abc"), 0.0)
    assert [(s.ack, s.option(Timestamps)) for s in rig.take()] == [
        (IRS + 4, Timestamps(1_000_000, 105))
    ]
    rig.stack.arrive(stamped(Flags.ACK, IRS + 4, ISS + 1, 104, b"old"), 0.0)
    assert [s.ack for s in rig.take()] == [IRS + 4]
    rig.send("A seq=RCV.NXT ack=SND.NXT len=3")
    assert rig.take() == []
    rig.send("R seq=RCV.NXT")
    assert rig.moves[-1] is State.CLOSED


def test_a_newer_timestamp_reopens_time_wait() -> None:
    rig = Rig("LISTEN")
    rig.stack.arrive(stamped(Flags.SYN, IRS, 0, 100), 0.0)
    rig.stack.arrive(stamped(Flags.ACK, IRS + 1, ISS + 1, 100), 0.0)
    rig.call("shutdown", socket=2, how="WR")
    rig.stack.arrive(stamped(Flags.FIN | Flags.ACK, IRS + 1, ISS + 2, 100), 0.0)
    rig.take()
    assert rig.state is State.TIME_WAIT
    rig.stack.arrive(stamped(Flags.SYN, IRS - 500, 0, 99), 0.0)
    assert [s.flags for s in rig.take()] == [Flags.ACK]
    rig.stack.arrive(stamped(Flags.SYN, IRS - 500, 0, 101), 0.0)
    assert [s.flags for s in rig.take()] == [Flags.SYN | Flags.ACK]


def test_a_listener_may_turn_active() -> None:
    rig = Rig("LISTEN")
    rig.call("send", socket=1, count=3, port=REMOTE)
    assert [s.flags for s in rig.take()] == [Flags.SYN]
    rig.send(f"SA seq={IRS} ack=ISS+1")
    assert [s.payload for s in rig.take()] == [octets(0, 3)]
    assert rig.moves == [State.SYN_SENT, State.ESTABLISHED]


def test_unknown_option() -> None:
    with pytest.raises(ValueError, match="no option"):
        Stack(Config()).set_option("colour", "red")
    with pytest.raises(ValueError, match="neither"):
        Stack(Config()).set_option("timestamps", "red")


def test_every_row_has_its_state_and_section() -> None:
    assert len({(row.state, row.input) for row in TABLE}) == len(TABLE)
    assert all(row.section.startswith("3.") and row.label for row in TABLE)
    assert {row.next for row in TABLE} == {row.state for row in TABLE} == set(State)


def test_a_missing_row_is_a_fault() -> None:
    fin = next(r for r in TABLE if (r.state, r.input) == (State.ESTABLISHED, Input.FIN))
    stack = Stack(Config(iss=ISS), without(fin))
    stack.call(1, "listen", {"port": LOCAL}, 0.0)
    stack.arrive(Segment(REMOTE, LOCAL, Flags.SYN, IRS), 0.0)
    stack.arrive(Segment(REMOTE, LOCAL, Flags.ACK, IRS + 1, ISS + 1), 0.0)
    stack.outputs()
    stack.arrive(Segment(REMOTE, LOCAL, Flags.FIN | Flags.ACK, IRS + 1, ISS + 1), 0.0)
    assert stack.outputs() == []
    assert stack.state(LOCAL, REMOTE) is State.ESTABLISHED
    with pytest.raises(ValueError, match="no such row"):
        without(fin, without(fin))


@pytest.mark.parametrize(
    ("where", "call", "args", "flags", "state"),
    [
        ("LISTEN", "connect", {"port": REMOTE}, [Flags.SYN], State.SYN_SENT),
        ("LISTEN", "close", {}, [], State.CLOSED),
        ("LISTEN", "abort", {}, [], State.CLOSED),
        ("SYN-SENT", "close", {}, [], State.CLOSED),
        ("SYN-SENT", "abort", {}, [], State.CLOSED),
        ("SYN-RECEIVED/active", "close", {}, [Flags.FIN | Flags.ACK], State.FIN_WAIT_1),
        ("SYN-RECEIVED/active", "abort", {}, [Flags.RST], State.CLOSED),
    ],
)
def test_calls_before_established(
    where: str, call: str, args: dict[str, int | str], flags: list[Flags], state: State
) -> None:
    rig = Rig(where)
    rig.call(call, socket=1, **args)
    assert [s.flags for s in rig.take()] == flags
    assert rig.state is state


def test_close_in_syn_received_waits_for_the_queue() -> None:
    rig = Rig("SYN-RECEIVED/active")
    rig.call("send", socket=1, count=5)
    rig.call("close", socket=1)
    assert (rig.take(), rig.state) == ([], State.SYN_RECEIVED)
    rig.send("A seq=RCV.NXT ack=SND.NXT")
    assert [s.payload for s in rig.take()] == [octets(0, 5)]
    assert rig.moves == [State.ESTABLISHED, State.FIN_WAIT_1]


@pytest.mark.parametrize("call", ["close", "abort"])
def test_a_connect_that_waits_ends_with_its_handle(call: str) -> None:
    stack = Stack(Config())
    stack.call(1, "socket", {}, 0.0)
    stack.call(2, "connect", {"socket": 1, "port": REMOTE}, 0.0)
    stack.outputs()
    stack.call(3, call, {"socket": 1}, 0.0)
    assert Returned(2, errno="ECANCELED") in stack.outputs()


def test_a_hard_error_in_syn_received() -> None:
    rig = Rig("SYN-RECEIVED/active")
    rig.stack.icmp("hard", Segment(LOCAL, REMOTE, Flags.SYN, ISS), 0.0)
    assert rig.state is State.CLOSED


def test_nobody_answers_in_syn_received() -> None:
    rig = Rig("SYN-RECEIVED")
    after(rig, 180.0)
    assert rig.moves == [State.CLOSED]


def test_nobody_answers_in_close_wait() -> None:
    rig = Rig("CLOSE-WAIT")
    rig.call("send", socket=2, count=5)
    after(rig, 100.0)
    assert rig.moves == [State.CLOSED]


def test_keepalive_in_fin_wait_2() -> None:
    rig = Rig("FIN-WAIT-2")
    for name, value in (("KEEPIDLE", 10), ("KEEPINTVL", 10), ("KEEPCNT", 2), ("KEEPALIVE", 1)):
        rig.call("setsockopt", socket=2, name=name, value=value)
    assert len(after(rig, 29.0)) == 2
    after(rig, 1.0)
    assert rig.moves == [State.CLOSED]


def test_what_is_corked_waits_for_as_long_as_it_takes() -> None:
    rig = Rig("ESTABLISHED")
    rig.call("setsockopt", socket=2, name="CORK", value=1)
    rig.call("send", socket=2, count=100)
    rig.now = 60.0
    rig.stack.advance(rig.now)
    assert rig.take() == []
    rig.call("setsockopt", socket=2, name="CORK", value=0)
    assert [len(segment.payload) for segment in rig.take()] == [100]


def test_who_listens_may_listen_again_and_who_is_connected_may_not() -> None:
    rig = Rig("ESTABLISHED")
    again = rig.returned(rig.call("listen", socket=1, backlog=1))
    assert again is not None
    assert (again.value, again.errno) == (1, "")
    refused = rig.returned(rig.call("listen", socket=2))
    assert refused is not None
    assert refused.errno == "EINVAL"


def test_a_call_ends_at_once_what_waits_for_it() -> None:
    rig = Rig("ESTABLISHED")
    waits = rig.call("recv", socket=2, count=1)
    assert rig.returned(waits) is None
    rig.call("shutdown", socket=2, how="RD")
    returned = rig.returned(waits)
    assert returned is not None
    assert (returned.value, returned.errno) == (0, "")


@pytest.mark.parametrize(
    ("beyond", "newer", "accepted"),
    [(0, 1, True), (1, 0, True), (0, 0, False), (1, -1, False), (0, -1, False)],
)
def test_a_new_syn_in_time_wait_goes_by_its_timestamp_first(
    beyond: int, newer: int, accepted: bool
) -> None:
    """RFC 6191 section 2: the number counts only where the timestamp is the same."""
    rig = Rig("TIME-WAIT")
    tcb = rig.stack.tcb(LOCAL, REMOTE)
    assert tcb is not None
    tcb.ts_ok, tcb.ts_recent = True, 1000
    options = (Timestamps(1000 + newer, 0),)
    syn = Segment(REMOTE, LOCAL, Flags.SYN, tcb.rcv_nxt + beyond, options=options)
    rig.stack.arrive(syn, rig.now)
    assert (rig.state is State.SYN_RECEIVED) is accepted

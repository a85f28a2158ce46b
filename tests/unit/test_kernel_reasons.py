"""What the kernel traces beside states: lines of real kernels, and whose drop is whose."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from conformance.live.kernel.reasons import MARK, Sends, TracedAside, _moved, marked, parse
from conformance.live.kernel.trace import Trace
from conformance.live.workers import trace_keeper
from conformance.play.asides import Dropped, ResetSent, Retransmitted

OURS = frozenset({b"192.0.2.1", b"2001:db8::1"})
HEAD = "     conformance-4525    [001] ..s1. 1796010693.250000: "
AT = 1796010656.25  # by our clock: TAI is 37 s ahead


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (  # Linux 6.18
            "kfree_skb: skbaddr=0000000023f32c51 rx_sk=0000000000000000 protocol=2048 "
            "location=tcp_validate_incoming+0x36f/0x510 reason: TCP_INVALID_SEQUENCE",
            TracedAside(Dropped(AT, 0.0, "TCP_INVALID_SEQUENCE", "tcp_validate_incoming"), 0, 4525),
        ),
        (  # Linux 6.1
            "kfree_skb: skbaddr=0000000023f32c51 protocol=34525 location=00000000c3a1f0b2 "
            "reason: NO_SOCKET",
            TracedAside(Dropped(AT, 0.0, "NO_SOCKET"), 0, 4525),
        ),
        (
            "tcp_send_reset: skbaddr=0000000000000000 skaddr=000000009024bc70 "
            "src=192.0.2.2:4000 dest=192.0.2.1:7936 state=TCP_CLOSE reason=TCP_STATE",
            TracedAside(ResetSent(AT, 7936, "TCP_STATE"), 7936),
        ),
        (  # without a socket: as the segment came
            "tcp_send_reset: skbaddr=00000000a1 skaddr=0000000000000000 "
            "src=[2001:db8::1]:9024 dest=[2001:db8::2]:4000 state=UNKNOWN reason=NO_SOCKET",
            TracedAside(ResetSent(AT, 9024, "NO_SOCKET"), 9024),
        ),
        (
            "tcp_send_reset: skbaddr=00000000a1 skaddr=00000000a2 family=AF_INET sport=4000 "
            "dport=7936 saddr=192.0.2.2 daddr=192.0.2.1 saddrv6=::ffff:192.0.2.2 "
            "daddrv6=::ffff:192.0.2.1 state=TCP_ESTABLISHED",
            TracedAside(ResetSent(AT, 7936), 7936),
        ),
        (
            "tcp_retransmit_skb: skbaddr=00000000d6 skaddr=00000000c6 family=AF_INET6 sport=4000 "
            "dport=51520 saddr=127.0.0.6 daddr=127.0.0.6 saddrv6=2001:db8::2 daddrv6=2001:db8::1 "
            "state=TCP_LAST_ACK err=-113",
            TracedAside(Retransmitted(AT, 51520), 51520),
        ),
        (  # another run's
            "tcp_retransmit_skb: skbaddr=00000000d6 skaddr=00000000c6 family=AF_INET sport=4000 "
            "dport=51520 saddr=192.0.2.2 daddr=192.0.2.9 saddrv6=::ffff:192.0.2.2 "
            "daddrv6=::ffff:192.0.2.9 state=TCP_LAST_ACK",
            None,
        ),
        ("tcp_probe: family=AF_INET src=192.0.2.2:4000 dest=192.0.2.1:7936 mark=0x0", None),
        ("kfree_skb: who knows", None),
    ],
)
def test_a_line(line: str, told: TracedAside | None) -> None:
    assert parse((HEAD + line).encode(), 37.0, OURS) == told


def test_a_mark_says_which_thread_we_are() -> None:
    assert marked((HEAD + f"tracing_mark_write: {MARK}").encode()) == 4525
    assert marked((HEAD + "tracing_mark_write: something else").encode()) is None
    assert marked(b"CPU:1 [LOST 7 EVENTS]") is None


def drop(at: float, thread: int = 7) -> TracedAside:
    return TracedAside(Dropped(at, 0.0, "TCP_OLD_DATA"), 0, thread)


def test_a_drop_is_that_of_the_segment_that_was_being_sent_by_us() -> None:
    sends = Sends()
    sends.thread = 7
    sends.note(1.0, 1.001, 1024, 1.0005)
    sends.note(1.002, 1.003, 1088, 1.0025)
    assert sends.claim(drop(1.0007)) == (1024, Dropped(1.0007, 1.0005, "TCP_OLD_DATA"))
    assert sends.claim(drop(1.003)) == (1088, Dropped(1.003, 1.0025, "TCP_OLD_DATA"))
    assert sends.claim(drop(1.0015)) is None  # between them
    assert sends.claim(drop(0.9)) is None  # before them
    assert sends.claim(drop(1.1)) is None  # after them
    assert len(sends) == 2
    assert sends.claim(drop(1.0007, thread=8)) is None  # somebody else's
    sends.forget()
    assert sends.claim(drop(1.0007)) is None


def test_counters_that_moved() -> None:
    text = (
        "Ip: Forwarding InReceives\nIp: 2 7\n"
        "Tcp: RtoAlgorithm MaxConn ActiveOpens CurrEstab InSegs\nTcp: 1 -1 0 1 5\n"
        "TcpExt: SyncookiesSent TCPChallengeACK\nTcpExt: 0 2\n"
    )
    assert _moved(text) == {"InSegs": "5", "TCPChallengeACK": "2"}


def test_the_filter_leaves_out_what_this_kernel_calls_noise(tmp_path: Path) -> None:
    file = tmp_path / "format"
    file.write_text('__print_symbolic(REC->reason, { 2, "NOT_SPECIFIED" }, { 56, "IPV6DISABLED" })')
    assert trace_keeper._filter(str(file)) == (
        "(protocol == 2048 || protocol == 34525) && reason != 2 && reason != 56"
    )


def test_lines_wait_until_somebody_asks_what_they_say() -> None:
    pipe, end = os.pipe()
    os.set_blocking(pipe, False)
    trace = Trace(pipe, ("192.0.2.1", "2001:db8::1"))
    try:
        drop = "kfree_skb: skbaddr=0 protocol=2048 location=tcp_rcv+0x1/0x2 reason: TCP_OLD_DATA"
        os.write(end, f"{HEAD}{drop}\n{HEAD}tracing_mark_write: {MARK}\n".encode())
        assert trace.read() == []
        assert (trace.beside, trace.thread) == (2, 0)
        assert [one.aside.why for one in trace.told() if isinstance(one.aside, Dropped)] == [
            "TCP_OLD_DATA"
        ]
        assert (trace.beside, trace.thread) == (0, 4525)
        assert trace.told() == []
    finally:
        trace.close()
        os.close(end)

"""Records and cases with what is rare in them: every verb, crafted headers, two connections."""

from __future__ import annotations

from dataclasses import replace

from report_samples import CASE, DEVIATION, FRAME, STARTED, entry, record, step

from conformance.case.model import Case
from conformance.case.step import Branch
from conformance.case.verbs.icmp import IcmpText
from conformance.notation.segment import parse_segment
from conformance.play import events
from conformance.play.record import Record, What
from conformance.tcp.flags import Flags
from conformance.tcp.segment import WRONG_CHECKSUM, Segment


def odd() -> Record:
    """What is rare: crafted headers, ICMP, options, long texts, two connections, a split state."""
    send = step(6, "send: SYN seq=0")
    silence = step(7, "silence: 500ms")
    setting = step(8, "set: nodelay", value={"nodelay": "on"})
    icmp = step(9, "icmp: {error: port-unreachable, quotes: syn}", value=IcmpText("syn"))
    bad = Segment(1, 2, Flags.SYN, 5, checksum=WRONG_CHECKSUM, reserved=3, offset=6)
    hostile = Segment(2, 1, Flags.ACK, 5, checksum=0x1234, trouble=("its IP length is wrong",))
    long = "SYN,ACK seq=0 ack=1 <mss 1460, sackOK, TS 4294967295/4294967295, wscale 14, kind 254 0x"
    entries = [
        entry(0.0001, What.SENT, "SYN seq=0", send, segment=bad, conn="a"),
        entry(0.5, What.NOTE, "silence for 500ms", silence, conn="a"),
        entry(0.6, What.SENT, "SYN seq=0", send, conn="b", lost=True),
        entry(0.6001, What.STATE, "LISTEN", send, conn="a"),
        entry(0.7, What.NOTE, "set nodelay = on", setting, conn="b"),
        entry(0.7, What.ICMP, "port-unreachable quotes syn", icmp, conn="b", frame=FRAME),
        entry(0.9996, What.RECEIVED, long + "ab" * 20 + ">", send, conn="b"),
        entry(3600.5, What.RECEIVED, "ACK seq=1 ack=1", send, segment=hostile, unforeseen=True),
        entry(3600.5, What.NOTE, "permitted by RFC 5961 section 3.2", send, conn="a"),
        entry(3600.6, What.SENT, "ACK seq=1 ack=1 data=0x" + "ab" * 60, send, conn="a"),
    ]
    return record(entries, None)


def states() -> Record:
    """Where a state stands: beside what caused it, or by itself."""
    connect, accept = step(6, "spawn: connect()"), step(7, "call: accept(l) = c")
    close, recv = step(8, "call: close(c)"), step(8, "call: recv(c, 5) = 5")
    send = step(9, "send: SYN seq=0")
    entries = [
        entry(0.1, What.CALL, "connect() begins", connect),
        entry(0.1, What.STATE, "SYN-SENT", connect),
        entry(0.2, What.SENT, "SYN seq=0", send, conn="b"),
        entry(0.2005, What.STATE, "ESTABLISHED", send),  # of the other connection
        entry(0.3, What.SENT, "SYN seq=0", send),
        entry(0.3015, What.STATE, "SYN-RECEIVED", send),  # just beside
        entry(0.3021, What.STATE, "ESTABLISHED", send),  # the row has one already
        entry(0.4, What.SENT, "SYN seq=0", send),
        entry(0.4031, What.STATE, "CLOSE-WAIT", send),  # too late to be of that row
        entry(0.5, What.STATE, "CLOSED", accept),  # accept() changes no state
        entry(0.5, What.CALL, "accept(l) = 7", accept),
        entry(0.6, What.STATE, "FIN-WAIT-1", close, conn="b"),  # close(c) is of the first
        entry(0.65, What.CALL, "close(c) = 0", close),
        entry(0.7, What.SENT, "FIN,ACK seq=1 ack=1", send),
        entry(0.7001, What.STATE, "FIN-WAIT-1", close),  # both during the second close(c)
        entry(0.7002, What.STATE, "FIN-WAIT-2", close),
        entry(0.7009, What.CALL, "close(c) = 0", close),
        entry(0.8, What.CALL, "recv(c, 5) = ECONNRESET", recv),
        entry(0.9, What.CALL, "close(c) = 0", close),
    ]
    calls = [(0.65, 0.599), (0.7009, 0.7), (0.8, 0.795), (0.9, 0.8), (0.9, 0.889)]
    told = record(entries, None)
    told.events = [
        (at, events.CallReturned(STARTED + at, number, STARTED + began))
        for number, (at, began) in enumerate(calls)
    ]
    return told


def states_plan() -> Case:
    """Where a state stands in a plan, and what is not a deviation of this step."""
    steps = (
        step(6, "send: SYN seq=0", label="syn"),
        step(6, "state: SYN-RECEIVED"),
        step(6, "state: LISTEN"),
        step(7, "expect: ACK seq=1", label="again"),
        step(7, "state: ESTABLISHED", conn="b"),
        step(8, "call: close(c)"),
        step(8, "state: FIN-WAIT-1", label="gone"),
        step(9, "wait: 1s"),
        step(9, "state: CLOSED"),
        step(9, "collect: 1", ack="none"),
        step(9, "send: ACK seq=9", conn="b"),
        step(9, "state: CLOSED", conn="b"),
    )
    about = "word " * 30
    verifies = (*(f"rfc9293/T-3.6-{'long' * 4}-{n}" for n in range(5)), "x" * 95)
    empty = replace(DEVIATION, step="")
    return replace(CASE, steps=steps, given=(), about=about, verifies=verifies,
                   deviations=(DEVIATION, empty))  # fmt: skip


def unusual_plan() -> Case:
    """Every verb and sibling that the other case has not."""
    quiet = Branch((step(13, "silence: 1s", of="RST"),), "RFC 1337")
    answer = Branch(
        (step(14, "expect: RST seq=SND.NXT", within="10ms..1s", label="reset"),), "RFC 9293 3.10.7"
    )
    steps = (
        step(6, "spawn: connect()"),
        step(7, "expect: SYN seq=0 <mss *, ...>", label="syn", within="1RTO"),
        step(8, "drop: SYN seq=0", backoff="1.7..2.3", within="900ms..4RTO"),
        step(9, "send: ACK seq=1", value=parse_segment("ACK seq=1"), after="200ms", conn="b"),
        step(9, "drop: ACK seq=9 ack=1", sender="tester"),
        step(10, "allow: ACK seq=1 len=10"),
        step(10, "join: connect() = c", within="1s"),
        step(11, "icmp: {error: port-unreachable, quotes: syn}", value=IcmpText("syn")),
        step(11, "set: {nodelay: on}", value={"nodelay": "on", "mss": "536"}),
        step(12, "either: ...", value=(quiet, answer)),
        step(15, "collect: 5840", ack="last", conn="b"),
        step(16, "state: TIME-WAIT", within="1s", lasting="2MSL", via="FIN-WAIT-1 CLOSING"),
    )
    two = replace(DEVIATION, step="syn", through="reset", target="freebsd")
    return replace(CASE, steps=steps, deviations=(two,), unwatched=frozenset({"mss"}))

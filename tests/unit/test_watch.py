"""Each rule of the watch: a segment that keeps it, and one that breaks it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hand import ISS, Hand, write_case

from conformance.play import events
from conformance.play.watch import RULE_NAMES, RULES, Rule
from conformance.requirements import catalogue
from conformance.tcp.addresses import SECOND
from conformance.tcp.ip import IpFields
from conformance.tcp.options import Ao, Eol, Malformed, Md5, Nop, Unknown
from conformance.tcp.seq import wrap
from conformance.tcp.states import State


@dataclass(frozen=True)
class Row:
    """``rule``, what comes of the target, and the breach in words, empty when there is none.
    What comes is a segment or the name of a state.

    ``steps`` come after the handshake that ``open`` names; ``changed`` replaces fields of the last
    segment that no notation can write.
    """

    rule: str
    breach: str
    comes: list[str]
    steps: str = "- silence: 1s"
    open: str = "plain"
    changed: dict[str, Any] = field(default_factory=dict)
    ip: int = 4


ONE = ["ACK seq=1 ack=1"]
TEXT = "ACK seq=1 ack=1 len={}"
DIGEST = f"<md5 0x{bytes(16).hex()}>"
SIGNED = [f"SYN,ACK seq=0 ack=1 {DIGEST}", f"ACK seq=1 ack=1 {DIGEST}"]
STAMPED = """\
- send:   SYN seq=0 <TS 100/0>
- expect: SYN,ACK seq=0 ack=1 <...>
- send:   ACK seq=1 ack=1 <TS 101/7>
"""
REOPENED = """\
- expect: FIN,ACK seq=1 ack=1 <...>
- send:   FIN,ACK seq=1 ack=2
- wait:   1s
- send:   SYN seq=1000
- silence: 1s"""


def ts(*comes: str) -> list[str]:
    return ["SYN,ACK seq=0 ack=1 <TS 7/100>", *comes]


ROWS = [
    Row("checksum", "", ONE),
    Row("checksum", "its checksum 0xbeef is wrong", ONE, changed={"checksum": 0xBEEF}),
    Row("checksum", "its checksum 0x0000 is wrong", ONE, changed={"checksum": 0}),
    Row("header", "", ONE),
    Row("header", "the data offset is 3; so is that", ONE,
        changed={"trouble": ("the data offset is 3", "so is that")}),
    Row("source", "", ONE, changed={"ip": IpFields(ttl=64)}),
    Row("source", "it came from another port", ONE, changed={"sport": 0}),
    Row("source", "it came from another address", ONE,
        changed={"ip": IpFields(sender=SECOND)}),
    Row("reserved", "", ONE),
    Row("reserved", "its reserved bits are 0x4, not zero", ONE, changed={"reserved": 4}),
    Row("reserved", "it has AE, a reserved bit where no SYN asked for AccECN",
        ["ACK,AE seq=1 ack=1"]),
    Row("reserved", "it has AE, a reserved bit where no SYN asked for AccECN",
        ["SYN,AE seq=0"], open="none"),
    Row("reserved", "", ["ACK,AE seq=1 ack=1"], open="asked"),
    Row("reserved", "", ["SYN,AE,CWR,ECE seq=0"], open="none"),
    Row("reserved", "its reserved bits are 0x1, not zero", ["ACK,AE seq=1 ack=1"], open="asked",
        changed={"reserved": 1}),
    Row("options", "", ONE, changed={"options": (Unknown(254, b"\1\2"), Nop())}),
    Row("options", "its options end in an impossible one: 0x0800", ONE,
        changed={"options": (Nop(), Malformed(b"\x08\0"))}),
    Row("options", "its option 8 has the wrong length, 4", ONE,
        changed={"options": (Unknown(8, b"\0\0"),)}),
    Row("padding", "", ONE, changed={"options": (Eol(b"\0\0\0"),)}),
    Row("padding", "0x000100 follows its End-of-List", ONE,
        changed={"options": (Eol(b"\0\1\0"),)}),
    Row("signature", "", SIGNED),
    Row("signature", "it has more than one of the MD5 option and TCP-AO", SIGNED,
        changed={"options": (Md5(bytes(16)), Ao(1, 1, bytes(12)))}),
    Row("signed", "", SIGNED),
    Row("signed", "", [SIGNED[0], "RST seq=1"]),
    Row("signed", "it is not signed, and its SYN was", [SIGNED[0], *ONE]),
    Row("mss-on-syn", "", ["SYN,ACK seq=0 ack=1 <mss 1460>"]),
    Row("mss-on-syn", "it carries an MSS option without SYN", ["ACK seq=1 ack=1 <mss 1460>"]),
    Row("scale-on-syn", "", ["SYN,ACK seq=0 ack=1 <wscale 7>"]),
    Row("scale-on-syn", "it carries a window scale option without SYN",
        ["ACK seq=1 ack=1 <wscale 7>"]),
    Row("sack-on-syn", "", ["SYN,ACK seq=0 ack=1 <sackOK>"]),
    Row("sack-on-syn", "it carries SACK-permitted without SYN", ["ACK seq=1 ack=1 <sackOK>"]),
    Row("window-edge", "", ["SYN,ACK seq=0 ack=1 win=90", "ACK seq=1 ack=11 win=80"],
        "- send: ACK len=10\n- silence: 1s"),
    Row("window-edge", "the right edge of its window went back from 91 to 90",
        ["SYN,ACK seq=0 ack=1 win=90", "ACK seq=1 ack=11 win=79"],
        "- send: ACK len=10\n- silence: 1s"),
    Row("window-edge", "the right edge of its window went back from 91 to 1",  # and is told once
        ["SYN,ACK seq=0 ack=1 win=90", "ACK seq=1 ack=1 win=0", "ACK seq=1 ack=1 win=0"]),
    Row("window-edge", "", ["SYN,ACK seq=0 ack=1 win=90", "RST seq=1 win=0"]),
    Row("window-edge", "", ["SYN,ACK seq=0 ack=1 win=90", "ACK seq=1 ack=2 win=10"],
        "- send: FIN,ACK\n- silence: 1s"),  # nothing more can come
    Row("window-edge", "", ["SYN,ACK seq=0 ack=1 win=90 <wscale 4>", "ACK seq=1 ack=1 win=5"],
        open="scaled"),  # 80 is 90, rounded
    Row("window-edge", "the right edge of its window went back from 91 to 65",
        ["SYN,ACK seq=0 ack=1 win=90 <wscale 4>", "ACK seq=1 ack=1 win=4"], open="scaled"),
    Row("isn", "", ["FIN,ACK seq=1 ack=1", "TIME-WAIT", "SYN,ACK seq=2 ack=1001"], REOPENED),
    Row("isn", "", ["FIN,ACK seq=1 ack=1", "CLOSED", "SYN,ACK seq=1 ack=1001"], REOPENED),
    Row("isn", "", ["FIN,ACK seq=1 ack=1", "TIME-WAIT", "ACK seq=2 ack=2"], REOPENED),
    Row("isn", "", ts("FIN,ACK seq=1 ack=1 <TS 8/101>", "TIME-WAIT",
                      "SYN,ACK seq=1 ack=1001 <TS 9/102>"),
        REOPENED.replace("1000", "1000 <TS 102/0>"), "stamped"),  # told by its timestamps
    Row("isn", "it opens a connection out of TIME-WAIT, and its ISN is not above what was sent "
        "there", ["FIN,ACK seq=1 ack=1", "TIME-WAIT", "SYN,ACK seq=1 ack=1001"], REOPENED),
    Row("isn-again", "", ["FIN,ACK seq=1 ack=1", "CLOSED", "SYN,ACK seq=1 ack=1001"], REOPENED),
    Row("isn-again", "its ISN is that of the open 2 s before it",
        ["FIN,ACK seq=1 ack=1", "CLOSED", "SYN,ACK seq=0 ack=1001"], REOPENED),
    Row("ack-set", "", ["RST seq=1"]),
    Row("ack-set", "", ["SYN seq=0"], open="none"),
    Row("ack-set", "it has no ACK, and is neither SYN nor RST", ["PSH seq=1 len=1"]),
    Row("ack-set", "it has no ACK, and is neither SYN nor RST", ["FIN seq=1"]),
    Row("ack-unsent", "", ["ACK seq=1 ack=11"], "- send: ACK len=10\n- silence: 1s"),
    Row("ack-unsent", "", ["ACK seq=1 ack=0"]),
    Row("ack-unsent", "", ["RST seq=1"]),
    Row("ack-unsent", "it acknowledges 12, and nothing beyond 11 was sent", ["ACK seq=1 ack=12"],
        "- send: ACK len=10\n- silence: 1s"),
    Row("ack-unsent", "it acknowledges 2, and nothing beyond 1 was sent", ["RST,ACK seq=1 ack=2"]),
    Row("ack-unsent", "it acknowledges 11, and nothing beyond 1 was sent", ["ACK seq=1 ack=11"],
        "- drop: ACK len=10\n  from: tester\n- silence: 1s"),
    # The window of 5 was offered with ACK 1: octets 1 to 5.
    Row("window", "", [TEXT.format(5)], "- send: ACK seq=1 ack=1 win=5\n- silence: 1s", "narrow"),
    Row("window", "", ["FIN,ACK seq=1 ack=1 len=5"], open="narrow"),
    Row("window", "", ["ACK seq=6 ack=1 len=1"], open="narrow"),  # a probe of one octet
    Row("window", "", ["ACK seq=6 ack=1"], open="narrow"),
    Row("window", "", ["RST seq=99"], open="narrow"),
    Row("window", "", [TEXT.format(8)], "- send: ACK seq=1 ack=1 win=9\n- send: ACK win=2\n"
        "- silence: 1s", "narrow"),  # a shrunk window is no reproach for what was offered
    Row("window", "its text ends at 7, and the window offered ends at 6", [TEXT.format(6)],
        open="narrow"),
    Row("window", "its text ends at 8, and the window offered ends at 6",
        ["ACK seq=7 ack=1 len=1"], open="narrow"),
    Row("mss", "", [TEXT.format(536)]),
    Row("mss", "it has 537 octets of text and 0 of options, and the MSS is 536",
        [TEXT.format(537)]),
    Row("mss", "", [TEXT.format(1220)], ip=6),
    Row("mss", "it has 1221 octets of text and 0 of options, and the MSS is 1220",
        [TEXT.format(1221)], ip=6),
    Row("mss", "it has 1216 octets of text and 8 of options, and the MSS is 1220",
        [TEXT.format(1216)], changed={"options": (Unknown(254, b"123456"),)}, ip=6),
    Row("mss", "", [TEXT.format(700)], open="mss 700"),
    Row("mss", "it has 701 octets of text and 0 of options, and the MSS is 700",
        [TEXT.format(701)], open="mss 700"),
    Row("mss", "it has 696 octets of text and 8 of options, and the MSS is 700",
        [TEXT.format(696)], open="mss 700", changed={"options": (Unknown(254, b"123456"),)}),
    # A shift above 14 is 14 (RFC 7323 section 2.3).
    Row("window", "", ["SYN,ACK seq=0 ack=1 <wscale 0>", "ACK seq=16384 ack=1 len=1"],
        open="scaled by 15"),
    Row("window", "its text ends at 16386, and the window offered ends at 16385",
        ["SYN,ACK seq=0 ack=1 <wscale 0>", "ACK seq=16384 ack=1 len=2"], open="scaled by 15"),
    Row("payload", "", [TEXT.format(3)]),
    Row("payload", "", [TEXT.format(3), TEXT.format(2)]),  # a retransmission repeats
    Row("payload", "octet 2 of the stream is 0xff, and was written as 0x01", [TEXT.format(3)],
        changed={"payload": b"\0\xff\2"}),
    Row("payload", "octet 1 of the stream is 0x01, and was written as 0x00",
        [TEXT.format(3), TEXT.format(3)], changed={"payload": b"\1\1\2"}),
    Row("payload", "its text begins before the stream, at 0", ["ACK seq=0 ack=1 len=2"]),
    # A keep-alive may carry one garbage octet (MAY-6): before all that was sent, if it was taken.
    Row("payload", "", ["ACK seq=0 ack=1 len=1"], changed={"payload": b"\xff"}),
    Row("payload", "", [TEXT.format(3), "ACK seq=3 ack=1 len=1"],
        "- expect: ACK len=3\n- send: ACK\n- silence: 1s", changed={"payload": b"\xff"}),
    Row("payload", "octet 3 of the stream is 0xff, and was written as 0x02",
        [TEXT.format(3), "ACK seq=3 ack=1 len=1"], changed={"payload": b"\xff"}),
    Row("payload", "octet 2 of the stream is 0xff, and was written as 0x01",
        [TEXT.format(3), "ACK seq=2 ack=1 len=1"],
        "- expect: ACK len=3\n- send: ACK\n- silence: 1s",
        changed={"payload": b"\xff"}),
    Row("payload", "", ["RST seq=1 len=4"], changed={"payload": b"why?"}),
    Row("after-fin", "", ["FIN,ACK seq=1 ack=1 len=2", "FIN,ACK seq=3 ack=1",
                          "ACK seq=4 ack=1", "ACK seq=1 ack=1 len=1"]),
    Row("after-fin", "it ends at 5, after its FIN at 3",
        ["FIN,ACK seq=1 ack=1 len=2", "ACK seq=4 ack=1 len=1"]),
    Row("after-fin", "its FIN is at 2, and was at 3 before",
        ["FIN,ACK seq=1 ack=1 len=2", "FIN,ACK seq=2 ack=1"]),
    Row("ts-echo", "", ts("ACK seq=1 ack=1 <TS 8/101>", "ACK seq=1 ack=1 <TS 8/101>"),
        open="stamped"),
    Row("ts-echo", "", ts("RST seq=1"), open="stamped"),
    Row("ts-echo", "", ["ACK seq=1 ack=1 <TS 8/9>"]),  # not in force: what it says is no matter
    Row("ts-echo", "it has no timestamps, and both SYNs had them", ts("ACK seq=1 ack=1"),
        open="stamped"),
    Row("ts-echo", "its TSecr 99 echoes no TSval that was sent", ts("ACK seq=1 ack=1 <TS 8/99>"),
        open="stamped"),
    Row("ts-echo", "its TSecr 99 echoes no TSval that was sent",
        ["SYN,ACK seq=0 ack=1 <TS 7/99>"], open="stamped"),
    Row("ts-echo", "its TSecr 100 is older than 101, echoed before",
        ts("ACK seq=1 ack=1 <TS 8/101>", "ACK seq=1 ack=1 <TS 8/100>"), open="stamped"),
    # Sent beyond a gap: it never becomes TS.Recent (RFC 7323 section 4.3).
    Row("ts-echo", "its TSecr 500 echoes a segment beyond a gap",
        ts("ACK seq=1 ack=1 <TS 8/500>"), "- send: ACK seq=9 <TS 500/7>\n- silence: 1s",
        "stamped"),
    # The gap was closed: whoever looks at the queued segment now finds it in order.
    Row("ts-echo", "", ts("ACK seq=1 ack=9 <TS 8/500>"),
        "- send: ACK seq=9 <TS 500/7>\n- send: ACK seq=1 len=8 <TS 501/7>\n- silence: 1s",
        "stamped"),
    # Half the clock in two strides; each is later than the one before.
    Row("ts-echo", "", ts("ACK seq=1 ack=1 <TS 8/101>", "ACK seq=1 ack=1 <TS 8/4000000000>"),
        "- send: ACK <TS 2000000000/7>\n- send: ACK <TS 4000000000/7>\n- silence: 1s", "stamped"),
    Row("ts-echo", "its TSecr 101 is older than 4000000000, echoed before",
        ts("ACK seq=1 ack=1 <TS 8/4000000000>", "ACK seq=1 ack=1 <TS 8/101>"),
        "- send: ACK <TS 2000000000/7>\n- send: ACK <TS 4000000000/7>\n- silence: 1s", "stamped"),
    Row("ts-value", "", ts("ACK seq=1 ack=1 <TS 7/101>", "ACK seq=1 ack=1 <TS 9/101>"),
        open="stamped"),
    Row("ts-value", "its TSval 6 runs back from 7", ts("ACK seq=1 ack=1 <TS 6/101>"),
        open="stamped"),
    Row("ts-value", "", ["ACK seq=1 ack=1 <TS 4294967295/0>", "ACK seq=1 ack=1 <TS 3/0>"]),
]  # fmt: skip

HEADS = {
    "plain": "- send: SYN seq=0\n- expect: SYN,ACK seq=0 ack=1\n- send: ACK seq=1 ack=1\n",
    "narrow": "- send: SYN seq=0 win=5\n- expect: SYN,ACK seq=0 ack=1\n"
    "- send: ACK seq=1 ack=1 win=5\n",
    "scaled by 15": "- send: SYN seq=0 win=5 <wscale 15>\n"
    "- expect: SYN,ACK seq=0 ack=1 <wscale 0>\n"
    "- send: ACK seq=1 ack=1 win=1\n",
    "mss 700": "- send: SYN seq=0 <mss 700>\n- expect: SYN,ACK seq=0 ack=1\n- send: ACK ack=1\n",
    "stamped": STAMPED,
    "scaled": "- send: SYN seq=0 <wscale 1>\n- expect: SYN,ACK seq=0 ack=1 <...>\n"
    "- send: ACK ack=1\n",
    "asked": "- send: SYN,AE,CWR,ECE seq=0\n- expect: SYN,ACK seq=0 ack=1\n- send: ACK ack=1\n",
    "none": "",
}


def play(root: Path, row: Row, unwatched: str = "") -> Hand:
    """Everything is allowed: only the watch can fail it."""
    allow = "".join(
        f"- allow: {flags} seq=* len=*\n"
        for flags in ("ACK", "ACK", "ACK", "FIN,ACK", "FIN,ACK", "RST", "RST,ACK", "PSH", "FIN",
                      "SYN", "SYN,ACK", "ACK,AE", "SYN,AE,CWR,ECE")
    )  # fmt: skip
    head = f"unwatched: [{unwatched}]\n" if unwatched else ""
    case = write_case(root, HEADS[row.open] + allow + row.steps, head=head, given="")
    hand = Hand(case, ip=row.ip)
    hand.talk.conn("a")
    if row.open != "none" and not row.comes[0].startswith("SYN"):
        hand.come("SYN,ACK seq=0 ack=1")
    for text in row.comes[:-1]:
        if text in list(State):
            ports = hand.talk.connections["a"].target_port, hand.talk.connections["a"].tester_port
            hand.feed(events.StateReported(hand.now, *ports, State(text)))
        else:
            hand.come(text)
    if "wait:" in row.steps:
        hand.pass_time(1.5)
    hand.feed(events.Arrived(hand.now, hand.segment(row.comes[-1], **row.changed)))
    return hand


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.rule}: {row.breach or 'kept'}")
def test_the_rule(tmp_path: Path, row: Row) -> None:
    hand = play(tmp_path, row)
    if not row.breach:
        hand.passes()
        return
    rule = next(rule for rule in RULES if rule.name == row.rule)
    if rule.advice:
        hand.passes()
        assert hand.finish().reason == f"{row.breach} ({rule.requirement})"
        notes = [entry for entry in hand.talk.record.entries if row.breach in entry.text]
        assert len(notes) == 1
        return
    failure = hand.fails(f"no TCP may send this: {row.breach}")
    assert failure.requirement == rule.requirement
    assert failure.expected == (rule.doc,)


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row.breach], ids=lambda row: f"{row.rule}: {row.breach}"
)
def test_an_unwatched_rule_is_not_looked_at(tmp_path: Path, row: Row) -> None:
    """And no other rule stands in for it, but where a segment breaks two."""
    hand = play(tmp_path, row, row.rule)
    verdict = hand.finish()
    assert verdict.failure is None or not verdict.failure.message.endswith(row.breach)
    assert row.breach not in verdict.reason


def test_every_rule_is_kept_and_broken_here() -> None:
    assert {row.rule for row in ROWS if row.breach} == RULE_NAMES
    assert {row.rule for row in ROWS if not row.breach} == RULE_NAMES


def test_rules_have_names_of_their_own() -> None:
    assert len(RULE_NAMES) == len(RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_stands_for_a_requirement_that_exists(rule: Rule) -> None:
    assert catalogue.problem(rule.requirement) is None


@pytest.mark.parametrize(
    ("days", "stamps", "message"),
    [
        (24, "8/101", ""),
        (25, "2160000006/2160000101", ""),  # a tick a millisecond: half the clock and more
        (25, "7/101", ""),  # nobody can tell that it runs back
        (25, "6/101", ""),
        (24, "6/101", "its TSval 6 runs back from 7"),
    ],
)
def test_clocks_after_weeks(tmp_path: Path, days: int, stamps: str, message: str) -> None:
    steps = f"""
- expect: ACK
- wait:   {days * 24}h
- send:   ACK <TS {101 + days * 86_400_000 % (1 << 32)}/7>
- expect: ACK
"""
    hand = Hand(write_case(tmp_path, STAMPED + steps, given=""))
    hand.come("SYN,ACK seq=0 ack=1 <TS 7/100>")
    hand.come("ACK seq=1 ack=1 <TS 7/101>")
    hand.pass_time(days * 86400.0)
    hand.come(f"ACK seq=1 ack=1 <TS {stamps}>")
    if message:
        hand.fails(f"no TCP may send this: {message}")
    else:
        hand.passes()


def test_an_old_incarnation_is_not_held_against_the_new_one(tmp_path: Path) -> None:
    """After its FIN a target may send text again, once there is a new connection."""
    steps = """
- send:   FIN,ACK
- expect: FIN,ACK ack=2
- send:   ACK
- state:  TIME-WAIT
- send:   SYN seq=0
- expect: SYN,ACK seq=0 ack=1
- send:   ACK
- expect: ACK len=9
"""
    hand = Hand(write_case(tmp_path, steps)).open()
    hand.come("FIN,ACK seq=1 ack=2")
    hand.iss["a"] = wrap(ISS + 77)
    ack = wrap(hand.sent[-1].seq + 1)
    hand.feed(events.Arrived(hand.now, hand.segment("SYN,ACK seq=0", ack=ack)))
    hand.come("ACK seq=1 ack=1 len=9")
    hand.passes()

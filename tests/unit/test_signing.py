"""Digests by examples of others, and a conversation whose segments are signed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hand import Hand, write_case
from scapy.utils import checksum

from conformance.case.faults import CaseFaults
from conformance.play import events
from conformance.tcp import options as tcp
from conformance.tcp.addresses import ENDS
from conformance.tcp.authentication import Ends, Traffic, ao_mac, md5_digest, summed, with_digest
from conformance.tcp.flags import Flags
from conformance.tcp.options import Ao, Md5
from conformance.tcp.segment import Segment

KEYED = "tester: {md5: secret}\n"
OPENED = """\
- send:   SYN seq=0 <mss 1460, md5>
- expect: SYN,ACK seq=0 ack=1 <md5>
- send:   ACK seq=1 ack=1
"""
CLIENT, SERVER = "10.11.12.13", "172.27.28.29"
# RFC 9235 section 4.1: the SYN of the client and the answer, HMAC-SHA-1-96, options covered.
SYN = "e9d700b3fbfbab5a00000000e002ffffcac40000"
SYN_OPTIONS = "020405b4010303080402080a00155ab7000000001d103d542ee437c6f8ede6d7c4d602e7"


def test_the_mac_of_the_example_of_rfc_9235() -> None:
    options = tcp.decode(bytes.fromhex(SYN_OPTIONS))
    segment = Segment(0xE9D7, 0xB3, Flags.SYN, 0xFBFBAB5A, 0, 0xFFFF, options=options)
    ends = Ends.of(CLIENT, SERVER)
    traffic = Traffic(b"testvector", ends, (0xE9D7, 0xB3), (0xFBFBAB5A, 0))
    assert traffic.key.hex() == "6d63ef1b02fe1509d4b1402707fd7b0416abb74f"
    assert ao_mac(traffic, 0, segment).hex() == "2ee437c6f8ede6d7c4d602e7"
    assert ao_mac(traffic, 1, segment).hex() != "2ee437c6f8ede6d7c4d602e7"
    assert ao_mac(traffic, 0, segment, covered=False).hex() != "2ee437c6f8ede6d7c4d602e7"


def test_an_option_that_nobody_wrote_takes_sixteen_octets_of_the_room(tmp_path: Path) -> None:
    steps = "- send: ACK seq=1 ack=1 len=1424\n- silence: 1s\n"
    hand = Hand(write_case(tmp_path, steps, head="tester: {ao: {1: secret}}\n", given=""))
    assert len(hand.sent[-1].payload) == 1424


def test_no_segment_with_ao_has_a_checksum_of_zero_by_chance(tmp_path: Path) -> None:
    """Linux takes one for a segment of its own; 39963 is the pointer that makes it so here."""
    steps = "- send: SYN seq=0 urg=39963 <ao 1/1>\n- send: SYN seq=0 urg=39963 win=65535 <ao 1/1>\n"
    head = "tester: {ao: {1: secret}}\n"
    hand = Hand(write_case(tmp_path, steps + "- silence: 1s\n", head=head, given=""))
    chosen, written = hand.sent
    sums = [checksum(summed(Ends.of(*ENDS[4]), segment)) for segment in hand.sent]
    assert [bool(one) for one in sums] == [True, False]
    assert (chosen.window, written.window) == (65534, 65535)
    for segment in hand.sent:
        traffic = Traffic(b"secret", Ends.of(*ENDS[4]), (40000, 4000), (segment.seq, 0))
        assert segment.options[-1] == Ao(1, 1, ao_mac(traffic, 0, segment))


CHANGES: dict[str, Any] = {
    "sport": 9, "dport": 9, "seq": 9, "ack": 9, "window": 9, "urgent": 9, "reserved": 1,
    "flags": Flags.FIN, "payload": b"other", "offset": 14,
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("ip", [4, 6])
def test_a_digest_covers_every_field_of_the_header_and_the_text(name: str, ip: int) -> None:
    ends = Ends.of(*ENDS[ip])
    segment = Segment(1, 2, Flags.ACK, 3, 4, 5, options=(Md5(), Ao(1, 1)), payload=b"texts")
    other = replace(segment, **{name: CHANGES[name]})
    traffic = Traffic(b"key", ends, (1, 2), (3, 4))
    assert md5_digest(b"key", ends, segment) != md5_digest(b"key", ends, other)
    assert ao_mac(traffic, 0, segment) != ao_mac(traffic, 0, other)


def test_a_digest_covers_addresses_and_key_and_neither_the_checksum_nor_itself() -> None:
    ends = Ends.of(*ENDS[4])
    segment = Segment(1, 2, Flags.ACK, 3, options=(Md5(),))
    digest = md5_digest(b"key", ends, segment)
    assert digest != md5_digest(b"kez", ends, segment)
    assert digest != md5_digest(b"key", ends.turned, segment)
    signed = replace(with_digest(segment, Md5, digest), checksum=7)
    assert digest == md5_digest(b"key", ends, signed)


def signed(hand: Hand, text: str, key: bytes = b"secret") -> None:
    """The target sends it, signed."""
    segment = hand.segment(text)
    ends = Ends.of(*reversed(ENDS[4]))
    blank = replace(segment, options=(*segment.options, Md5(bytes(16))))
    segment = with_digest(blank, Md5, md5_digest(key, ends, blank))
    hand.feed(events.Arrived(hand.now, segment))


def opened(tmp_path: Path, steps: str) -> Hand:
    hand = Hand(write_case(tmp_path, OPENED + steps, head=KEYED, given=""))
    hand.talk.conn("a")
    signed(hand, "SYN,ACK seq=0 ack=1")
    return hand


def digest(segment: Segment) -> bytes:
    option = segment.option(Md5)
    assert option is not None
    return option.digest


def right(segment: Segment) -> bytes:
    return md5_digest(b"secret", Ends.of(*ENDS[4]), segment)


def test_what_is_sent_is_signed_unless_the_case_writes_otherwise(tmp_path: Path) -> None:
    steps = """
- send:   ACK len=1 <md5 bad>
- send:   ACK len=1 <>
- send:   ACK len=1 <nop, md5, nop>
  as:     third
- send:   ACK len=1 <md5 third.digest>
"""
    syn, ack, bad, bare, good, again = opened(tmp_path, steps).sent
    assert all(digest(one) == right(one) for one in (syn, ack, good))
    assert digest(bad) != right(bad)
    assert bare.options == ()
    assert digest(again) == digest(good) != right(again)
    assert bad.seq == bare.seq == good.seq  # nothing comes of what is forged
    assert again.seq == good.seq + 1


def test_pieces_of_a_text_have_digests_of_their_own(tmp_path: Path) -> None:
    pieces = opened(tmp_path, "- send: ACK len=30\n  cut: 10\n").sent[2:]
    assert len({digest(one) for one in pieces}) == 3
    assert all(digest(one) == right(one) for one in pieces)


def test_the_target_is_held_to_the_key(tmp_path: Path) -> None:
    hand = opened(tmp_path, "- expect: ACK seq=1 ack=1 <md5>\n")
    signed(hand, "ACK seq=1 ack=1")
    hand.passes()
    hand = opened(tmp_path, "- expect: ACK seq=1 ack=1 <md5>\n")
    signed(hand, "ACK seq=1 ack=1", b"other")
    hand.fails("no TCP may send this: its MD5 digest is wrong")


def test_a_story_shows_the_option_and_of_a_wrong_digest_the_digits(tmp_path: Path) -> None:
    hand = opened(tmp_path, "- send: ACK len=1 <md5 bad>\n- expect: ACK <md5>\n")
    signed(hand, "ACK seq=1 ack=1", b"other")
    told = [entry.text for entry in hand.talk.record.entries]
    assert told[:3] == [
        "SYN seq=0 <mss 1460, md5>", "SYN,ACK seq=0 ack=1 <md5>", "ACK seq=1 ack=1 <md5>",
    ]  # fmt: skip
    assert told[3] == "ACK seq=1 ack=1 len=1 <md5 bad>"
    assert told[4].startswith("ACK seq=1 ack=1 <md5 0x")


def test_the_addresses_of_the_wire_are_signed_and_kept(tmp_path: Path) -> None:
    hand = Hand(write_case(tmp_path, OPENED, head=KEYED, given=""))
    assert hand.talk.record.addressing.tester == ""
    hand.talk.record.between("192.0.2.9", "192.0.2.2")
    assert hand.talk.record.addressing.tester == "192.0.2.9"
    keys = hand.talk.conn("b").keys
    assert keys.ends == Ends.of("192.0.2.9", "192.0.2.2")


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ("send: ACK <md5>", "md5 has no key here"),
        ("send: ACK <md5 bad>", "md5 has no key here"),
        ("send: ACK <ao 2/1>", "ao has no key here"),
        ("expect: ACK <ao 1/1 bad>", "ao bad is only for what the tester sends"),
    ],
)
def test_a_digest_that_no_key_gives_is_a_fault(tmp_path: Path, step: str, told: str) -> None:
    with pytest.raises(CaseFaults, match=told):
        write_case(tmp_path, f"- {step}\n", head="tester: {ao: {1: secret}}\n", given="")


def test_a_key_id_that_is_computed_and_has_no_key_is_the_case_s_error(tmp_path: Path) -> None:
    steps = "- send: ACK seq=1\n  as: a\n- send: ACK <ao a.win/1>\n- expect: ACK\n"
    head = "tester: {ao: {1: secret}}\n"
    assert (
        "ao needs a key" in Hand(write_case(tmp_path, steps, head=head, given="")).finish().reason
    )


@pytest.mark.parametrize(
    ("tester", "told"),
    [
        ("{md5: ''}", "a key expected"),
        (f"{{md5: {'k' * 81}}}", "this key is too long"),
        ("{ao: {256: k}}", "256 is no KeyID"),
        ("{ao: {x: k}}", "x is no KeyID"),
        ("{ao: {}}", "a mapping expected"),
    ],
)
def test_what_is_no_key(tmp_path: Path, tester: str, told: str) -> None:
    with pytest.raises(CaseFaults, match=told):
        write_case(tmp_path, "- expect: ACK\n", head=f"tester: {tester}\n", given="")

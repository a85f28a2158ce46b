"""The IP layer: what is made of a case's words, and what is held to them."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.case.load import load_case
from conformance.case.segments import show_segment
from conformance.notation.segment import SegmentText, parse_segment
from conformance.play import ip
from conformance.tcp.ip import IpFields, padded_6


def text(root: Path, said: str, verb: str = "expect") -> SegmentText:
    path = root / "ip.yaml"
    path.write_text(f"title: T\nsteps:\n  - {verb}: {said}\n  - silence: 1s\n", encoding="utf-8")
    (case,) = load_case(path, root)
    (segment,) = case.steps[0].patterns
    return segment


@pytest.mark.parametrize(
    ("said", "seen", "differing"),
    [
        ("{ttl: 60..64, ecn: not-ECT, df: true, flow: 0}", IpFields(), []),
        ("{ttl: 60}", IpFields(), ["ttl"]),
        ("{ttl: 60..64}", IpFields(ttl=65), ["ttl"]),
        ("{dscp: 46, ecn: CE}", IpFields(tos=46 << 2 | 3), []),
        ("{dscp: 46, ecn: CE}", IpFields(tos=46), ["dscp", "ecn"]),
        ("{ecn: ECT}", IpFields(tos=1), []),
        ("{ecn: ECT}", IpFields(tos=2), []),
        ("{ecn: ECT}", IpFields(tos=3), ["ecn"]),
        ("{ecn: ECT}", IpFields(), ["ecn"]),
        ("{df: true}", IpFields(df=False), ["df"]),
        ("{flow: '*', tos: 0}", IpFields(flow=9, tos=1), ["tos"]),
    ],
)
def test_what_came_is_held_to_what_is_written(
    tmp_path: Path, said: str, seen: IpFields, differing: list[str]
) -> None:
    wanted = text(tmp_path, f"{{flags: ACK, ip: {said}}}").ip
    assert [one.field for one in ip.differences(wanted, seen)] == differing


def test_parts_of_the_octet_are_put_together(tmp_path: Path) -> None:
    made = text(tmp_path, "{flags: ACK, ip: {dscp: 46, ecn: ECT1, ttl: 3}}", "send").ip
    assert ip.fields(made) == IpFields(ttl=3, tos=46 << 2 | 1)


def test_options_are_padded(tmp_path: Path) -> None:
    made = text(tmp_path, "{flags: ACK, ip: {destination: 0x1e00}}", "send").ip
    assert ip.fields(made).destination == b"\x1e\x00\x01\x02\x00\x00"


@pytest.mark.parametrize(
    "said",
    [
        "{flags: ACK, ip: {ttl: 1..9, dscp: 4, ecn: not-ECT, df: false, flow: '*'}}",
        "{flags: ACK, ip: {tos: 3, options: 0x1e04abcd, fragments: 3, order: reversed, overlap: 8,"
        " length: +4, behind: 0x00}}",
        "{flags: ACK, ip: {hop-by-hop: 0x1e00, destination: 0x1e00, fragments: 2, length: -4}}",
        "{flags: SYN, ip: {from: target, to: multicast}}",
    ],
)
def test_what_is_printed_is_what_was_written(tmp_path: Path, said: str) -> None:
    verb = "expect" if ".." in said else "send"
    assert show_segment(text(tmp_path, said, verb)) == said


def test_a_mark_stands_in_a_line() -> None:
    line = "ACK seq=1 len=5 ecn=not-ECT <nop>"
    assert show_segment(parse_segment(line)) == line


@pytest.mark.parametrize(
    ("size", "padding"), [(2, b"\1\2\0\0"), (3, b"\1\1\0"), (4, b"\1\0"), (5, b"\0"), (6, b"")]
)
def test_a_header_of_ipv6_is_whole_in_eights(size: int, padding: bytes) -> None:
    assert padded_6(bytes(size)) == bytes(size) + padding

"""What a case writes of the IP layer: ``ecn=CE`` in a line, the rest in the mapping form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from conformance.notation.expr import Value
from conformance.notation.scanner import Scanner, suggest
from conformance.tcp.ip import ECN, Fragments

ECT: Final = "ECT"  # one of the two: the sender's choice (RFC 3168 section 5)
MARKS: Final = (*ECN, ECT)


@dataclass(frozen=True, slots=True)
class IpText:
    """What is written, to send or to expect; None or empty where nothing is.

    ``ecn`` is one of ``MARKS``; the octets are those of :class:`conformance.tcp.ip.IpFields`, as
    written, without padding.
    """

    ttl: Value | None = None
    tos: Value | None = None
    dscp: Value | None = None
    ecn: str | None = None
    df: bool | None = None
    flow: Value | None = None
    options: bytes = b""
    hop_by_hop: bytes = b""
    destination: bytes = b""
    fragments: Fragments | None = None
    length: int = 0
    behind: bytes = b""
    sender: str = ""
    receiver: str = ""


UNWRITTEN: Final = IpText()  # as of nearly every segment: a comparison spares looking at it


def read_ecn(scanner: Scanner) -> str:
    """A mark: ``CE``, ``ECT0``, ``ECT1``, ``ECT`` or ``not-ECT``."""
    first = scanner.name("a mark of ECN (such as CE)")
    text = first.text
    if text == "not" and scanner.accept("-"):
        text += "-" + scanner.name("ECT").text
    if text not in MARKS:
        scanner.fail(f"{text} is no mark of ECN", suggest(text, MARKS), first)
    return text

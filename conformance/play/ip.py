"""The IP layer of a segment: made of what a case wrote, held to it, told in its words."""

from __future__ import annotations

from typing import Final

from conformance.notation.expr import Any, Choice, Range, Value
from conformance.notation.ip import ECT, UNWRITTEN, IpText
from conformance.notation.printer import print_value
from conformance.play.verdict import Difference
from conformance.tcp.addresses import OWN
from conformance.tcp.ip import DRIVERS, ECN, IpFields, padded_4, padded_6

_MARKS: Final = {value: name for name, value in ECN.items()}
_NUMBERS: Final = ("ttl", "tos", "dscp", "flow")


def fields(text: IpText) -> IpFields:
    """What is to be sent; ``check`` has seen to it that each number is one."""
    if text == UNWRITTEN:
        return DRIVERS
    tos = _plain(text.tos)
    if text.dscp is not None or text.ecn is not None:
        tos = (_plain(text.dscp) or 0) << 2 | ECN[text.ecn or "not-ECT"]
    return IpFields(
        ttl=_plain(text.ttl),
        tos=tos or None,
        df=text.df,
        flow=_plain(text.flow),
        options=padded_4(text.options),
        hop_by_hop=padded_6(text.hop_by_hop) if text.hop_by_hop else b"",
        destination=padded_6(text.destination) if text.destination else b"",
        length=text.length,
        behind=text.behind,
        fragments=text.fragments,
        sender=text.sender,
        receiver=text.receiver,
    )


def _plain(value: Value | None) -> int | None:
    if not isinstance(value, Range):
        return None
    return value.low.value(_no_name)


def _no_name(name: str) -> int:
    raise KeyError(name)


def differences(text: IpText, seen: IpFields) -> list[Difference]:
    """Every field of the IP layer that is not as written."""
    if text == UNWRITTEN:
        return []
    found = []
    for name in _NUMBERS:
        wanted: Value | None = getattr(text, name)
        if wanted is not None and not _holds(wanted, seen.number(name)):
            found.append(Difference(name, print_value(wanted), str(seen.number(name))))
    mark = _MARKS[seen.number("ecn")]
    if text.ecn is not None and text.ecn != mark and not (text.ecn == ECT and mark[:-1] == ECT):
        found.append(Difference("ecn", text.ecn, mark))
    if text.df is not None and text.df != bool(seen.number("df")):
        found.append(Difference("df", *(str(one).lower() for one in (text.df, not text.df))))
    source = seen.sender or OWN[0]
    if text.sender and text.sender != source:
        found.append(Difference("from", text.sender, source))
    return found


def _holds(value: Value, actual: int) -> bool:
    if isinstance(value, Any):
        return True
    if isinstance(value, Choice):
        return any(_holds(one, actual) for one in value.members)
    low = value.low.value(_no_name)
    return low <= actual <= (low if value.high is None else value.high.value(_no_name))


def described(seen: IpFields) -> IpText:
    """What a ladder shows of it: the mark, where there is one."""
    mark = seen.number("ecn") if seen.tos else 0
    return IpText(ecn=_MARKS[mark]) if mark else UNWRITTEN

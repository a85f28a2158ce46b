"""The name of one play of a case: ``CASE::linux-ipv4[n=1]``, and its parts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_PLAYED: Final = re.compile(
    r"(?P<target>[^\[\]]+)-ipv(?P<ip>[46])(-isn-0x(?P<isn>[0-9a-f]{8}))?(?P<params>\[.*\])?"
)


@dataclass(frozen=True, slots=True)
class Played:
    """What stands after ``::``; what is missing is empty, 0 or None."""

    target: str = ""
    ip: int = 0
    isn: int | None = None
    params: str = ""


def way(ip: int, isn: int | None) -> str:
    """``ipv4``, or ``ipv4-isn-0xfffffff8`` where the run chose the tester's ISN."""
    return f"ipv{ip}" + ("" if isn is None else f"-isn-{isn:#010x}")


def played_id(case: str, target: str, ip: int, isn: int | None) -> str:
    """The id of a play of the case with this id."""
    name, bracket, rest = case.partition("[")
    return f"{name}::{target}-{way(ip, isn)}{bracket}{rest}"


def split_played(name: str) -> Played:
    """``linux-ipv4[n=1]`` to its parts."""
    found = _PLAYED.fullmatch(name)
    if found is None:
        return Played(params=name)
    isn = int(found["isn"], 16) if found["isn"] else None
    return Played(found["target"], int(found["ip"]), isn, found["params"] or "")

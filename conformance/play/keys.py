"""The tester's keys for the TCP MD5 option and TCP-AO, and the addresses that digests cover."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from conformance.case.model import Case
from conformance.play.record import Addressing
from conformance.tcp.addresses import ENDS
from conformance.tcp.authentication import Ends


@dataclass(frozen=True, slots=True)
class Keys:
    """``ao``: master keys by the KeyID on the wire. ``ends``: of what the tester sends."""

    md5: bytes = b""
    ao: Mapping[int, bytes] = field(default_factory=dict)
    ends: Ends = field(default_factory=lambda: Ends(b"", b""))

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.md5 or self.ao)


NONE: Final = Keys()


def keys_of(case: Case, addressing: Addressing) -> Keys:
    """What a case names, between the two addresses of its conversation."""
    if not case.md5 and not case.ao:
        return NONE
    tester, target = ENDS[addressing.ip]
    ends = Ends.of(addressing.tester or tester, addressing.target or target)
    return Keys(case.md5.encode(), {key: one.encode() for key, one in case.ao.items()}, ends)

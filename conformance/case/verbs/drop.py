"""``drop: SEGMENT``"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

from conformance.case.step import Arg, Sibling
from conformance.case.verbs.expect import Expect

_OURS = Sibling(Arg.SIDE, "tester: the segment that is lost is ours", "sender")


@dataclass(frozen=True, slots=True)
class Drop(Expect):
    """The network loses a segment; ``sender`` is empty for one of the target's."""

    verb = "drop"
    doc = "as expect, but the network loses it; with from: tester, ours is lost"
    siblings = {**Expect.siblings, "from": _OURS}  # noqa: RUF012 - a ClassVar
    excludes = {"from": ("within", "backoff")}  # noqa: RUF012 - bounds are the target's

    _: KW_ONLY
    sender: str = ""

    @property
    def by_tester(self) -> bool:
        return bool(self.sender)

    @property
    def is_lost(self) -> bool:
        return True

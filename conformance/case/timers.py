"""Where a timer of the target may give the answer, and the step says no bound.

Text, a FIN or a SYN that came before comes again because a timer expired, or because of something
that the tester did: without a bound nobody sees which. What the tester opens anew begins anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from conformance.case.faults import Fault
from conformance.case.model import Case
from conformance.case.spans import Span
from conformance.case.step import Step
from conformance.case.verbs.call import OfCall
from conformance.case.verbs.expect import Expect
from conformance.notation.expr import Value, exactly
from conformance.notation.segment import SegmentText
from conformance.tcp.flags import Flags

_WARNING: Final = "it came before: a timer may send it again, and no bound tells when"
_HINT: Final = "as in within: at once, within: 1RTO..3RTO, or backoff: 1.7..2.3"
_Seen = set[tuple[str, Value | None, bool]]
_OPENS: Final = ("connect", "listen")


def remarks(case: Case) -> list[Fault]:
    """One for each such step."""
    return [Fault(span, _WARNING, _HINT) for span in dict.fromkeys(_walk(case.all_steps, set()))]


def _walk(steps: Iterable[Step], seen: _Seen) -> Iterator[Span]:
    """The places, in order; ``seen`` is what came, with its connection."""
    for step in steps:
        for branch in step.branches:
            yield from _walk(branch.steps, set(seen))
        if isinstance(step, OfCall) and step.value.name in _OPENS:
            seen.clear()
        for text in step.patterns:
            if step.by_tester and text.flags & Flags.SYN:
                seen.difference_update({one for one in seen if one[0] == step.conn})
            if not step.by_tester and isinstance(step, Expect) and _brings(text):
                what = step.conn, text.fields.get("seq"), bool(text.flags & Flags.FIN)
                if what in seen and step.within is None and step.grows is None and what[1]:
                    yield step.span
                seen.add(what)


def _brings(text: SegmentText) -> bool:
    opens = bool(text.flags & Flags.SYN) and not text.flags & Flags.ACK
    length = text.fields.get("len", exactly(0))
    return opens or bool(text.flags & Flags.FIN or text.data) or length != exactly(0)

"""Why a case failed, for the person who has to mend it at 3 a.m.

The order is that of the questions: what is it, what does the RFC say, what happened, where in the
case, what was wanted and what came, how is it run again. Rules:

- Every text of a segment is in the case's own numbers and can be pasted into a case.
- All that would have been accepted is listed, not only the first thing.
- What is not the target's fault says so in words: a harness that was late, given steps that did
  not reach their state, a case that is wrong.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from conformance.case.faults import Fault, render
from conformance.case.model import Case
from conformance.case.spans import NOWHERE, Span
from conformance.case.step import Step
from conformance.play.record import Record
from conformance.play.script import deviations
from conformance.play.verdict import Difference, Failure, Outcome, Verdict
from conformance.report.colour import Colours
from conformance.report.kernel_words import counters
from conformance.report.ladder import ladder
from conformance.report.ladder_layout import WIDEST
from conformance.report.run_again import run_again
from conformance.requirements import catalogue
from conformance.visible import on_one_line, visible

RequirementText = Callable[[str], tuple[str, str] | None]

_NAMES: Final = 13  # columns of the names at the left
_TOLD: Final = frozenset(Outcome) - {Outcome.PASS, Outcome.SKIPPED}


@dataclass(frozen=True, slots=True)
class _Page:
    """Paint and width, and the shapes that a page is made of."""

    paint: Colours
    width: int

    def named(self, name: str, text: str, style: str = "") -> list[str]:
        """``name`` in the left column, the text beside it, wrapped."""
        pieces = _wrap(text, self.width - _NAMES) or [""]
        heads = [self.paint(f"{name:<{_NAMES}}", "bold"), *[" " * _NAMES] * (len(pieces) - 1)]
        painted = (self.paint(piece, style) for piece in pieces)
        return [head + piece for head, piece in zip(heads, painted, strict=True)]


def from_catalogue(id: str) -> tuple[str, str] | None:
    """A requirement's level and text."""
    found = catalogue.get(id)
    return (found.level, found.text) if found else None


def explain(
    record: Record,
    *,
    requirement_text: RequirementText = from_catalogue,
    color: bool = False,
    capture: str = "",
    again: str = "",
    width: int = WIDEST,
) -> str:
    """All there is to say about a record that did not simply pass.

    ``requirement_text`` gives a requirement's level and text. ``capture`` is the path of the
    capture, ``again`` the command that runs this case alone (``run_again`` when it is empty).
    Empty for a pass and for a case that was skipped.
    """
    verdict = record.verdict
    if verdict is None or verdict.outcome not in _TOLD:
        return ""
    page = _Page(Colours(color), width)
    blocks = [
        _head(record, verdict, page),
        _in_words(record, verdict, page),
        _requirements(record.case, verdict, requirement_text, page),
        ladder(record, upto=verdict.step, width=width, color=color).splitlines(),
        _place(record, verdict, page),
        _wanted(verdict.failure, page),
        _table(verdict.failure, page),
        _moved(record, page),
        _tail(record, capture, again, page),
    ]
    shown = ["\n".join(line.rstrip() for line in block) for block in blocks if block]
    return "\n\n".join(shown) + "\n"


def _head(record: Record, verdict: Verdict, page: _Page) -> list[str]:
    word = page.paint.outcome(verdict.outcome)
    return [f"{word}  {page.paint(record.id, 'bold')}", *_wrap(record.case.title, page.width)]


def _in_words(record: Record, verdict: Verdict, page: _Page) -> list[str]:
    """What kind of end it was, where the word alone does not say it."""
    match verdict.outcome:
        case Outcome.INCONCLUSIVE:
            text = _late(record, verdict)
        case Outcome.BLOCKED:
            text = (
                "The case itself was never judged: the steps that should have brought the target "
                f"to its beginning failed{_fragment(verdict.step)}."
            )
        case Outcome.DEVIATES:
            reason = verdict.reason.rstrip(".")
            text = f"{record.profile.name} is known to differ here, and did: {reason}."
        case Outcome.ERROR:
            reason = verdict.reason.rstrip(".")
            text = f"{reason[:1].upper()}{reason[1:]}. So nothing is known about the target's TCP."
        case _:
            text = _no_longer(record, verdict.step)
            if verdict.outcome is Outcome.FAIL and verdict.failure is None:  # all steps held
                text = f"{verdict.reason[:1].upper()}{verdict.reason[1:].rstrip('.')}."
    return _wrap(text, page.width)


def _no_longer(record: Record, step: Step | None) -> str:
    """A deviation that was written down and is not there."""
    for deviation in deviations(record.case, record.profile):
        if step in deviation.instead:
            file = deviation.span.path
            says = "The case" if file == record.case.path else file.rpartition("/")[2]
            return (
                f"{says} says that {deviation.target} deviates here ({deviation.because}). That "
                "is not what was seen: if the target was mended, the deviation has to go."
            )
    return ""


def _late(record: Record, verdict: Verdict) -> str:
    if verdict.lateness > verdict.allowed:
        text = (
            f"The harness itself was late: {_time(verdict.lateness)} passed in which it could have "
            f"acted, and at most {_time(verdict.allowed)} leave the verdict sound. So what it saw "
            "proves nothing about the target."
        )
    else:
        why = verdict.reason.partition(" (")[0]
        text = f"{why[:1].upper()}{why[1:]}, so what was seen need not be the target's doing."
        if verdict.doubted is not None:
            text += f" Seen twice it would be believed: {verdict.doubted}."
    if record.reruns:
        times = {1: "once", 2: "twice"}.get(record.reruns, f"{record.reruns} times")
        text += f" It was run again alone {times}, and was no clearer."
    return text


def _fragment(step: Step | None) -> str:
    return f", in the fragment {step.origin}" if step is not None and step.origin else ""


def _requirements(
    case: Case, verdict: Verdict, requirement_text: RequirementText, page: _Page
) -> list[str]:
    """What a watch rule names alone, else what the step verifies, else what the case does."""
    broken = verdict.failure.requirement if verdict.failure else ""
    own = verdict.step.verifies if verdict.step is not None else ()
    lines: list[str] = []
    for name in (broken,) if broken else own or case.verifies:
        found = requirement_text(name)
        level, text = found or ("", "not in the catalogue")
        lines += page.named("requirement" if not lines else "", f"{name}  {level}".rstrip())
        lines += page.named("", text, "dim")
    return lines


def _place(record: Record, verdict: Verdict, page: _Page) -> list[str]:
    """The line of the case that it ended at, or the lines by which the target deviates."""
    case = record.case
    if verdict.outcome is Outcome.DEVIATES:
        known = deviations(case, record.profile)
        return [
            line
            for one in known
            if one.span != NOWHERE
            for line in _quote(case, one.span, f"{one.target} deviates: {one.because}", page)
        ]
    message = verdict.failure.message if verdict.failure else verdict.reason
    step = verdict.step
    if step is None:
        place = f"{case.path}: after the last step: {message}" if verdict.failure else ""
        return [page.paint(place, "bold")] if place else []
    if step.span == NOWHERE:
        return [page.paint(f"{step.text}: {message}", "bold")]
    return _quote(case, step.span, message, page)


def _quote(case: Case, span: Span, message: str, page: _Page) -> list[str]:
    """The place, the message, the line, and carets under all of the step."""
    whole = _whole(span, case.sources.get(span.path, ""))
    first, *rest = render(Fault(whole, message), case.sources).splitlines()
    marked = [page.paint(line, "bad") if not line.strip(" ^") else line for line in rest]
    return [page.paint(first, "bold"), *marked]


def _whole(span: Span, source: str) -> Span:
    """From the step's verb to the end of its text, without the remark behind it."""
    lines = source.split("\n")
    if not 0 < span.line <= len(lines):
        return span
    text = lines[span.line - 1][span.column - 1 :]
    text = text.partition(" #")[0].rstrip()
    return replace(span, length=max(span.length, len(text)))


def _wanted(failure: Failure | None, page: _Page) -> list[str]:
    if failure is None or not (failure.expected or failure.actual):
        return []
    lines: list[str] = []
    for number, text in enumerate(failure.expected):
        lines += page.named("  or" if number else "expected", text, "good")
    lines += page.named("actual", failure.actual or "nothing", "bad")
    return lines + (page.named("last words", failure.words) if failure.words else [])


def _table(failure: Failure | None, page: _Page) -> list[str]:
    """Every field that differs, and none that does not."""
    if failure is None or not failure.differences:
        return []
    heads = Difference("", "expected", "actual")
    rows = [heads, *map(_seen, failure.differences)]
    first = max(_NAMES, *(len(row.field) + 2 for row in rows))
    second = max(len(row.expected) for row in rows) + 3
    if first + second + max(len(row.actual) for row in rows) > page.width:
        return _stacked(failure.differences, page)
    lines = [page.paint(f"{'differs':<{first}}{'expected':<{second}}actual", "bold")]
    for row in rows[1:]:
        wanted = page.paint(f"{row.expected:<{second}}", "good")
        lines.append(f"{row.field:<{first}}{wanted}{page.paint(row.actual, 'bad')}")
    return lines


def _seen(row: Difference) -> Difference:
    return Difference(*map(on_one_line, (row.field, row.expected, row.actual)))


def _stacked(differences: Sequence[Difference], page: _Page) -> list[str]:
    """The table for texts that do not fit beside each other."""
    lines: list[str] = []
    for row in differences:
        lines += page.named(row.field, f"expected  {row.expected}", "good")
        lines += page.named("", f"actual    {row.actual}", "bad")
    return lines


def _moved(record: Record, page: _Page) -> list[str]:
    """The kernel's counters, where it let them be read."""
    told = counters(record)
    return page.named("counters", ", ".join(f"{n} {told[n]}" for n in told), "dim") if told else []


def _tail(record: Record, capture: str, again: str, page: _Page) -> list[str]:
    told = [("run alone", again or run_again(record)), ("capture", capture)]
    # Never wrapped: both are there to be copied.
    shown = ((page.paint(f"{name:<{_NAMES}}", "dim"), text) for name, text in told if text)
    return [name + on_one_line(text) for name, text in shown]


def _wrap(text: str, width: int) -> list[str]:
    return textwrap.wrap(visible(text), width, break_on_hyphens=False, subsequent_indent="")


def _time(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"

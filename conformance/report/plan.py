"""The ladder of what should happen: a case drawn before it is run, for ``conformance show``.

It is the ladder of a run with bounds in the place of times. The fragment that steps come from
stands above them; the branches of an ``either`` and what a deviation does instead are set in,
each under what permits or explains it.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from conformance.case.model import Case, Deviation
from conformance.case.step import Step, Way
from conformance.report.colour import Colours
from conformance.report.ladder_layout import WIDEST, LadderRow, draw
from conformance.visible import visible

_INDENT: Final = 3
_MOVES: Final = (Way.TO_TARGET, Way.TO_TESTER, Way.AT_TARGET)


def plan(case: Case, *, width: int = WIDEST, color: bool = False) -> str:
    """The ladder of the case's steps, given ones and deviations among them."""
    return draw(_rows(case.all_steps, case.deviations), width=width, color=color)


def head(case: Case, *, width: int = WIDEST, color: bool = False) -> str:
    """What stands above the steps: id, title, why, and what the case verifies and needs."""
    paint = Colours(color)
    lines = [paint(case.id, "bold"), *textwrap.wrap(visible(case.title), width)]
    if case.about:
        lines += ["", *(f"  {line}" for line in _paragraphs(visible(case.about), width - 2))]
    facts = [
        ("verifies", " ".join(case.all_verifies)),
        ("needs", " ".join(sorted(case.needs))),
        ("options", _settings(case.options)),
        ("sysctl", _settings(case.sysctl)),
        ("tester", "" if case.isn is None else f"isn {case.isn:#x}"),
        ("unwatched", " ".join(sorted(case.unwatched))),
        ("assumes", " ".join(sorted(case.assumes))),
    ]
    told = [(name, visible(text)) for name, text in facts if text]
    if told:
        lines.append("")
    for name, text in told:
        wrapped = textwrap.wrap(text, width - 11, break_long_words=False, break_on_hyphens=False)
        for number, line in enumerate(wrapped):
            lines.append(paint(f"{'' if number else name:<11}", "dim") + line)
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _paragraphs(text: str, width: int) -> list[str]:
    lines: list[str] = []
    for paragraph in text.strip().split("\n\n"):
        lines += (
            ["", *textwrap.wrap(paragraph, width)] if lines else textwrap.wrap(paragraph, width)
        )
    return lines


def _settings(settings: Any) -> str:
    return ", ".join(f"{name}={value}" for name, value in settings.items())


def _rows(steps: Sequence[Step], deviations: Sequence[Deviation]) -> list[LadderRow]:
    rows: list[LadderRow] = []
    origin = ""
    for step in steps:
        if step.origin != origin:
            rows.append(LadderRow(Way.RULE, f"given: {step.origin}" if step.origin else "the case"))
            origin = step.origin
        _add(rows, step, 0)
        for deviation in deviations:
            if deviation.step == step.label and step.label:
                rows += _deviation(deviation)
    return rows


def _add(rows: list[LadderRow], step: Step, depth: int) -> None:
    """Draw one step below ``rows``; a bare state stands beside the row before it."""
    if step.branches:
        rows += _branches(step, depth)
        return
    before = rows[-1] if rows and step.is_beside else None
    if before and before.way in _MOVES and not before.state and before.conn == step.conn:
        rows[-1] = replace(before, state=step.shows)
        return
    rows.append(_row(step, depth * _INDENT))


def _row(step: Step, indent: int) -> LadderRow:
    way = Way.TO_TARGET if step.by_tester else step.way
    return LadderRow(
        way,
        f"{step.drawn}  as {step.label}" if step.label else step.drawn,
        step.times,
        step.conn,
        step.shows,
        lost=step.is_lost,
        indent=indent,
        mark="?" if step.may_not_come else "",
    )


def _branches(step: Step, depth: int) -> list[LadderRow]:
    indent = depth * _INDENT
    rows: list[LadderRow] = []
    for number, branch in enumerate(step.branches):
        lead = f"{step.lead(number)}:"
        rows.append(LadderRow(Way.BETWEEN, lead, step.times, step.conn, indent=indent))
        for inner in branch.steps:
            _add(rows, inner, depth + 1)
    rows.append(LadderRow(Way.BETWEEN, "then:", conn=step.conn, indent=indent))
    return rows


def _deviation(deviation: Deviation) -> list[LadderRow]:
    upto = f", as far as {deviation.through}" if deviation.through else ""
    which = f"{deviation.target} {deviation.versions}".rstrip()
    told = f"{which} instead{upto}: {deviation.because}"
    rows = [LadderRow(Way.BETWEEN, told, conn=deviation.instead[0].conn, style="warn")]
    for step in deviation.instead:
        _add(rows, step, 1)
    return [*rows, LadderRow(Way.BETWEEN, "then:", conn=rows[-1].conn)]

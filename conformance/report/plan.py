"""The ladder of what should happen: a case drawn before it is run, for ``conformance show``.

It is the ladder of a run with bounds in the place of times. The fragment that steps come from
stands above them; the branches of an ``either`` and what a deviation does instead are set in,
each under what permits or explains it.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

from conformance.case.model import Branch, Case, Deviation, Step
from conformance.notation.printer import (
    print_bounds,
    print_call,
    print_duration,
    print_ratio,
    print_segment,
)
from conformance.report.paint import Paint
from conformance.report.rails import WIDEST, Row, Way, draw
from conformance.visible import visible

_INDENT: Final = 3
_MOVES: Final = (Way.TO_TARGET, Way.TO_TESTER, Way.AT_TARGET)
# The sibling that stands in the column of times, in the order of choice, and how it is printed.
_TIMES: Final[tuple[tuple[str, str, Callable[[Any], str]], ...]] = (
    ("within", "", print_bounds),
    ("for", "for ", print_duration),
    ("after", "after ", print_duration),
)


def plan(case: Case, *, width: int = WIDEST, color: bool = False) -> str:
    """The ladder of the case's steps, given ones and deviations among them."""
    return draw(_rows(case.all_steps, case.deviations), width=width, color=color)


def head(case: Case, *, width: int = WIDEST, color: bool = False) -> str:
    """What stands above the steps: id, title, why, and what the case verifies and needs."""
    paint = Paint(color)
    lines = [paint(case.id, "bold"), *textwrap.wrap(visible(case.title), width)]
    if case.about:
        lines += ["", *(f"  {line}" for line in _paragraphs(visible(case.about), width - 2))]
    facts = [
        ("verifies", " ".join(case.verifies)),
        ("needs", " ".join(sorted(case.needs))),
        ("options", _settings(case.options)),
        ("sysctl", _settings(case.sysctl)),
        ("unwatched", " ".join(sorted(case.unwatched))),
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


def _rows(steps: Sequence[Step], deviations: Sequence[Deviation]) -> list[Row]:
    rows: list[Row] = []
    origin = ""
    for step in steps:
        if step.origin != origin:
            rows.append(Row(Way.RULE, f"given: {step.origin}" if step.origin else "the case"))
            origin = step.origin
        _add(rows, step, 0)
        for deviation in deviations:
            if deviation.step == step.label and step.label:
                rows += _deviation(deviation)
    return rows


def _add(rows: list[Row], step: Step, depth: int) -> None:
    """Draw one step below ``rows``; a bare state stands beside the row before it."""
    if step.verb == "either":
        rows += _either(step, depth)
        return
    bare = step.verb == "state" and not step.siblings and not step.label
    before = rows[-1] if rows else None
    if bare and before and before.way in _MOVES and not before.state and before.conn == step.conn:
        rows[-1] = replace(before, state=str(step.value))
        return
    rows.append(_row(step, depth * _INDENT))


def _row(step: Step, indent: int) -> Row:
    way, text, lost = _WAYS[step.verb](step)
    if "backoff" in step.siblings:
        text += f"  backoff {print_ratio(step.siblings['backoff'])}"
    if step.label:
        text += f"  as {step.label}"
    state = str(step.value) if step.verb == "state" else ""
    return Row(
        way,
        text,
        _time(step),
        step.conn,
        state,
        lost=lost,
        indent=indent,
        mark="?" if step.verb == "allow" else "",
    )


def _time(step: Step) -> str:
    """The siblings that stand in the column of times; a state may have two."""
    found = [word + show(step.siblings[name]) for name, word, show in _TIMES
             if name in step.siblings]  # fmt: skip
    within = step.siblings.get("within")
    if within is not None and within.low is None:
        found[0] = f"within {found[0]}"
    return ", ".join(found)


def _value(step: Step) -> str:
    return step.text.partition(": ")[2]


def _drop(step: Step) -> tuple[Way, str, bool]:
    ours = step.siblings.get("from") == "tester"
    return (Way.TO_TARGET if ours else Way.TO_TESTER), _value(step), True


def _silence(step: Step) -> tuple[Way, str, bool]:
    of = step.siblings.get("of")
    what = f"no {print_segment(of)}" if of is not None else "silence"
    return Way.PASSES, f"{what} for {print_duration(step.value)}", False


def _collect(step: Step) -> tuple[Way, str, bool]:
    octets = "1 octet" if step.value == 1 else f"{step.value} octets, in order"
    ack = step.siblings.get("ack", "each")
    told = {"each": "each segment acknowledged", "last": "the last acknowledged"}
    return Way.TO_TESTER, f"{octets}; {told.get(ack, 'none acknowledged')}", False


def _state(step: Step) -> tuple[Way, str, bool]:
    via = " ".join(step.siblings.get("via", ()))
    return Way.AT_TARGET, f"by way of {via}" if via else "", False


def _set(step: Step) -> tuple[Way, str, bool]:
    return Way.AT_TARGET, f"set {', '.join(f'{k} = {v}' for k, v in step.value.items())}", False


_WAYS: Final[dict[str, Callable[[Step], tuple[Way, str, bool]]]] = {
    "send": lambda step: (Way.TO_TARGET, _value(step), False),
    "expect": lambda step: (Way.TO_TESTER, _value(step), False),
    "allow": lambda step: (Way.TO_TESTER, f"{_value(step)}  may come, once", False),
    "drop": _drop,
    "silence": _silence,
    "call": lambda step: (Way.AT_TARGET, _value(step), False),
    "spawn": lambda step: (Way.AT_TARGET, f"{_value(step)} begins", False),
    "join": lambda step: (Way.AT_TARGET, print_call(step.value), False),
    "state": _state,
    "wait": lambda step: (Way.PASSES, f"{print_duration(step.value)} pass", False),
    "set": _set,
    "icmp": lambda step: (Way.TO_TARGET, f"icmp {_value(step)}", False),
    "collect": _collect,
}


def _either(step: Step, depth: int) -> list[Row]:
    indent = depth * _INDENT
    rows: list[Row] = []
    branches: tuple[Branch, ...] = step.value
    for number, branch in enumerate(branches):
        word = "or" if number else "either"
        permits = f", permitted by {branch.permits}" if branch.permits else ""
        rows.append(Row(Way.BETWEEN, f"{word}{permits}:", conn=step.conn, indent=indent))
        for inner in branch.steps:
            _add(rows, inner, depth + 1)
    rows.append(Row(Way.BETWEEN, "then:", conn=step.conn, indent=indent))
    return rows


def _deviation(deviation: Deviation) -> list[Row]:
    upto = f", as far as {deviation.through}" if deviation.through else ""
    which = f"{deviation.target} {deviation.versions}".rstrip()
    told = f"{which} instead{upto}: {deviation.because}"
    rows = [Row(Way.BETWEEN, told, conn=deviation.instead[0].conn, style="warn")]
    for step in deviation.instead:
        _add(rows, step, 1)
    return [*rows, Row(Way.BETWEEN, "then:", conn=rows[-1].conn)]

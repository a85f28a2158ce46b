"""A job's summary in Markdown: the verdict, a table, what failed by cause, the first ladders."""

from __future__ import annotations

import html
import re
from collections import Counter
from typing import Final

from conformance.play.record import Record
from conformance.play.verdict import Outcome
from conformance.report.causes import BAD, causes
from conformance.report.failure import explain
from conformance.visible import on_one_line, visible

_LADDERS: Final = 5  # failures that are told whole
_CAUSES: Final = 30
_MARKS: Final = re.compile(r"[\\`*_\[\]|]")


class Markdown:
    """The summary of one run. Of a record that went well only its outcome is kept."""

    def __init__(self) -> None:
        self._outcomes: dict[str, Counter[Outcome]] = {}
        self._tolerated: Counter[tuple[str, str]] = Counter()
        self._bad: list[Record] = []
        self._broken: list[str] = []

    def add(self, record: Record) -> None:
        """One more final record."""
        outcome = record.verdict.outcome if record.verdict else Outcome.ERROR
        self._outcomes.setdefault(record.profile.name, Counter())[outcome] += 1
        for name in record.verdict.tolerated if record.verdict else ():
            self._tolerated[record.profile.name, name] += 1
        if outcome in BAD:
            self._bad.append(record)

    def broke(self, why: str) -> None:
        """Not all was played to its end."""
        self._broken.append(why)

    def text(self) -> str:
        """The page."""
        good = "No case failed." if not self._bad else f"{len(self._bad)} did not pass."
        kinds = [kind for kind in Outcome if any(one[kind] for one in self._outcomes.values())]
        lines = ["## TCP conformance", ""]
        for why in self._broken:
            lines += [f"**{cell(why)}**", ""]
        if not kinds and self._broken:
            return "\n".join(lines)
        lines += [f"Of what was played: {good}" if self._broken else good, ""]
        lines.append("| target | " + " | ".join(map(str, kinds)) + " |")
        lines.append("| --- |" + " ---: |" * len(kinds))
        for name, counts in self._outcomes.items():
            lines.append(f"| {cell(name)} | " + " | ".join(str(counts[k]) for k in kinds) + " |")
        lines += self._tolerances() + self._causes() + self._ladders()
        return "\n".join(lines) + "\n"

    def _tolerances(self) -> list[str]:
        used = self._tolerated.most_common()
        told = [f"| {cell(name)} | {cell(what)} | {count} |" for (name, what), count in used]
        head = ["", "| target | tolerated | cases |", "| --- | --- | ---: |"]
        return [*head, *told] if told else []

    def _causes(self) -> list[str]:
        found = causes(self._bad)
        if not found:
            return []
        lines = [
            "",
            "| cases | what was seen | rules | one of them |",
            "| ---: | --- | --- | --- |",
        ]
        for cause in found[:_CAUSES]:
            rules = " ".join(cause.requirements[:3])
            cells = (str(len(cause.ids)), cause.text, rules, cause.ids[0])
            lines.append("| " + " | ".join(map(cell, cells)) + " |")
        return lines

    def _ladders(self) -> list[str]:
        lines: list[str] = []
        for record in self._bad[:_LADDERS]:
            lines += ["", *fenced(html_line(record.id), explain(record))]
        return lines


def fenced(head: str, text: str) -> list[str]:
    """A text as it stands, folded below a head that is HTML."""
    told = visible(text).replace("```", "'''").splitlines()
    start = [f"<details><summary>{head}</summary>", "", "```text"]
    return [*start, *told, "```", "", "</details>"]


def cell(text: str) -> str:
    """A text that ends no cell, opens no tag and is no link."""
    return _MARKS.sub(r"\\\g<0>", html_line(text))


def html_line(text: str) -> str:
    """A text on one line that opens no tag."""
    return html.escape(on_one_line(text), quote=False)

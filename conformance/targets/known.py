"""The entries of a file of deviations, and the reader of its groups."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Final

from conformance.case.context import scalar
from conformance.case.decode import VERSIONS
from conformance.case.faults import Faults
from conformance.case.model import Deviation
from conformance.case.nodes import Mapping, Node, Scalar, Sequence
from conformance.case.spans import NOWHERE, Span
from conformance.case.step import Step
from conformance.notation.scanner import suggest
from conformance.targets import going_on

KEYS: Final = ("because", "disputed", "versions", "ip", "through", "instead", "cases")
ANY: Final = "[*]"  # after a case's id without its parameters: all that it makes of them
VERSION: Final = re.compile(r"\d{1,4}(\.\d{1,4}){1,3}")


@dataclass(frozen=True, slots=True)
class KnownDeviation:
    """One case that ends otherwise, or with ``instead`` goes on; ``ip`` 0 is both versions."""

    step: str
    seen: str
    because: str
    versions: str = ""
    ip: int = 0
    disputed: bool = False
    through: str = ""
    written: str = ""  # ``instead`` as it stands in the file
    instead: tuple[Step, ...] = field(default=(), compare=False)
    span: Span = field(default=NOWHERE, compare=False)
    group: range = field(default=range(0), compare=False)  # the lines of its group in the file
    lines: range = field(default=range(0), compare=False)  # its own

    @property
    def told(self) -> str:
        """Its reason, as a verdict has it."""
        return f"disputed: {self.because}" if self.disputed else self.because

    def deviation(self, target: str) -> Deviation:
        """The same as one of a case."""
        steps = self.step, self.instead, self.told, self.through, self.versions
        return Deviation(target, *steps, self.span)

    def fits(self, step: str, seen: str) -> bool:
        """Whether this is what it speaks of."""
        pattern = ".*".join(re.escape(part) for part in self.seen.split("*"))
        return step == self.step and re.fullmatch(pattern, seen) is not None


def all_of(case: str) -> str:
    """The name of every choice of a case's parameters."""
    return case.partition("[")[0] + ANY


class DeviationsReader:
    """Reads one tree; the ``Context`` of the readers of texts."""

    def __init__(self, faults: Faults, text: str, *, reasons: bool) -> None:
        self.faults, self._reasons = faults, reasons
        self._lines = text.split("\n")
        self.params: dict[str, str] = {}
        self._entries: dict[str, list[KnownDeviation]] = {}
        self._version = ""

    def steps(self, _: Node) -> tuple[Step, ...]:
        """There are none here."""
        return ()

    def file(self, root: Node) -> tuple[dict[str, list[KnownDeviation]], str, str]:
        """Every group: the entries of each case, the version of the cases, the file's path."""
        if not isinstance(root, Sequence):
            self.faults.add(root.span, "a list of groups expected", "- because: and cases:")
            return {}, "", ""
        for group in root.items:
            self._group(group)
        return self._entries, self._version, root.span.path

    def _group(self, node: Node) -> None:
        if not isinstance(node, Mapping):
            self.faults.add(node.span, "a group expected", "because: and cases:")
            return
        cases = node.get("cases")
        if isinstance(cases, Scalar) and len(node.entries) == 1:
            if not VERSION.fullmatch(cases.text):
                self._wrong(node, "cases", "a version of this package, as 0.5.0")
            elif self._version:
                self.faults.add(node.span, "a second version of the cases")
            else:
                self._version = cases.text
            return
        for key, _ in node.entries:
            if key.text not in KEYS and not self.faults.full:
                self.faults.add(key.span, f"unknown key {key.text}", suggest(key.text, KEYS))
        disputed = node.get("disputed") is not None
        if disputed and node.get("because") is not None:
            self._wrong(node, "disputed", "because: or disputed:, one of them")
        word = "disputed" if disputed else "because"
        because = self._text(node, word, "a reason", needed=self._reasons)
        versions = self._text(node, "versions", "a range of versions", needed=False)
        ip = self._text(node, "ip", "4 or 6", needed=False)
        if versions and not VERSIONS.fullmatch(versions):
            self._wrong(node, "versions", "as in ..6.12, both ends counted")
        if ip not in ("", "4", "6"):
            self._wrong(node, "ip", "it is 4 or 6")
            ip = ""
        if not isinstance(cases, Mapping):
            self.faults.add(node.span, "this group has no cases:", "CASE: [STEP, SEEN]")
            return
        group = _lines(node.span.line, node)
        blank = KnownDeviation("", "", because, versions, int(ip or 0), disputed, group=group)
        blank = self._instead(node, blank)
        for key, value in cases.entries:
            lines = _lines(key.span.line, value)
            self._case(key.text, key.span, value, replace(blank, lines=lines))

    def _instead(self, node: Mapping, blank: KnownDeviation) -> KnownDeviation:
        """With what the cases of a group go on with."""
        through = self._text(node, "through", "the last step that is replaced", needed=False)
        instead = node.get("instead")
        if instead is None:
            if through:
                self._wrong(node, "through", "it is of a group with instead:")
            return blank
        return replace(self._steps(instead, blank), through=through)

    def _steps(self, node: Node, blank: KnownDeviation) -> KnownDeviation:
        """With these steps, and with them as they are written."""
        from textwrap import dedent  # few read such a file

        steps = going_on.steps_of(node, self.faults)
        first, last = node.span.line, _lines(node.span.line, node)[-1]
        text = "\n".join(self._lines[first - 1 : last])
        if isinstance(node, Sequence) and node.flow:
            behind = len(self._lines[node.end[0] - 1]) - node.end[1] + 1
            text = text[node.span.column - 1 : len(text) - behind]
        return replace(blank, instead=steps, written=dedent(text))

    def _goes_on(self, case: str, span: Span, node: Node, blank: KnownDeviation) -> None:
        """A case that goes on, and at which step."""
        found = scalar(node, self, "the step that others stand for")
        step = found.text.strip() if found else ""
        others = self._entries.setdefault(case, [])
        if any(one.instead and one.step == step and one.versions == blank.versions
               and one.ip in (0, blank.ip) for one in others):  # fmt: skip
            self.faults.add(span, f"{case} is here twice, at {step}", "put both into one instead:")
        others.append(replace(blank, step=step, span=found.span if found else span))

    def _case(self, case: str, span: Span, node: Node, blank: KnownDeviation) -> None:
        if blank.written:
            self._goes_on(case, span, node, blank)
            return
        items = node.items if isinstance(node, Sequence) else ()
        if len(items) != 2:
            hint = 'as in ["expect: ACK seq=1 ack=1", nothing]'
            self.faults.add(node.span, "the step and what is seen there expected", hint)
            return
        if isinstance(items[1], Sequence):
            self._goes_on(case, span, items[0], self._steps(items[1], blank))
            return
        texts = [scalar(item, self, "a text") for item in items]
        step, seen = (text.text if text else "" for text in texts)
        others = self._entries.setdefault(case, [])
        if any(not one.instead and one.versions == blank.versions and one.ip in (0, blank.ip)
               for one in others):  # fmt: skip
            self.faults.add(span, f"{case} is here twice")
        others.append(replace(blank, step=step, seen=seen))

    def _text(self, node: Mapping, name: str, what: str, *, needed: bool = True) -> str:
        value = node.get(name)
        if value is None:
            if needed:
                self.faults.add(node.span, f"this group has no {name}:", "why, in one sentence")
            return ""
        if not needed and isinstance(value, Scalar) and not value.text:
            return ""
        found = scalar(value, self, what)
        return " ".join(found.text.split()) if found else ""

    def _wrong(self, node: Mapping, name: str, hint: str) -> None:
        value = node.get(name)
        assert value is not None
        self.faults.add(value.span, f"no such {name}", hint)


def _lines(first: int, node: Node) -> range:
    """From this line to the last of a node."""
    while isinstance(node, Mapping | Sequence) and not node.flow:
        inner = node.items if isinstance(node, Sequence) else [value for _, value in node.entries]
        if not inner:
            break
        node = inner[-1]
    line, column = node.end
    return range(first, max(first, line - (column == 1)) + 1)

"""What a target is known to do otherwise: a file of its own, keyed by case and step.

::

    - because: lwIP has no simultaneous open; a SYN in SYN-SENT is dropped
      cases:
        rfc9293/3.5-establish/simultaneous-open: ["expect: SYN,ACK seq=0 ack=1", nothing]

Rules:

- An entry is an observation: the step at which the case ends, and what was seen there, in the
  words of the report; ``*`` stands for any text. One reason may hold for many cases; ``versions``
  and ``ip`` narrow a group.
- ``CASE[*]`` is every choice of its parameters; an entry for one of them comes before it.
- ``- cases: 0.5.0`` in the place of a group is the version of the shipped cases that the file was
  made with. What came later and fails is new, and no failure.
- ``disputed:`` is a reason too, where the author holds that the case is wrong and the stack is not.
- What is seen just as it is known needs no excuse: a lateness of ours would explain it, what is
  known explains it better.
- It is strict. A case that ends elsewhere or otherwise fails as ever, and one that passes fails
  too: what was mended has to go from the file.
- A case file is about TCP. What a stack does instead and *goes on with* may be written there, in
  the language (``deviations:``); where the case simply ends, it is written here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from conformance import files
from conformance.case.context import scalar
from conformance.case.decode import VERSIONS
from conformance.case.faults import CaseFaults, Faults
from conformance.case.nodes import (
    LARGEST_FILE,
    Mapping,
    Node,
    Scalar,
    Sequence,
    Unreadable,
    decode_text,
    parse,
)
from conformance.case.spans import Span
from conformance.case.step import Step
from conformance.errors import EnvironmentProblem
from conformance.notation.scanner import suggest
from conformance.play.profile import within
from conformance.play.record import Record
from conformance.play.verdict import Failure, Outcome, Verdict
from conformance.targets.releases import newer

if TYPE_CHECKING:
    from conformance.report.jsonlines import Loaded

KEYS: Final = ("because", "disputed", "versions", "ip", "cases")
ANY: Final = "[*]"  # after a case's id without its parameters: all that it makes of them
VERSION: Final = re.compile(r"\d{1,4}(\.\d{1,4}){1,3}")
END: Final = "end"  # the place after the last step
_FAILED: Final = frozenset({Outcome.FAIL, Outcome.BLOCKED})
_GONE: Final = "is known to end at "
_LOOSE: Final = re.compile(r" win=\S+| <[^>]*>")  # another number each time, or each machine


@dataclass(frozen=True, slots=True)
class KnownDeviation:
    """One case that ends otherwise; ``ip`` 0 is both versions."""

    step: str
    seen: str
    because: str
    versions: str = ""
    ip: int = 0
    disputed: bool = False
    group: range = field(default=range(0), compare=False)  # the lines of its group in the file
    lines: range = field(default=range(0), compare=False)  # its own

    def fits(self, step: str, seen: str) -> bool:
        """Whether this is what it speaks of."""
        pattern = ".*".join(re.escape(part) for part in self.seen.split("*"))
        return step == self.step and re.fullmatch(pattern, seen) is not None


@dataclass(frozen=True, slots=True)
class Deviations:
    """All of one target."""

    entries: dict[str, list[KnownDeviation]] = field(default_factory=dict)
    cases: str = ""  # the version of the shipped ones that it was made with

    def of(self, record: Record) -> KnownDeviation | None:
        """The entry for this case on this version and IP version."""
        profile, ip = record.profile, record.addressing.ip
        for id in (record.case.id, all_of(record.case.id)):
            for entry in self.entries.get(id, ()):
                if entry.ip in (0, ip) and within(profile.version, entry.versions):
                    return entry
        return None

    def settle(self, record: Record) -> None:
        """Give a final record the verdict that it has in the light of what is known."""
        entry, verdict = self.of(record), record.verdict
        if verdict is None:
            return
        if entry is None:
            if verdict.believed().outcome in _FAILED and self._new(record.case.id):
                told = f"new: this case came after {self.cases}; {verdict.believed().reason}"
                record.verdict = replace(
                    verdict, outcome=Outcome.DEVIATES, doubted=None, new=True, reason=told
                )
            return
        if verdict.failure is not None and entry.fits(*place(record)):
            record.verdict = replace(
                verdict, outcome=Outcome.DEVIATES, doubted=None, disputed=entry.disputed,
                reason=f"disputed: {entry.because}" if entry.disputed else entry.because,
            )  # fmt: skip
        elif verdict.outcome in (Outcome.PASS, Outcome.DEVIATES):
            told = f"{record.profile.name} {_GONE}{entry.step} ({entry.because}), and did not"
            record.verdict = replace(verdict, outcome=Outcome.FAIL, reason=told)

    def _new(self, case: str) -> bool:
        """Whether the case came later than the file."""
        return bool(self.cases) and case.partition("[")[0] in newer(self.cases)


NOTHING: Final = Deviations()


def all_of(case: str) -> str:
    """The name of every choice of a case's parameters."""
    return case.partition("[")[0] + ANY


def place(record: Record) -> tuple[str, str]:
    """The step at which a record ended and what was seen there, as an entry has them."""
    verdict = record.verdict or Verdict(Outcome.ERROR)
    failure = verdict.failure or Failure(verdict.reason)
    seen = _LOOSE.sub("", failure.actual) or re.sub(r"^nothing came.*", "nothing", failure.message)
    return (_step(verdict.step) if verdict.step else END), seen


def _step(step: Step) -> str:
    return step.text


def as_then(record: Record, loaded: Loaded) -> None:
    """Give a record that was judged again the light in which it was seen then."""
    then, now = loaded.verdict, record.verdict
    if then is None or now is None or then.outcome is now.outcome:
        return
    if then.outcome is now.doubted:  # it was seen twice
        record.verdict = now.believed()
        return
    known = then.outcome is Outcome.DEVIATES and now.failure is not None
    gone = then.outcome is Outcome.FAIL and _GONE in then.reason
    if known or gone:
        record.verdict = replace(now, outcome=then.outcome, reason=then.reason, doubted=None)


# ---- the file ------------------------------------------------------------------------------------


def load(path: Path) -> Deviations:
    """Read a file of known deviations; raises CaseFaults with all that is wrong with it."""
    return read(path)[1]


def read(path: Path, *, reasons: bool = True) -> tuple[str, Deviations]:
    """Its text too; without ``reasons`` they may be missing."""
    try:
        octets = files.read(path, LARGEST_FILE + 1)
    except OSError as error:
        raise EnvironmentProblem(f"{path} cannot be read: {error.strerror}.") from None
    try:
        text = decode_text(str(path), octets)
    except Unreadable as error:
        raise CaseFaults(list(error.faults), {str(path): ""}) from None
    return text, read_text(text, str(path), reasons=reasons)


def read_text(text: str, path: str = "", *, reasons: bool = False) -> Deviations:
    """What a text says that stands, or shall stand, in a file."""
    faults, known = Faults(), NOTHING
    try:
        root, found = parse(path, text)
        faults.extend(found)
        known = _Reader(faults, reasons=reasons).file(root)
    except Unreadable as error:
        faults.extend(error.faults)
    if faults:
        raise CaseFaults(faults.all(), {path: text})
    return known


class _Reader:
    """Reads one tree; the ``Context`` of the readers of texts."""

    def __init__(self, faults: Faults, *, reasons: bool) -> None:
        self.faults, self._reasons = faults, reasons
        self.params: dict[str, str] = {}
        self._entries: dict[str, list[KnownDeviation]] = {}
        self._version = ""

    def steps(self, _: Node) -> tuple[Step, ...]:
        """There are none here."""
        return ()

    def file(self, root: Node) -> Deviations:
        """Every group."""
        if not isinstance(root, Sequence):
            self.faults.add(root.span, "a list of groups expected", "- because: and cases:")
            return NOTHING
        for group in root.items:
            self._group(group)
        return Deviations(self._entries, self._version)

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
        blank = KnownDeviation(
            "", "", because, versions, int(ip or 0), disputed, _lines(node.span.line, node)
        )
        for key, value in cases.entries:
            lines = _lines(key.span.line, value)
            self._case(key.text, key.span, value, replace(blank, lines=lines))

    def _case(self, case: str, span: Span, node: Node, blank: KnownDeviation) -> None:
        items = node.items if isinstance(node, Sequence) else ()
        if len(items) != 2:
            hint = 'as in ["expect: ACK seq=1 ack=1", nothing]'
            self.faults.add(node.span, "the step and what is seen there expected", hint)
            return
        texts = [scalar(item, self, "a text") for item in items]
        step, seen = (text.text if text else "" for text in texts)
        others = self._entries.setdefault(case, [])
        if any(one.versions == blank.versions and one.ip in (0, blank.ip) for one in others):
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

"""JUnit's XML, as CI systems read it: a suite a target, a test case a case.

A case that failed, was blocked or stayed inconclusive is a *failure*; what was never judged is an
*error*; a skip says why, and so does a known deviation, which counts as one: nothing is asserted
of the RFC's own way there. One that deviates by a tolerance alone is no skip: all of it was
asserted, and the tolerance is a property, as the rules are that a case verifies.
"""

from __future__ import annotations

from collections import Counter
from xml.etree import ElementTree

from conformance.play.record import Record
from conformance.play.verdict import Outcome
from conformance.report.failure import explain
from conformance.requirements import catalogue
from conformance.visible import on_one_line, visible

_KINDS = {
    Outcome.FAIL: "failure",
    Outcome.BLOCKED: "failure",
    Outcome.INCONCLUSIVE: "failure",
    Outcome.ERROR: "error",
    Outcome.DEVIATES: "skipped",
    Outcome.SKIPPED: "skipped",
}
_COUNTED = {"failure": "failures", "error": "errors", "skipped": "skipped"}


class Junit:
    """The document of one run."""

    def __init__(self) -> None:
        self._suites: dict[str, ElementTree.Element] = {}
        self._counts: dict[str, Counter[str]] = {}
        self._seconds: Counter[str] = Counter()
        self._broken: list[str] = []

    def add(self, record: Record) -> None:
        """One more final record."""
        name = record.profile.name
        suite = self._suites.setdefault(name, ElementTree.Element("testsuite", name=name))
        counts = self._counts.setdefault(name, Counter())
        counts["tests"] += 1
        self._seconds[name] += record.length  # type: ignore[assignment]
        case = ElementTree.SubElement(
            suite,
            "testcase",
            classname=on_one_line(record.case.id.partition("[")[0].replace("/", ".")),
            name=on_one_line(record.id),
            time=f"{record.length:.3f}",
            file=on_one_line(record.case.path),
            line=str(record.verdict.step.span.line if _has_place(record) else 1),  # type: ignore[union-attr]
        )
        used = record.verdict.tolerated if record.verdict else ()
        if record.case.all_verifies or used:
            properties = ElementTree.SubElement(case, "properties")
            for name in used:
                told = on_one_line(name)
                ElementTree.SubElement(properties, "property", name="tolerated", value=told)
            for id in record.case.all_verifies:
                found = catalogue.get(id)
                level = found.level if found else ""
                ElementTree.SubElement(properties, "property", name="requirement", value=id)
                ElementTree.SubElement(properties, "property", name=f"level:{id}", value=level)
        self._end(case, record, counts)

    def _end(self, case: ElementTree.Element, record: Record, counts: Counter[str]) -> None:
        verdict = record.verdict
        outcome = verdict.outcome if verdict else Outcome.ERROR
        kind = None if verdict and verdict.let_by else _KINDS.get(outcome)
        if kind is None:
            return
        counts[_COUNTED[kind]] += 1
        reason = on_one_line(verdict.reason if verdict else "it never ended")
        told = f"deviates: {reason}" if outcome is Outcome.DEVIATES else reason
        end = ElementTree.SubElement(case, kind, message=told)
        if kind != "skipped":
            end.set("type", str(outcome))
            end.text = "\n" + visible(explain(record))

    def broke(self, why: str) -> None:
        """Not all was played to its end: an error of the run itself."""
        self._broken.append(why)

    def _run(self) -> ElementTree.Element:
        count = str(len(self._broken))
        suite = ElementTree.Element("testsuite", name="conformance", tests=count, failures="0",
                                    errors=count, skipped="0", time="0.000")  # fmt: skip
        for number, why in enumerate(self._broken, 1):
            case = ElementTree.SubElement(suite, "testcase", classname="conformance",
                                          name=f"run[{number}]", time="0.000")  # fmt: skip
            ElementTree.SubElement(case, "error", message=on_one_line(why), type="error")
        return suite

    def text(self) -> str:
        """The document."""
        root = ElementTree.Element("testsuites", name="conformance")
        for name, suite in self._suites.items():
            counts = self._counts[name]
            for key in ("tests", "failures", "errors", "skipped"):
                suite.set(key, str(counts[key]))
            suite.set("time", f"{self._seconds[name]:.3f}")
            root.append(suite)
        if self._broken:
            root.append(self._run())
        ElementTree.indent(root)
        return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _has_place(record: Record) -> bool:
    verdict = record.verdict
    return bool(verdict and verdict.step and verdict.step.span.path == record.case.path)

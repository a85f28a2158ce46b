"""Two runs held side by side, as one page that can be sent alone.

What is red comes first, each with both ladders; then what behaves otherwise, with both as well;
the rest are tables. Cases that differ in the same way stand one under another.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from conformance.play.verdict import Outcome
from conformance.report.compare import ComparedCase, Comparison, Kind, Side
from conformance.report.site.marks import mark
from conformance.report.site.markup import NOTHING, Html, joined, tag
from conformance.report.site.page import page, table, wide

_SHOWN: Final = 500  # rows of a table
_HEADS: Final = {
    Kind.REGRESSION: "Regressions",
    Kind.OTHER: "Other verdicts",
    Kind.BEHAVIOUR: "The same verdict, another behaviour",
    Kind.NEW: "New: B alone has them",
    Kind.GONE: "Gone: A alone has them",
    Kind.MENDED: "Mended",
    Kind.SAME: "Unchanged, with a remark",
}


def comparison_page(comparison: Comparison) -> str:
    """All of it."""
    red = comparison.of(Kind.REGRESSION)
    verdict = f"{len(red)} regressed." if red else "Nothing regressed."
    body = [
        tag("p", tag("strong", verdict), f" {comparison.line()}.", class_="lead"),
        tag("dl", *_sides(comparison), class_="facts"),
        *(tag("p", note) for note in comparison.notes),
    ]
    for kind in Kind:
        rows = [row for row in comparison.of(kind) if kind is not Kind.SAME or row.told]
        if rows:
            body.append(tag("h2", f"{_HEADS[kind]} ({len(rows)})"))
            body += _told(rows)
    return page("Two runs of TCP conformance", *body, alone=True)


def _sides(comparison: Comparison) -> Iterator[Html]:
    for name, said in (("A", comparison.a), ("B", comparison.b)):
        yield joined((tag("dt", name), tag("dd", said)))


def _told(rows: Sequence[ComparedCase]) -> Iterator[Html]:
    """Those with ladders one by one, then a table of the others."""
    listed = [row for row in rows if not any(one.picture for one in row.ladders)]
    for row in rows:
        if row not in listed:
            yield _whole(row)
    if listed:
        lines = [_line(row) for row in listed[:_SHOWN]]
        heads = ("case", "A", "B", "what")
        yield table(heads, tag("tbody", *lines), about="cases")
    if len(listed) > _SHOWN:
        yield tag("p", f"And {len(listed) - _SHOWN} more, which --json has.")


def _whole(row: ComparedCase) -> Html:
    sides = zip(("A", "B"), (row.a, row.b), row.ladders, strict=True)
    drawn = [_side(name, one, Html(both.picture), both.text) for name, one, both in sides]
    return tag(
        "details",
        tag("summary", tag("strong", str(row.key)), " ", _verdict(row.a), " to ", _verdict(row.b)),
        tag("p", row.title),
        *(tag("p", said) for said in _said(row)),
        tag("div", *drawn, class_="plays"),
        class_="play",
        open=row.kind is Kind.REGRESSION,
    )


def _side(name: str, one: Side | None, picture: Html, said: str) -> Html:
    assert one is not None
    return tag(
        "section",
        tag("h3", f"{name}  {one.id}"),
        tag("p", _verdict(one), f" {one.reason}"),
        tag("p", f"at {one.step}", class_="dim") if one.step else NOTHING,
        wide(picture or tag("pre", said), about=f"ladder of {name}"),
    )


def _line(row: ComparedCase) -> Html:
    return tag(
        "tr",
        tag("th", str(row.key), scope="row"),
        tag("td", _verdict(row.a)),
        tag("td", _verdict(row.b)),
        tag("td", *(tag("p", said) for said in _said(row))),
    )


def _verdict(one: Side | None) -> Html:
    if one is None:
        return Html("")
    known = one.outcome in list(Outcome)
    return mark(Outcome(one.outcome)) if known else tag("span", one.outcome, class_="mark error")


def _said(row: ComparedCase) -> Iterator[str]:
    for one in row.differences:
        yield f"{one.change}: A {one.a}, B {one.b}"
    for name, side in (("A", row.a), ("B", row.b)):
        if side is not None and side.reason and not row.differences:
            yield f"{name}: {side.reason}"
    if row.told:
        yield row.told

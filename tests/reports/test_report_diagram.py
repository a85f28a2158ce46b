"""The state diagram: every row of the table is in it, and its words can be read."""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

import pytest
import report_samples as samples

from conformance.reference.transitions import TABLE, Input, Transition, without
from conformance.report.diagram import BOX, BREAKING, LINE, PLACES, ROUTES, mermaid, svg
from conformance.tcp.states import State

SVG = "{http://www.w3.org/2000/svg}"
Box = tuple[float, float, float, float]  # left, top, right, bottom
EXTRA = Transition(State.CLOSING, Input.SEND, State.LISTEN, "no RFC / says so", "0")


def drawn(text: str) -> Counter[tuple[str, str, str, str]]:
    """The rows that an SVG has: state, input, next, and the label as far as it is written."""
    root = ElementTree.fromstring(text)
    return Counter(
        (e.attrib["data-state"], e.attrib["data-input"], e.attrib["data-next"], e.text or "")
        for e in root.iter(f"{SVG}text")
        if "data-state" in e.attrib
    )


def expected(table: tuple[Transition, ...]) -> Counter[tuple[str, str, str, str]]:
    return Counter(
        (row.state, row.input, row.next,
         row.label.partition(" / ")[2] if row.input in BREAKING else row.label)
        for row in table
    )  # fmt: skip


def test_every_row_is_drawn_once_and_nothing_else() -> None:
    assert drawn(svg(TABLE)) == expected(TABLE)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.state}-{row.input}")
def test_a_row_that_is_taken_out_is_not_drawn(row: Transition) -> None:
    table = without(row)
    assert drawn(svg(table)) == expected(table)


def test_a_row_without_a_route_is_drawn_all_the_same() -> None:
    assert (EXTRA.state, EXTRA.next) not in ROUTES
    assert drawn(svg((*TABLE, EXTRA))) == expected((*TABLE, EXTRA))


def test_a_small_picture_as_it_was_looked_at() -> None:
    wanted = {
        (State.CLOSED, Input.OPEN_PASSIVE),
        (State.TIME_WAIT, Input.NEW_SYN),
        (State.TIME_WAIT, Input.TIME_WAIT_TIMEOUT),
        (State.SYN_SENT, Input.HARD_ERROR),
        (State.FIN_WAIT_2, Input.TEXT_AFTER_CLOSE),
        (State.FIN_WAIT_2, Input.ABORT),
    }
    odd = Transition(State.LISTEN, Input.ABORT, State.ESTABLISHED, "ABORT", "0")
    table = (*(row for row in TABLE if (row.state, row.input) in wanted), EXTRA, odd)
    samples.golden("diagram", svg(table) + mermaid(table))


def test_nothing_breaks_a_connection_in_an_empty_table() -> None:
    assert "What breaks" not in svg(())


def test_every_row_is_a_line_of_mermaid() -> None:
    names = {state.name: str(state) for state in State}
    rows = re.findall(r"^    (\w+) --> (\w+) : (.+)$", mermaid(TABLE), re.M)
    assert Counter((names[a], names[b], label) for a, b, label in rows) == Counter(
        (row.state, row.next, row.label) for row in TABLE
    )
    assert all(f'state "{state}" as {state.name}' in mermaid(TABLE) for state in State)


def test_every_route_is_used_and_every_state_has_a_place() -> None:
    assert set(PLACES) == set(State)
    assert set(ROUTES) == {(r.state, r.next) for r in TABLE if r.input not in BREAKING}


def test_no_text_is_on_another_or_on_a_box_or_outside() -> None:
    root = ElementTree.fromstring(svg(TABLE))
    boxes = [_box_of_text(e) for e in root.iter(f"{SVG}text")]
    width, height = (float(root.attrib[name]) for name in ("width", "height"))
    for left, top, right, bottom in boxes:
        assert left >= 0
        assert top >= 0
        assert right <= width
        assert bottom <= height
    rects = [
        (x - BOX[0] / 2, y - BOX[1] / 2, x + BOX[0] / 2, y + BOX[1] / 2)
        for x, y in [*PLACES.values(), (810, 850)]
    ]
    names = {str(state) for state in State}
    words = [b for b, e in zip(boxes, root.iter(f"{SVG}text"), strict=True) if e.text not in names]
    for one, other in itertools.combinations(words, 2):
        assert not _overlap(one, other)
    for one, other in itertools.product(words, rects):
        assert not _overlap(one, other)


def test_no_arrow_runs_through_a_label() -> None:
    root = ElementTree.fromstring(svg(TABLE))
    labels = [
        _box_of_text(e) for g in root.iter(f"{SVG}g") if g.attrib["class"] == "edge"
        for e in g.iter(f"{SVG}text")
    ]  # fmt: skip
    for route in ROUTES.values():
        for (x1, y1), (x2, y2) in itertools.pairwise(route.corners):
            line = (min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))
            assert not any(_overlap(line, label) for label in labels), route


def _box_of_text(element: ElementTree.Element) -> Box:
    """Where a text stands, with what is wide for each of its characters."""
    each = 8.2 if element.attrib.get("class") in ("head", "title") else 7.0
    wide = each * len(element.text or "")
    x, y = float(element.attrib["x"]), float(element.attrib["y"])
    left = {"middle": x - wide / 2, "end": x - wide}.get(element.attrib.get("text-anchor", ""), x)
    return left, y - LINE + 4, left + wide, y + 3


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def test_it_is_a_picture(tmp_path: Path) -> None:
    converter = shutil.which("rsvg-convert")
    if converter is None:
        pytest.skip("rsvg-convert is not installed (librsvg2-bin), so nothing drew the SVG")
    source = tmp_path / "states.svg"
    source.write_text(svg(TABLE))
    png = tmp_path / "states.png"
    subprocess.run([converter, source, "-o", png], check=True)
    assert png.read_bytes().startswith(b"\x89PNG")

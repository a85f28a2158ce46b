"""Pictures that stand alone: an SVG file each, with its style, light and dark, for a README.

The matrix has the states of RFC 9293 down and the events of section 3.10 across; a cell says how
many of its rows a case verifies, and the gravest verdict of those cases. Only that: a picture
shall not change with each case that is written.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Final

from conformance.report.site.events import by_cell
from conformance.report.site.marks import SIGNS
from conformance.report.site.markup import Html, line
from conformance.report.site.model import GRAVEST, Play, Site
from conformance.report.site.rules import Rules
from conformance.requirements.catalogue import Requirement
from conformance.tcp.states import State

_NAMES, _CELL, _ROW, _TOP, _SIDE = 108, 46, 24, 124, 64  # pixels
_LEFT_OUT: Final = 8  # pixels around


def matrix(site: Site) -> str:
    """All states and events of a site."""
    rules, events = Rules(site), by_cell()
    columns = list(dict.fromkeys(cell for _, cell in events))
    parts = [_head(cell, at) for at, cell in enumerate(columns)]
    for down, state in enumerate(State):
        y = _TOP + down * _ROW
        parts.append(f'<text x="{_NAMES - 8}" y="{y + 16}" text-anchor="end">{state}</text>')
        for across, cell in enumerate(columns):
            rows = events.get((str(state), cell), [])
            x = _NAMES + across * _CELL
            parts.append(_cell(x, y, rows, rules) if rows else "")
    width, height = _NAMES + len(columns) * _CELL + _SIDE, _TOP + len(State) * _ROW
    about = "states of RFC 9293 down, events across: the rows that cases verify"
    return _alone("cells", "".join(parts), width, height, about)


def ladder_of(play: Play) -> str:
    """The ladder of one play."""
    found = re.fullmatch(r'<svg class="ladder" viewBox="0 0 ([\d.]+) ([\d.]+)"[^>]*>(.*)</svg>',
                         play.ladder, re.DOTALL)  # fmt: skip
    if found is None:
        return _alone("ladder", "", 0, 0, "nothing happened")
    return _alone("ladder", found[3], float(found[1]), float(found[2]), f"ladder of {play.id}")


def _head(cell: str, at: int) -> str:
    x, y = _NAMES + at * _CELL + _CELL // 2 + 4, _TOP - 8
    return f'<text x="{x}" y="{y}" transform="rotate(-55 {x} {y})">{line(cell)}</text>'


def _cell(x: int, y: int, rows: list[Requirement], rules: Rules) -> str:
    verified = sum(row.id in rules.cases for row in rows)
    shelves = {shelf.id: shelf for row in rows for shelf in rules.cases.get(row.id, ())}
    outcomes = {play.outcome for shelf in shelves.values() for play in shelf.plays.values()}
    gravest = next((outcome for outcome in GRAVEST if outcome in outcomes), None)
    kind, sign = (str(gravest), SIGNS[gravest]) if gravest else ("hole", "\N{MIDDLE DOT}")
    share = f"{len(rows)}" if verified == len(rows) else f"{verified}/{len(rows)}"
    return (
        f'<rect x="{x + 1}" y="{y + 1}" width="{_CELL - 2}" height="{_ROW - 2}" rx="3" '
        f'class="part {kind}"/><text x="{x + _CELL // 2}" y="{y + 16}" text-anchor="middle" '
        f'class="{kind}">{sign} {share}</text>'
    )


def _alone(kind: str, inner: str, width: float, height: float, about: str) -> str:
    edge = _LEFT_OUT
    whole, high = width + 2 * edge, height + 2 * edge
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="{kind}" '
        f'viewBox="{-edge} {-edge} {whole:g} {high:g}" width="{whole:g}" height="{high:g}" '
        f'role="img" aria-label="{line(about)}"><style>{_style(kind)}</style>'
        f'<rect x="{-edge}" y="{-edge}" width="{whole:g}" height="{high:g}" rx="8" class="page"/>'
        f"{inner}</svg>\n"
    )


@cache
def _style(kind: str) -> Html:
    """The colours, and of the site's style what is about such a picture."""
    text = Path(__file__).with_name("style.css").read_text(encoding="utf-8")
    colours, _, rest = text.partition("* {")
    own = [one for one in rest.splitlines() if one.startswith((f".{kind} ", "svg text "))]
    return Html("\n".join([colours.strip(), *own, ".page { fill: var(--card); }"]))

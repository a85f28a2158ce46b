"""The state machine as a picture, drawn from the table that the reference runs on.

It is figure 5 of RFC 9293 with every row of the table in it. Rules:

- What opens and closes a connection is an arrow, at the places of the figure. CLOSED stands
  twice, above and at the foot, as the RFC draws it for want of room.
- What breaks a connection leads to CLOSED from nearly everywhere. Thirty more arrows would hide
  the figure, so these rows are a table below it: state by input, and what is done.
- Places and routes are data. A pair of states without a route is joined by a straight line: the
  picture may get ugly, never wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from conformance.reference.transitions import Input, Transition
from conformance.tcp.states import State

Point = tuple[float, float]

BREAKING: Final = (
    Input.ABORT,
    Input.RST,
    Input.SYN_IN_WINDOW,
    Input.TEXT_AFTER_CLOSE,
    Input.HARD_ERROR,
    Input.USER_TIMEOUT,
)
BOX: Final = (150, 40)
WIDTH: Final = 1000
_FOOT: Final = (810.0, 850.0)  # CLOSED again
PLACES: Final[Mapping[State, Point]] = {
    State.CLOSED: (500, 80),
    State.LISTEN: (500, 205),
    State.SYN_RECEIVED: (190, 330),
    State.SYN_SENT: (810, 330),
    State.ESTABLISHED: (500, 460),
    State.FIN_WAIT_1: (190, 590),
    State.CLOSE_WAIT: (810, 590),
    State.FIN_WAIT_2: (190, 720),
    State.CLOSING: (500, 720),
    State.LAST_ACK: (810, 720),
    State.TIME_WAIT: (500, 850),
}
LINE: Final = 15  # between two lines of a label
_TABLE_TOP: Final = 985
_FIRST: Final = 150  # the column of the states
_COLUMN: Final = 95  # the narrowest of the others
_BOLD: Final = 8.2  # the widest that a bold character is on average
_ROW: Final = 26


@dataclass(frozen=True, slots=True)
class Route:
    """The corners of an arrow, and where the first line of its label stands."""

    corners: tuple[Point, ...]
    label: Point
    anchor: str = "middle"


_S = State
ROUTES: Final[Mapping[tuple[State, State], Route]] = {
    (_S.CLOSED, _S.LISTEN): Route(((470, 100), (470, 185)), (460, 146), "end"),
    (_S.CLOSED, _S.SYN_SENT): Route(((575, 70), (850, 70), (850, 310)), (712, 62)),
    (_S.LISTEN, _S.CLOSED): Route(((530, 185), (530, 100)), (540, 146), "start"),
    (_S.LISTEN, _S.SYN_SENT): Route(((575, 205), (770, 205), (770, 310)), (672, 183)),
    (_S.LISTEN, _S.SYN_RECEIVED): Route(((425, 197), (150, 197), (150, 310)), (288, 189)),
    (_S.SYN_SENT, _S.CLOSED): Route(((810, 310), (810, 90), (575, 90)), (692, 106)),
    (_S.SYN_SENT, _S.ESTABLISHED): Route(((810, 350), (810, 460), (575, 460)), (692, 452)),
    (_S.SYN_SENT, _S.SYN_RECEIVED): Route(((735, 330), (265, 330)), (500, 322)),
    (_S.SYN_RECEIVED, _S.LISTEN): Route(((230, 310), (230, 215), (425, 215)), (242, 234), "start"),
    (_S.SYN_RECEIVED, _S.ESTABLISHED): Route(((230, 350), (230, 460), (425, 460)), (328, 452)),
    (_S.SYN_RECEIVED, _S.FIN_WAIT_1): Route(((150, 350), (150, 570)), (140, 464), "end"),
    (_S.ESTABLISHED, _S.FIN_WAIT_1): Route(((470, 480), (470, 590), (265, 590)), (367, 582)),
    (_S.ESTABLISHED, _S.CLOSE_WAIT): Route(((530, 480), (530, 590), (735, 590)), (632, 582)),
    (_S.FIN_WAIT_1, _S.FIN_WAIT_2): Route(((150, 610), (150, 700)), (140, 659), "end"),
    (_S.FIN_WAIT_1, _S.CLOSING): Route(
        ((230, 610), (230, 655), (500, 655), (500, 700)), (365, 647)
    ),
    (_S.CLOSE_WAIT, _S.LAST_ACK): Route(((810, 610), (810, 700)), (820, 659), "start"),
    (_S.FIN_WAIT_2, _S.TIME_WAIT): Route(((190, 740), (190, 850), (425, 850)), (308, 842)),
    (_S.CLOSING, _S.TIME_WAIT): Route(((500, 740), (500, 830)), (510, 789), "start"),
    (_S.LAST_ACK, _S.CLOSED): Route(((810, 740), (810, 830)), (820, 789), "start"),
    (_S.TIME_WAIT, _S.CLOSED): Route(((575, 850), (735, 850)), (655, 890)),
    (_S.TIME_WAIT, _S.TIME_WAIT): Route(
        ((450, 870), (450, 898), (490, 898), (490, 870)), (440, 902), "end"
    ),
}

_STYLE: Final = """
text { font: 12px "DejaVu Sans", "Helvetica Neue", Arial, sans-serif; fill: #1f2933; }
.box rect { fill: #eef4fb; stroke: #2f5d8c; stroke-width: 1.5; }
.box text { font-weight: bold; font-size: 13px; text-anchor: middle; }
.closed rect { fill: #f3f3f3; stroke: #555; }
.open rect { fill: #e5f5e8; stroke: #2c7a3f; }
.edge path { fill: none; stroke: #2f5d8c; stroke-width: 1.4; marker-end: url(#head); }
.head { font-weight: bold; }
.title { font-size: 16px; font-weight: bold; }
.small { font-size: 11px; fill: #52606d; }
.rule { stroke: #cbd2d9; stroke-width: 1; }
""".strip()


def svg(table: Iterable[Transition]) -> str:
    """The picture, in one file that needs no other."""
    rows = tuple(table)
    broken = [row for row in rows if row.input in BREAKING]
    states = [state for state in State if any(row.state is state for row in broken)]
    height = _TABLE_TOP + _ROW * (len(states) + 1) + 30
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" role="img">',
        "<title>The states of a TCP connection (RFC 9293, figure 5)</title>",
        f"<style>{_STYLE}</style>",
        '<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" '
        'markerHeight="8" orient="auto"><path d="M0 0 L10 5 L0 10 z" fill="#2f5d8c"/>'
        "</marker></defs>",
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
        '<text class="title" x="30" y="36">The states of a TCP connection</text>',
        '<text class="small" x="30" y="54">RFC 9293, figure 5: input / what is done</text>',
        *(_arrow(pair, found) for pair, found in _pairs(rows).items()),
        *(_box(state, place) for state, place in PLACES.items()),
        _box(State.CLOSED, _FOOT),
        *_breaks(broken, states),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def mermaid(table: Iterable[Transition]) -> str:
    """For a page that draws Mermaid; what breaks a connection comes last."""
    rows = tuple(table)
    lines = ["stateDiagram-v2"]
    lines += [f'    state "{state}" as {state.name}' for state in State]
    lines += [_mermaid(row) for row in rows if row.input not in BREAKING]
    lines.append("    %% what breaks a connection")
    lines += [_mermaid(row) for row in rows if row.input in BREAKING]
    return "\n".join(lines) + "\n"


def _mermaid(row: Transition) -> str:
    return f"    {row.state.name} --> {row.next.name} : {row.label}"


def _pairs(rows: Iterable[Transition]) -> dict[tuple[State, State], list[Transition]]:
    """The rows that are arrows, by the states that they join."""
    found: dict[tuple[State, State], list[Transition]] = {}
    for row in rows:
        if row.input not in BREAKING:
            found.setdefault((row.state, row.next), []).append(row)
    return found


def route_of(pair: tuple[State, State]) -> Route:
    """The route of the data, else a straight line with its label in the middle."""
    if pair in ROUTES:
        return ROUTES[pair]
    (x1, y1), (x2, y2) = PLACES[pair[0]], PLACES[pair[1]]
    return Route(((x1, y1), (x2, y2)), ((x1 + x2) / 2, (y1 + y2) / 2))


def _arrow(pair: tuple[State, State], rows: list[Transition]) -> str:
    route = route_of(pair)
    path = " L".join(f"{x:g} {y:g}" for x, y in route.corners)
    x, y = route.label
    labels = "".join(
        f'<text {_data(row)} x="{x:g}" y="{y + LINE * i:g}" text-anchor="{route.anchor}">'
        f"{escape(row.label)}<title>section {escape(row.section)}</title></text>"
        for i, row in enumerate(rows)
    )
    return f'<g class="edge"><path d="M{path}"/>{labels}</g>'


def _data(row: Transition) -> str:
    """Which row of the table an element stands for."""
    names = (("state", row.state), ("input", row.input), ("next", row.next))
    return " ".join(f"data-{name}={quoteattr(str(value))}" for name, value in names)


def _box(state: State, place: Point) -> str:
    x, y = place
    wide, high = BOX
    kind = {State.CLOSED: "box closed", State.ESTABLISHED: "box open"}.get(state, "box")
    return (
        f'<g class="{kind}"><rect x="{x - wide / 2:g}" y="{y - high / 2:g}" width="{wide}" '
        f'height="{high}" rx="6"/><text x="{x:g}" y="{y + 5:g}">{state}</text></g>'
    )


def _breaks(rows: list[Transition], states: list[State]) -> list[str]:
    """The table of what breaks a connection."""
    if not rows:
        return []
    inputs = [one for one in BREAKING if any(row.input is one for row in rows)]
    parts = [
        f'<text class="head" x="30" y="{_TABLE_TOP - 28}">What breaks a connection: '
        "it is CLOSED at once, and</text>"
    ]
    lefts = _columns(inputs)
    parts += [_cell(lefts[one], 0, str(one), "head") for one in inputs]
    parts += [_cell(30, 1 + i, str(state), "head") for i, state in enumerate(states)]
    for i in range(len(states) + 1):
        y = _TABLE_TOP + _ROW * i + 9
        parts.append(f'<line class="rule" x1="30" x2="{WIDTH - 30}" y1="{y}" y2="{y}"/>')
    for row in rows:
        _, slash, done = row.label.partition(" / ")
        text = done if slash else "nothing more"
        if row.next is not State.CLOSED:
            text += f", to {row.next}"
        parts.append(_cell(lefts[row.input], 1 + states.index(row.state), text, "", _data(row)))
    return parts


def _columns(inputs: list[Input]) -> dict[Input, float]:
    """The left edge of each column: as wide as its heading asks."""
    lefts: dict[Input, float] = {}
    x = 30.0 + _FIRST
    for one in inputs:
        lefts[one] = x
        x += max(_COLUMN, _BOLD * len(one) + 16)
    return lefts


def _cell(x: float, line: int, text: str, kind: str, data: str = "") -> str:
    y = _TABLE_TOP + _ROW * line
    attributes = " ".join(part for part in (f'class="{kind}"' if kind else "", data) if part)
    return f'<text {attributes} x="{x:g}" y="{y}">{escape(text)}</text>'

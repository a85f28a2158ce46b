"""The state machine as a picture, drawn from the table that the reference runs on.

As in figure 5 of RFC 9293, what breaks a connection (a reset, an abort, a timeout) is not drawn
but named in a line. Which inputs these are is read off the table: those by which the user is ever
told of a failure.
"""

from __future__ import annotations

from typing import Final
from xml.sax.saxutils import escape

from conformance.reference.transitions import TABLE, Action, Input, Transition
from conformance.tcp.states import State

_FAILURES: Final = {Action.TELL_REFUSED, Action.TELL_RESET, Action.TELL_TIMEOUT}
_END: Final = "end"  # CLOSED again, at the foot, as in the figure
_S = State
# The places of figure 5, in columns and rows.
_PLACES: Final[dict[str, tuple[float, float]]] = {
    _S.CLOSED: (2, 0),
    _S.LISTEN: (1.5, 1),
    _S.SYN_RECEIVED: (1, 2),
    _S.SYN_SENT: (3, 2),
    _S.ESTABLISHED: (2, 3),
    _S.FIN_WAIT_1: (1, 4),
    _S.CLOSE_WAIT: (3, 4),
    _S.FIN_WAIT_2: (0, 5),
    _S.CLOSING: (1.5, 5),
    _S.LAST_ACK: (3, 5),
    _S.TIME_WAIT: (1, 6),
    _END: (3, 6),
}
_WIDE: Final = 250  # of a cell
_HIGH: Final = 130
_BOX: Final = (130, 34)
_LINE: Final = 13  # between two lines of a label


def breaking() -> list[Input]:
    """The inputs that break a connection."""
    return list(dict.fromkeys(row.input for row in TABLE if _FAILURES & set(row.actions)))


def edges() -> dict[tuple[State, State], list[str]]:
    """The labels of each arrow, in the order of the table."""
    left_out = breaking()
    found: dict[tuple[State, State], list[str]] = {}
    for row in TABLE:
        if row.input not in left_out:
            _add(found, row)
    return found


def _add(found: dict[tuple[State, State], list[str]], row: Transition) -> None:
    labels = found.setdefault((row.state, row.next), [])
    if row.label not in labels:
        labels.append(row.label)


def _left_out() -> str:
    return "what breaks a connection leads to CLOSED: " + ", ".join(map(str, breaking()))


def mermaid() -> str:
    """For a page that renders Mermaid."""
    lines = ["stateDiagram-v2", f"    %% not drawn: {_left_out()}"]
    lines += [f'    state "{state}" as {state.name}' for state in State]
    for (state, next), labels in edges().items():
        lines += [f"    {state.name} --> {next.name} : {label}" for label in labels]
    return "\n".join(lines)


def svg() -> str:
    """A picture of its own."""
    width, height = 4 * _WIDE, 7 * _HIGH
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="11">',
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" '
        'markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8z"/></marker></defs>',
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    found = edges()
    parts += [_arrow(state, next, labels, found) for (state, next), labels in found.items()]
    parts += [_box(name) for name in _PLACES]
    parts += [_text(width / 2, height - 12, [_left_out()]), "</svg>"]
    return "\n".join(parts)


def _at(name: str) -> tuple[float, float]:
    column, row = _PLACES[name]
    return column * _WIDE + _WIDE / 2, row * _HIGH + _HIGH / 2


def _box(name: str) -> str:
    x, y = _at(name)
    wide, high = _BOX
    label = State.CLOSED if name == _END else name
    return (
        f'<rect x="{x - wide / 2:.0f}" y="{y - high / 2:.0f}" width="{wide}" height="{high}" '
        'rx="4" fill="#eef" stroke="black"/>'
        f'<text x="{x:.0f}" y="{y + 5:.0f}" text-anchor="middle" font-size="14">{label}</text>'
    )


def _arrow(
    state: State, next: State, labels: list[str], found: dict[tuple[State, State], list[str]]
) -> str:
    x1, y1 = _at(state)
    if state is next:
        return _text(x1, y1 + _BOX[1] / 2 + _LINE, labels)
    below = _PLACES[state][1] > _PLACES[State.ESTABLISHED][1]
    x2, y2 = _at(_END if next is State.CLOSED and below else next)
    aside = 0.0
    if (next, state) in found:  # both ways: side by side, the words beyond their own line
        shift = -24 if y1 < y2 else 24
        x1, x2, aside = x1 + shift, x2 + shift, 2.5 * shift
    (x1, y1), (x2, y2) = _edge(x1, y1, x2, y2), _edge(x2, y2, x1, y1)
    line = (
        f'<line x1="{x1:.0f}" y1="{y1:.0f}" x2="{x2:.0f}" y2="{y2:.0f}" '
        'stroke="black" marker-end="url(#tip)"/>'
    )
    return line + _text((x1 + x2) / 2 + aside, (y1 + y2) / 2, labels)


def _edge(x: float, y: float, to_x: float, to_y: float) -> tuple[float, float]:
    """Where the line to the other box leaves this one."""
    across, down = to_x - x, to_y - y
    wide, high = _BOX[0] / 2, _BOX[1] / 2
    part = min(wide / abs(across) if across else 1, high / abs(down) if down else 1)
    return x + across * part, y + down * part


def _text(x: float, y: float, lines: list[str]) -> str:
    """Centred lines on a white ground."""
    first = y - _LINE * (len(lines) - 1) / 2 + 4
    return "".join(
        f'<text x="{x:.0f}" y="{first + _LINE * i:.0f}" text-anchor="middle" stroke="white" '
        f'stroke-width="3" paint-order="stroke">{escape(line)}</text>'
        for i, line in enumerate(lines)
    )

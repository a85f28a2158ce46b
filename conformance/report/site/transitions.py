"""The state diagram with what the records tell: which transitions each target was seen to make.

Two states that are told one after the other are a move. The table of the reference joins them by
one row, by several (a target that is only sampled passes states that nobody sees), or by none.
None of that is a verdict: the cases judge.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from itertools import product
from typing import Final

from conformance.reference.transitions import TABLE
from conformance.report.diagram import BOX, PLACES, ROUTES, WIDTH, route_of
from conformance.report.site.markup import Html, joined, tag
from conformance.report.site.model import Move, Site
from conformance.report.site.names import anchor
from conformance.report.site.page import page, table, wide
from conformance.tcp.states import State

_HEIGHT: Final = 930
_FOOT: Final = (810.0, 850.0)
_EDGES: Final = {(row.state, row.next): row for row in TABLE}
_SIGNS: Final = {"seen": "\N{CHECK MARK}", "unseen": "\N{MIDDLE DOT}", "over": "~", "none": "?!"}


class MoveInTable(StrEnum):
    """What a move is to the table of the reference."""

    SEEN = "seen"  # one row
    OVER = "over"  # several rows, of a target that is sampled
    NONE = "none"  # no row, of a target that tells every change; or no way at all


def _named(move: Move, *, reports_all: bool) -> Move:
    """The move, where no connection is (CLOSED) by the name that the table has for it.

    Of a pair of sockets that a listener serves, one stack says CLOSED and another LISTEN.
    """
    for before, after in product(_same(move[0]), _same(move[1])):
        if judged((before, after), reports_all=reports_all) is not MoveInTable.NONE:
            return before, after
    return move


def _same(state: str) -> tuple[str, ...]:
    other = {State.CLOSED: State.LISTEN, State.LISTEN: State.CLOSED}.get(State(state))
    return (state, str(other)) if other else (state,)


def judged(move: Move, *, reports_all: bool) -> MoveInTable:
    """What two states that were told one after the other say."""
    before, after = State(move[0]), State(move[1])
    if (before, after) in _EDGES:
        return MoveInTable.SEEN
    return MoveInTable.OVER if not reports_all and after in _reach(before) else MoveInTable.NONE


def _reach(state: State) -> set[State]:
    """What can be reached by rows, without a way through CLOSED."""
    found: set[State] = set()
    left = [state]
    while left:
        here = left.pop()
        for before, after in _EDGES:
            if before is here and after not in found:
                found.add(after)
                if after is not State.CLOSED:
                    left.append(after)
    return found


def transitions_page(site: Site) -> str:
    """A table of all, then a picture for each target."""
    whole = {visit.target: visit.reports_all for visit in site.visits.values()}
    moves: dict[str, Counter[Move]] = {target: Counter() for target in site.targets}
    for play in site.plays():
        for move in play.moves:
            moves[play.target][_named(move, reports_all=whole[play.target])] += 1
    body = [
        tag("p", _LEGEND),
        tag("p", "A sampled target (its column says so) is asked for its state now and then: a "
            "move over states in between is expected of it, and what is not seen may have been."),
        _table(moves, whole),
    ]  # fmt: skip
    body.append(
        tag(
            "p",
            "In the pictures dots are a transition that was not seen. What breaks a connection "
            "leads to CLOSED from nearly everywhere and stands in the table alone.",
        )
    )
    for target in site.targets:
        body += [
            tag("h2", target, id=anchor(target)),
            wide(
                _diagram(target, moves[target], reports_all=whole[target]),
                about=f"state diagram of {target}",
            ),
        ]
    return page("Transitions", *body, here="states.html")


_LEGEND: Final = (
    "Two states that a record tells one after the other, of one connection. \N{CHECK MARK}: the "
    "reference's table (RFC 9293 section 3.10) has a row from the one to the other; \N{MIDDLE DOT}:"
    " it has, and these runs did not see it; ~: several rows lead there, states in between were "
    "not told; ?!: the table has no such row. That is a question and no verdict: the record does "
    "not say what brought a state about, and what is forbidden a case says. Where no connection "
    "is, some stacks say CLOSED and some LISTEN, if a listener is there: they count as one. The "
    "first state that is told of a connection has none before it, and is no move."
)


def _table(moves: Mapping[str, Counter[Move]], whole: Mapping[str, bool]) -> Html:
    pairs = [(str(a), str(b)) for a, b in _EDGES]
    pairs += sorted({move for found in moves.values() for move in found} - set(pairs))
    heads = [
        "from", "to",
        *(tag("th", target, "" if whole[target] else " (sampled)", scope="col")
          for target in moves),
    ]  # fmt: skip
    rows = [
        tag(
            "tr",
            tag("th", before, scope="row"),
            tag("th", after, scope="row"),
            *(_cell((before, after), found, reports_all=whole[target])
              for target, found in moves.items()),
        )
        for before, after in pairs
    ]  # fmt: skip
    return table(heads, tag("tbody", *rows), about="transitions down, targets across")


def _cell(move: Move, found: Counter[Move], *, reports_all: bool) -> Html:
    if not found[move]:
        in_table = (State(move[0]), State(move[1])) in _EDGES
        return tag("td", _SIGNS["unseen"] if in_table else "", class_="move unseen")
    kind = judged(move, reports_all=reports_all)
    return tag("td", f"{_SIGNS[kind]} {found[move]}", class_=f"move {kind}")


# ---- the picture ---------------------------------------------------------------------------------


def _diagram(target: str, found: Counter[Move], *, reports_all: bool) -> Html:
    heads = joined(
        Html(
            f'<marker id="{anchor(target)}-{kind}" viewBox="0 0 10 10" refX="9" refY="5" '
            'markerWidth="8" markerHeight="8" orient="auto">'
            f'<path d="M0 0 L10 5 L0 10 z" class="head {kind}"/></marker>'
        )
        for kind in _SIGNS
    )
    drawn = [
        (State(a), State(b))
        for a, b in dict.fromkeys([*((str(x), str(y)) for x, y in _EDGES), *found])
        if _is_drawn((State(a), State(b)))
    ]
    edges = [
        _edge(target, pair, found[str(pair[0]), str(pair[1])], reports_all=reports_all)
        for pair in drawn
    ]
    boxes = [_box(state, place) for state, place in PLACES.items()]
    return Html(
        f'<svg class="diagram" viewBox="0 0 {WIDTH} {_HEIGHT}" width="{WIDTH}" '
        f'height="{_HEIGHT}" role="group" aria-label="state diagram"><defs>{heads}</defs>'
        f"{joined(edges)}{joined(boxes)}{_box(State.CLOSED, _FOOT)}</svg>"
    )


def _is_drawn(pair: tuple[State, State]) -> bool:
    """All but what breaks a connection: those would hide the figure, and stand in the table."""
    return pair in ROUTES or (pair[1] is not State.CLOSED and pair not in _EDGES)


def _edge(target: str, pair: tuple[State, State], many: int, *, reports_all: bool) -> Html:
    move = str(pair[0]), str(pair[1])
    kind = str(judged(move, reports_all=reports_all)) if many else "unseen"
    route = route_of(pair)
    path = " L".join(f"{x:g} {y:g}" for x, y in route.corners)
    x, y = route.label
    said = f"{_SIGNS[kind]} {many}" if many else ""
    title = tag("title", f"{move[0]} to {move[1]}: {many or 'not seen'}")
    return Html(
        f'<g class="edge {kind}">{title}<path d="M{path}" '
        f'marker-end="url(#{anchor(target)}-{kind})"/>'
        f'<text x="{x:g}" y="{y:g}" text-anchor="{route.anchor}">{said}</text></g>'
    )


def _box(state: State, place: tuple[float, float]) -> Html:
    x, y = place
    wide_, high = BOX
    return Html(
        f'<g class="box"><rect x="{x - wide_ / 2:g}" y="{y - high / 2:g}" width="{wide_}" '
        f'height="{high}" rx="6"/><text x="{x:g}" y="{y + 5:g}" text-anchor="middle">{state}</text>'
        "</g>"
    )

"""Options of every family, drawn by what its row says: a new one is drawn at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from hypothesis import strategies as st

from conformance.tcp import options as tcp

# What a row does not tell: an End-of-List ends the field, the malformed have no text.
_OTHERWISE: Final[dict[str, st.SearchStrategy[tcp.Option]]] = {
    "eol": st.builds(tcp.Eol, st.integers(0, 3).map(bytes)),
    "malformed": st.builds(
        lambda kind, length, rest: tcp.Malformed(bytes((kind, length)) + rest[:30]),
        st.integers(2, 255),
        st.sampled_from((0, 1, 50)),
        st.binary(max_size=38),
    ),
}
_LONGEST: Final = 38  # octets of a body


def options_of(family: tcp.OptionFamily) -> st.SearchStrategy[tcp.Option]:
    """Every option of a family that a header can hold, as the wire would be read."""
    if family.name in _OTHERWISE:
        return _OTHERWISE[family.name]
    assert family.text is not None, "nothing says how such an option looks"
    text = family.text
    once = st.tuples(*(st.integers(0, number.most) for number in text.numbers))
    size = sum(number.octets for number in text.numbers)
    most = _LONGEST // size if text.repeats else 1
    if text.fewer:
        counts = st.integers(0, len(text.numbers))
        some = st.tuples(once, counts).map(lambda drawn: drawn[0][: drawn[1]])
        return st.builds(family.make, some)
    numbers: st.SearchStrategy[Sequence[int]] = st.lists(once, min_size=1, max_size=most).map(
        lambda groups: [number for group in groups for number in group]
    )
    sizes = text.sizes or range(_LONGEST * text.octets + 1)
    body = st.sampled_from(sizes).flatmap(lambda size: st.binary(min_size=size, max_size=size))
    return st.builds(family.make, numbers, body).filter(
        lambda one: tcp.decode(one.encode()) == (one,)
    )


ANY_OPTION: Final = st.one_of(*map(options_of, tcp.FAMILIES))

"""``net:`` as a case writes it: what is shown is read as the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from hand import write_case
from hypothesis import given
from hypothesis import strategies as st

from conformance.case.faults import CaseFaults
from conformance.case.fmt import format_text
from conformance.case.net import NOTHING, ChosenSegments, NetText, show_net
from conformance.case.verbs.net import Net
from conformance.notation.time import parse_duration

PLACES = st.lists(st.integers(1, 500), min_size=1, max_size=8, unique=True).map(sorted)
CHOSEN = st.one_of(
    st.just(ChosenSegments()),
    st.integers(1, 1000).map(lambda tenths: ChosenSegments(percent=tenths / 10)),
    PLACES.map(lambda places: ChosenSegments(places=tuple(places))),
)
DELAY = st.one_of(st.none(), st.sampled_from(["50ms", "0.75RTO", "1s+5ms"]).map(parse_duration))


@st.composite
def texts(draw: st.DrawFn) -> NetText:
    loss, duplicate, reorder = draw(CHOSEN), draw(CHOSEN), draw(CHOSEN)
    mtu, delay = draw(st.one_of(st.just(0), st.integers(68, 1500))), draw(DELAY)
    found = NetText(loss, duplicate, reorder, delay=delay, mtu=mtu)
    by = draw(st.integers(1, 64)) if reorder else 1
    seed = draw(st.integers(0, 2**32 - 1)) if found.by_chance else 1
    return NetText(loss, duplicate, reorder, by, delay, mtu, seed)


@given(text=texts())
def test_what_is_shown_is_read_as_the_same(
    text: NetText, tmp_path_factory: pytest.TempPathFactory
) -> None:
    line = f"- net:     {show_net(text)}"
    case = write_case(tmp_path_factory.mktemp("net"), f"{line}\n- silence: 1s", given="")
    step = case.steps[0]
    assert isinstance(step, Net)
    assert step.value == text
    assert step.text == f"net: {show_net(text)}"
    source = f"title: T\nsteps:\n  {line}\n"
    assert format_text(source) == source


def test_none_is_a_network_that_does_nothing(tmp_path: Path) -> None:
    case = write_case(tmp_path, "- net: none\n- silence: 1s", given="")
    assert case.steps[0].value == NOTHING
    assert show_net(NOTHING) == "none"


def test_a_parameter_may_be_a_share_or_places(tmp_path: Path) -> None:
    head = 'parameters: {which: ["3,4"]}\n'
    case = write_case(tmp_path, "- net: {loss: [$which]}\n- silence: 1s", head=head, given="")
    assert case.steps[0].value == NetText(loss=ChosenSegments(places=(3, 4)))
    head = "parameters: {which: [5%]}\n"
    with pytest.raises(CaseFaults, match="101%"):
        write_case(tmp_path, "- net: {loss: 101%}\n- silence: 1s", given="")
    case = write_case(tmp_path, "- net: {loss: $which}\n- silence: 1s", head=head, given="")
    assert case.steps[0].value == NetText(loss=ChosenSegments(percent=5))

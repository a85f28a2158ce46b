"""The names of captures: two ids never have one, and none is too long for a file system."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.case.model import Case
from conformance.commands.captures import SUFFIX, Captures, file_name
from conformance.play.profile import Profile
from conformance.play.record import Addressing, Record

ALIKE = st.text(st.sampled_from(["/", ":", "-", "+", "@", "%", "~", "a", "2", "B", "F", "ä"]))
IDS = st.one_of(ALIKE, st.text(), st.text(st.characters(categories=["Cs", "Lo"]), min_size=80))


@given(IDS, IDS)
def test_no_two_ids_have_one_name(one: str, other: str) -> None:
    assert (file_name(one) == file_name(other)) == (one == other)


def test_no_two_short_ids_of_what_is_spelt_have_one_name() -> None:
    ids = ["".join(letters) for n in (1, 2, 3) for letters in product("/:-+@%~2BF", repeat=n)]
    assert len({file_name(id) for id in ids}) == len(ids)


@given(IDS)
def test_a_name_fits_and_is_one_part_of_a_path(id: str) -> None:
    name = file_name(id) + SUFFIX
    assert len(name.encode()) <= 255
    assert not set(name) & set('/\\\0<>:"|?*\n')


@pytest.mark.parametrize(
    ("id", "name"),
    [
        ("a/b::linux-ipv4[n=1]", "a+b@linux-ipv4[n=1]"),
        ("a-b::linux-ipv4[n=1]", "a-b@linux-ipv4[n=1]"),
        ("a::t[x=1/2]", "a@t[x=1+2]"),
        ("a:b", "a%3Ab"),
        ("\udcff", "%ED%B3%BF"),
    ],
)
def test_names(id: str, name: str) -> None:
    assert file_name(id) == name


def test_two_cases_of_one_id_from_elsewhere_have_captures_of_their_own() -> None:
    captures = Captures(Path("p"))
    paths = [captures.path(record(path)) for path in ("x/a.yaml", "y/a.yaml", "x/a.yaml")]
    assert paths[0] == paths[2] == Path("p/a@t-ipv4.pcapng")
    assert paths[1] not in (paths[0], Path("p/a@t-ipv4"))


def record(path: str) -> Record:
    return Record(Case("a", path, "", ()), Profile("t", msl=1.0), Addressing(ip=4))

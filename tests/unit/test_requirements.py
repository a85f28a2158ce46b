"""The catalogue of requirements: complete, sound, and quick to load."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from conformance.requirements import catalogue
from conformance.tcp.states import State


def test_the_labelled_requirements_are_all_there() -> None:
    labels = Counter(
        id.partition("/")[2].rpartition("-")[0]
        for id in catalogue.known()
        if re.fullmatch(r"rfc9293/(MUST|SHLD|MAY|REC)-\d+", id)
    )
    assert labels == {"MUST": 69, "SHLD": 31, "MAY": 18, "REC": 1}


def test_every_state_and_event_has_a_row() -> None:
    events = [one for one in catalogue.catalogue().values() if one.state]
    cells = {(one.state, one.cell) for one in events}
    assert len(events) == 373
    assert {state for state, _ in cells} == {str(state) for state in State}
    others = {(state, "OTHER") for state in ("LISTEN", "SYN-SENT")}
    assert len(cells - others) == 11 * 18
    assert sum(not one.applicable for one in events) == 21


def test_a_requirement_says_where_it_stands() -> None:
    found = catalogue.get("rfc9293/EV-FIN-WAIT-2-FIN-GAP")
    assert found is not None
    assert (found.rfc, found.section, found.level) == (9293, "3.10.7.4 first, eighth", "event")
    assert found.text.startswith("FIN-WAIT-2, FIN,ACK seq=RCV.NXT+10")
    assert catalogue.get("rfc5961/3.2-a") is not None
    assert catalogue.get("rfc9293/MUST-70") is None


@pytest.mark.parametrize(
    ("id", "hint"),
    [
        ("rfc9293/MUST-12", None),
        ("rfc9293/MUTS-12", "did you mean rfc9293/MUST-12?"),
        ("MUST-12", "as in rfc9293/MUST-12"),
        ("nonsense", "as in rfc9293/MUST-12"),
        ("rfc9294/MUST-12", "did you mean rfc9293?"),
        ("rfc9293/EV-LISTEN-SEQ-NA", "no case can verify it: LISTEN: cannot happen, "),
    ],
)
def test_a_wrong_id_gets_a_hint(id: str, hint: str | None) -> None:
    problem = catalogue.problem(id)
    assert (problem is None) == (hint is None)
    assert hint is None or (problem or "").startswith(hint)


def test_the_texts_are_about_the_rfc_alone() -> None:
    for one in catalogue.catalogue().values():
        assert one.text
        assert one.section
        assert "\n" not in one.text
        assert not re.search(r"(?i)linux|kernel|/work|/tmp|\bIUT\b", one.text), one.id


def test_each_file_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    catalogue.catalogue.cache_clear()
    read = Counter[int]()
    loads = json.loads

    def counted(text: str) -> object:
        read[len(text)] += 1
        return loads(text)

    monkeypatch.setattr(json, "loads", counted)
    for _ in range(3):
        assert len(catalogue.known()) > 700
        assert catalogue.problem("rfc9293/MUST-1") is None
    assert read.total() == len(catalogue.FILES) + 1


def test_the_files_are_one_requirement_a_line() -> None:
    for name in (*catalogue.FILES, catalogue.UNSEEN):
        lines = Path(catalogue.__file__).with_name(name).read_text(encoding="utf-8").splitlines()
        assert (lines[0], lines[-1]) == ("[", "]")
        assert all(line.startswith('{"id": "rfc') for line in lines[1:-1])


def test_what_cannot_be_seen_is_a_requirement_and_says_why() -> None:
    lines = Path(catalogue.__file__).with_name(catalogue.UNSEEN).read_text(encoding="utf-8")
    for row in json.loads(lines):
        found = catalogue.get(row["id"])
        assert found is not None, row["id"]
        assert found.applicable
        assert found.unseen == row["because"]
    assert not catalogue.catalogue()["rfc9293/MUST-13"].unseen

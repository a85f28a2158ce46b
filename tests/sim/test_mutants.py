"""Every check of every shipped case can fail, and a case that cannot is found out."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Final

import pytest
from test_cases import WHOLE
from whole_set import every

from conformance.case.load import load_case
from conformance.case.model import Case
from conformance.play.record import Record
from conformance.play.verdict import Outcome
from conformance.sim.mutants import PASSING, Mutant, Spoiler, mutants, survivors
from conformance.targets.base import Job
from conformance.targets.kinds.reference import ISNS, Reference

TARGET: Final = Reference(ISNS["wrapping"])


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.function is test_a_wrong_answer_is_noticed:
        cases = every(200, WHOLE) if metafunc.config.getoption("sample") else WHOLE
        metafunc.parametrize("case", cases, ids=lambda case: case.id)


def played(case: Case) -> tuple[Record, Spoiler]:
    counted = Spoiler()
    return TARGET.play(Job(case), counted), counted


def alive(case: Case) -> list[Mutant]:
    record, counted = played(case)
    assert record.verdict is not None
    assert record.verdict.outcome in PASSING, record.verdict
    return survivors(record, counted, lambda spoiler: TARGET.play(Job(case), spoiler))


def test_a_wrong_answer_is_noticed(case: Case) -> None:
    record, counted = played(case)
    if record.verdict is not None and record.verdict.outcome is Outcome.SKIPPED:
        pytest.skip(record.verdict.reason)
    assert list(mutants(record, counted)), "nothing in this case can fail"
    assert [str(mutant) for mutant in alive(case)] == []


# ---- the machinery itself: cases that are blind on purpose -----------------------------------

HEAD = """\
title: A case
unwatched: [window-edge]
steps:
  - call:   listen() = l
  - send:   SYN seq=0
  - expect: SYN,ACK seq=0 ack=1
  - send:   ACK seq=1 ack=1
  - call:   accept(l) = c
"""


def case_of(root: Path, steps: str, head: str = HEAD) -> Case:
    (root / "fragments").mkdir()
    file = root / "case.yaml"
    file.write_text(head + steps)
    (case,) = load_case(file, root)
    return case


def kinds(found: list[Mutant]) -> set[str]:
    return {mutant.how for mutant in found}


def test_a_sound_case_leaves_none(tmp_path: Path) -> None:
    steps = """\
  - send:   FIN,ACK seq=1 ack=1
  - expect: ACK seq=1 ack=2
  - state:  CLOSE-WAIT
    via:    [ESTABLISHED]
  - call:   recv(c) = 0
"""
    case = case_of(tmp_path, steps)
    assert alive(case) == []
    record, counted = played(case)
    found = Counter(mutant.kind for mutant in mutants(record, counted))
    # SYN,ACK: seven flags but PSH and its own two, which is nine less PSH; SEQ, ACK, three fates.
    assert found == {"segment": 2 * (8 + 4 + 3), "state": 1, "transition": 1, "call": 3}


@pytest.mark.parametrize(
    ("steps", "blind"),
    [
        ("  - send: ACK seq=1 ack=1 len=9\n  - expect: ACK seq=* ack=*\n",
         {"seq+1", "seq-1", "ack-1"}),
        ("  - send: ACK seq=1 ack=1 len=9\n  - expect: ACK seq=1 ack=1..10\n", {"ack-1"}),
        ("  - send: ACK seq=1 ack=1 len=9\n  - expect: ACK seq=1..2 ack=10\n", {"seq+1"}),
    ],
    ids=["anything", "a range of acks", "a range of seqs"],
)  # fmt: skip
def test_a_blind_case_leaves_what_it_does_not_see(
    tmp_path: Path, steps: str, blind: set[str]
) -> None:
    assert kinds(alive(case_of(tmp_path, steps))) == blind


def test_a_case_without_a_bound_on_a_retransmission_takes_it_for_the_answer(
    tmp_path: Path,
) -> None:
    steps = "  - call: close(c)\n  - expect: FIN,ACK seq=1 ack=1\n    within: 5s\n"
    assert kinds(alive(case_of(tmp_path, steps))) == {"drop", "late"}


def test_a_state_that_nobody_reads_again_is_noticed_where_it_is_read(tmp_path: Path) -> None:
    """Each of two equal steps is spoilt by itself, in a branch too."""
    steps = """\
  - state: ESTABLISHED
  - either:
      - - silence: 1s
        - state: ESTABLISHED
      - - expect: RST seq=1
  - state: ESTABLISHED
"""
    case = case_of(tmp_path, steps)
    record, counted = played(case)
    assert [step.verb for step in counted.read] == ["state"] * 3
    assert sum(mutant.kind == "state" for mutant in mutants(record, counted)) == 3
    assert alive(case) == []


def test_what_an_either_permits_is_no_survivor(tmp_path: Path) -> None:
    steps = """\
  - send: ACK seq=1 ack=1 len=9
  - either:
      - - expect: ACK seq=1 ack=10
      - - silence: 500ms
  - state: ESTABLISHED
"""
    assert alive(case_of(tmp_path, steps)) == []


def test_what_an_allow_permits_is_no_survivor(tmp_path: Path) -> None:
    steps = """\
  - allow: ACK
  - allow: ACK seq=1 ack=10
  - send:  ACK seq=1 ack=1 len=9
  - wait:  1s
"""
    assert alive(case_of(tmp_path, steps)) == []


def test_the_written_numbers_of_an_allow_are_not_free(tmp_path: Path) -> None:
    case = case_of(tmp_path, "  - allow: ACK ack=1..10\n  - send: ACK len=9\n  - wait: 1s\n")
    assert kinds(alive(case)) == {"ack-1"}


def test_psh_counts_where_it_is_written(tmp_path: Path) -> None:
    steps = "  - call: send(c, 9) = 9\n  - expect: {} len=9\n  - send: ACK\n"
    record, counted = played(case_of(tmp_path, steps.format("PSH,ACK")))
    told = [str(mutant) for mutant in mutants(record, counted)]
    assert "segment 1: flip PSH" in told
    assert "segment 0: flip PSH" not in told


def test_the_segments_of_a_long_collect_stand_for_each_other(tmp_path: Path) -> None:
    steps = "  - call: send(c, 5360) = 5360\n  - collect: 5360\n"
    case = case_of(tmp_path, steps)
    record, counted = played(case)
    assert len(counted.segments) == 11
    spoilt = {mutant.where for mutant in mutants(record, counted) if mutant.kind == "segment"}
    assert spoilt == {0, 1, 9, 10}
    assert alive(case) == []


def test_a_case_that_passes_whatever_comes_is_all_survivors(tmp_path: Path) -> None:
    """Were the interpreter blind, every mutant would live: the machinery must not hide that."""
    case = case_of(tmp_path, "  - state: ESTABLISHED\n")
    record, counted = played(case)
    blind = survivors(record, counted, lambda spoiler: record)
    assert blind == list(mutants(record, counted))
    assert blind

"""A case goes on after what the target's own file says instead: played, recorded, merged."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.case.faults import CaseFaults
from conformance.case.load import load_case
from conformance.commands.replay import rebuild
from conformance.play.record import Record
from conformance.play.verdict import Outcome
from conformance.report import jsonlines
from conformance.report.failure import explain
from conformance.targets import deviations
from conformance.targets.base import settled
from conformance.targets.deviations import Deviations
from conformance.targets.kinds.reference import Reference
from conformance.targets.names import Chosen, requirement_text
from conformance.targets.observed import Draft
from conformance.targets.runs.rejudge import judge
from conformance.targets.runs.selection import choose

CASE = """\
title: A segment outside the window is answered
given: established
parameters: {state: [in, out]}
steps:
  - send:   ACK seq=1000000 ack=1
  - expect: ACK seq=1 ack=$WHAT
  - send:   ACK seq=2000000 ack=1
  - expect: ACK seq=1 ack=1
    as:     second
  - either: [[{silence: 10ms}], [{expect: RST seq=1}]]
  - state:  ESTABLISHED             # $state
"""
ROW = """\
# first
- because: it counts otherwise
  instead:
    - expect: ACK seq=1 ack=1    # one less
  cases:
    c[*]: "expect: ACK seq=1 ack=2"
"""
FILE = "toy.deviations.yaml"


def played(
    folder: Path, row: str, *, what: str = "2", end: str = "ESTABLISHED", ips: Sequence[int] = (4,)
) -> list[Record]:
    """How the case ended on the reference with this file; ``what``: the number it waits for."""
    text = CASE.replace("$WHAT", what).replace("state:  ESTABLISHED", f"state:  {end}")
    text = text.replace("ESTABLISHED             # $state", "ESTABLISHED")
    text = text.replace("title: A segment", "title: $state, a segment")
    (folder / "c.yaml").write_text(text)
    (folder / FILE).write_text(row)
    known = deviations.load(folder / FILE)
    shipped = Path(__file__).parents[2] / "cases"
    (folder / "fragments").mkdir(exist_ok=True)
    for name in ("established", "syn-received", "listening"):
        (folder / f"fragments/{name}.yaml").write_bytes(
            (shipped / f"fragments/{name}.yaml").read_bytes()
        )
    records: list[Record] = []
    with Reference() as target:
        target.deviations = known
        target.profile = replace(target.profile, version="")  # entries of all versions
        plan = choose(map(Chosen, load_case(folder / "c.yaml")), target.profile, ips=ips,
                      known=known)  # fmt: skip
        target.run(plan.jobs, settled(target, lambda _, record: records.append(record)))
    return records


def outcomes(records: list[Record]) -> list[str]:
    return [str(record.verdict.outcome) for record in records if record.verdict]


def reasons(records: list[Record]) -> list[str]:
    return [record.verdict.reason for record in records if record.verdict]


def test_the_case_goes_on_and_deviates(tmp_path: Path) -> None:
    records = played(tmp_path, ROW)
    assert outcomes(records) == ["deviates", "deviates"]
    assert reasons(records) == ["it counts otherwise"] * 2


def test_what_comes_after_it_is_judged(tmp_path: Path) -> None:
    records = played(tmp_path, ROW, end="CLOSE-WAIT")
    assert outcomes(records) == ["fail", "fail"]
    assert records[0].verdict
    assert records[0].verdict.step
    assert records[0].verdict.step.text == "state: CLOSE-WAIT"


def test_a_case_may_go_on_and_then_end_otherwise(tmp_path: Path) -> None:
    end = '- because: it stays\n  cases: {"c[*]": ["state: CLOSE-WAIT", ESTABLISHED]}\n'
    records = played(tmp_path, ROW + end, end="CLOSE-WAIT")
    assert outcomes(records) == ["deviates", "deviates"]
    assert reasons(records)[0] == "it counts otherwise; it stays"


def test_what_is_not_seen_fails_and_the_file_is_quoted(tmp_path: Path) -> None:
    records = played(tmp_path, ROW.replace("ack=1    #", "ack=3    #"))
    assert outcomes(records) == ["fail", "fail"]
    told = explain(records[0], requirement_text=requirement_text)
    assert f"{FILE} says that reference deviates here (it counts otherwise)" in told
    assert f"{FILE}:4:7: another segment came" in told
    assert "- expect: ACK seq=1 ack=3    # one less" in told


def test_what_is_never_come_to_fails(tmp_path: Path) -> None:
    row = ROW.replace("ACK seq=1 ack=1    # one less", "=FIN seq=1")
    row = row.replace('"expect: ACK seq=1 ack=2"', '"expect: RST seq=1"')
    records = played(tmp_path, row, what="1")
    assert reasons(records)[0] == "reference did not deviate at expect: RST seq=1"


def test_a_case_without_the_step_is_played_as_it_is_and_fails(tmp_path: Path) -> None:
    records = played(tmp_path, ROW, what="1")
    assert outcomes(records) == ["fail", "fail"]
    told = f"{FILE}:6: c[state=in] has no step expect: ACK seq=1 ack=2"
    assert reasons(records)[0] == told
    page = explain(records[0], requirement_text=requirement_text)
    assert f"T{told[1:]}." in " ".join(page.split())


def test_a_name_that_the_case_lacks_is_a_fault_there(tmp_path: Path) -> None:
    row = ROW.replace("ack=1    #", "ack=late.ack    #")
    (record, _) = played(tmp_path, row)
    assert record.verdict
    assert record.verdict.outcome is Outcome.FAIL
    assert record.verdict.reason.startswith(f"{FILE}:4: ")
    known = deviations.load(tmp_path / FILE)
    (fault, *_) = known.faults(load_case(tmp_path / "c.yaml")[0], "toy")
    assert (fault.span.line, fault.span.column) == (4, 7)


def test_one_choice_may_have_its_own(tmp_path: Path) -> None:
    own = ROW.replace("c[*]", '"c[state=in]"').replace("it counts otherwise", "its own way")
    records = played(tmp_path, ROW + own)
    assert sorted(reasons(records)) == ["it counts otherwise", "its own way"]


def test_a_label_names_the_step_and_through_takes_more_of_them(tmp_path: Path) -> None:
    row = ROW.replace("  instead:", "  through: second\n  instead:").replace(
        "ack=1    # one less", "ack=1\n    - silence: 5ms"
    )
    row = row.replace('"expect: ACK seq=1 ack=2"', '"send: ACK seq=2000000 ack=1"')
    row = row.replace("    - expect: ACK seq=1 ack=1\n", "")
    assert outcomes(played(tmp_path, row, what="1")) == ["deviates", "deviates"]


PINNED = ROW.replace('"expect: ACK seq=1 ack=2"', "rest").replace("it counts otherwise", "pinned")


@pytest.mark.parametrize(
    ("steps", "outcome"), [("[silence: 10ms]", "deviates"), ("[expect: RST seq=1]", "fail")]
)
def test_the_label_of_an_either_pins_one_of_its_branches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: str, outcome: str
) -> None:
    either = "- either: [[{silence: 10ms}], [{expect: RST seq=1}]]"
    monkeypatch.setattr("test_going_on.CASE", CASE.replace(either, f"{either}\n    as: rest"))
    row = re.sub(r"instead:\n.*", f"instead: {steps}", PINNED)
    records = played(tmp_path, row, what="1")
    assert outcomes(records) == [outcome, outcome]
    assert [record.verdict.step is None for record in records if record.verdict] == (
        [outcome == "deviates"] * 2
    )


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (ROW.replace("seq=1 ack=1", "sec=1"), f"{FILE}:4:19: "),
        (ROW.replace("- expect", "- expct"), f"{FILE}:4:7: unknown verb expct"),
        (
            ROW.replace("    - expect: ACK seq=1 ack=1", "    - include: established"),
            "no place here",
        ),
        (ROW.replace("ack=1    #", "ack=$state    #"), "unknown parameter $state"),
        (ROW.replace("  instead:", "  through: second\n  instead_:"), "unknown key instead_"),
        (re.sub(r"  instead:\n.*\n", "  through: second\n", ROW), "no such through"),
        (ROW + ROW, "is here twice, at expect: ACK seq=1 ack=2"),
        (ROW.replace('"expect: ACK seq=1 ack=2"', "[a, b]"), "the step that others stand for"),
    ],
)
def test_what_is_wrong_with_the_file_has_its_place(tmp_path: Path, row: str, told: str) -> None:
    (tmp_path / FILE).write_text(row)
    with pytest.raises(CaseFaults, match=re.escape(told)):
        deviations.load(tmp_path / FILE)


def test_a_record_is_judged_again_without_the_file(tmp_path: Path) -> None:
    record = played(tmp_path, ROW)[0]
    (loaded,) = jsonlines.load(jsonlines.dump(record))
    assert [name for name in loaded.sources if FILE in name] == [f"deviations:/{FILE}"]
    assert "# first" not in loaded.sources[f"deviations:/{FILE}"]
    case = rebuild(loaded.sources, loaded.path, loaded.case, loaded.parameters)
    again = judge(case, loaded).verdict
    assert again
    assert (again.outcome, again.reason) == (Outcome.DEVIATES, "it counts otherwise")


SHORT = """\
- because: it counts otherwise
  cases:
    c[state=in]: ["expect: ACK seq=1 ack=2", [expect: ACK seq=1 ack=1]]   # said shortly
    c[state=out]: ["expect: ACK seq=1 ack=2", nothing]
"""


def test_the_steps_may_stand_in_the_place_of_what_is_seen(tmp_path: Path) -> None:
    records = played(tmp_path, SHORT)
    assert outcomes(records) == ["deviates", "fail"]
    (loaded, _) = jsonlines.load("".join(map(jsonlines.dump, records)))
    text = loaded.sources[f"deviations:/{FILE}"]
    assert "said shortly" in text
    assert "state=out" not in text
    known = deviations.read_text(text)
    assert known.entries["c[state=in]"][0].written == "[expect: ACK seq=1 ack=1]"


def test_what_is_merged_into_another_group_keeps_its_steps(tmp_path: Path) -> None:
    wide = SHORT.replace("c[state=in]", "c[*]").replace("    c[state=out]:", "    d:")
    good = played(tmp_path, wide)[1]
    bad = played(tmp_path, wide.replace("seq=1 ack=1]", "seq=1 ack=3]"))[0]
    text, _ = merged(tmp_path, wide, [good, bad])
    assert deviations.read_text(text).entries["c[state=out]"][0].instead
    assert "  instead: [expect: ACK seq=1 ack=1]\n" in text


def test_a_failure_in_it_is_judged_again_at_the_same_place(tmp_path: Path) -> None:
    record = played(tmp_path, ROW.replace("ack=1    #", "ack=3    #"))[0]
    (loaded,) = jsonlines.load(jsonlines.dump(record))
    case = rebuild(loaded.sources, loaded.path, loaded.case, loaded.parameters)
    again = judge(case, loaded).verdict
    assert again
    assert again.step
    assert again.step.span == loaded.step


def merged(folder: Path, row: str, records: list[Record]) -> tuple[str, list[str]]:
    (folder / FILE).write_text(row)
    draft = Draft(folder / FILE)
    for record in records:
        draft.add(record)
    return draft.text(), draft.told


def test_merging_keeps_what_was_seen_as_it_is_written(tmp_path: Path) -> None:
    assert merged(tmp_path, ROW, played(tmp_path, ROW)) == (ROW, [])


def test_merging_keeps_it_and_adds_the_end_behind_it(tmp_path: Path) -> None:
    text, told = merged(tmp_path, ROW, played(tmp_path, ROW, end="CLOSE-WAIT"))
    assert text.startswith(ROW)
    assert '    c[*]: ["state: CLOSE-WAIT", "ESTABLISHED"]\n' in text
    assert told == ["1 without a reason: write one for each group"]


def test_merging_drops_what_was_not_seen_and_says_play_it_again(tmp_path: Path) -> None:
    row = ROW.replace("ack=1    #", "ack=3    #").replace("c[*]", "c[state=in]")
    records = played(tmp_path, row, ips=(4, 6))
    text, told = merged(tmp_path, row, [one for one in records if "in" in one.case.id])
    assert text == "[]\n"
    assert told == [
        "dropped, it does not go on so after expect: ACK seq=1 ack=2, so play it again: "
        "c[state=in]: it counts otherwise"
    ]


def test_merging_parts_what_only_one_choice_still_does(tmp_path: Path) -> None:
    both = (4, 6)
    good = played(tmp_path, ROW, ips=both)[2:]
    bad = played(tmp_path, ROW.replace("ack=1    #", "ack=3    #"), ips=both)[:2]
    text, told = merged(tmp_path, ROW, [*good, *bad])
    known = deviations.read_text(text)
    assert list(known.entries) == ["c[state=out]"]
    assert known.entries["c[state=out]"][0].written == "- expect: ACK seq=1 ack=1    # one less"
    assert told[0].startswith("parted, 1 of 2 do not go on so, so play them again: c[*]")


def test_a_run_without_the_file_drops_nothing_of_it(tmp_path: Path) -> None:
    records = played(tmp_path, "- cases: 0.6.0\n")
    assert outcomes(records) == ["fail", "fail"]
    assert merged(tmp_path, ROW, records) == (ROW, [])


def test_what_is_disputed_is_so_here_too(tmp_path: Path) -> None:
    (record, *_) = played(tmp_path, ROW.replace("because:", "disputed:"))
    assert record.verdict
    assert record.verdict.disputed
    assert record.verdict.reason == "disputed: it counts otherwise"


def test_no_file_is_no_other_case(tmp_path: Path) -> None:
    record = played(tmp_path, ROW)[0]
    assert Deviations().joined(record.case, 4, record.profile) is record.case
    assert replace(record.case, deviations=()).names

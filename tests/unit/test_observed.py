"""A file of deviations: drafted, then merged with reasons kept, mended entries gone, new asked."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from conformance import __version__
from conformance.case.faults import CaseFaults
from conformance.case.model import Case
from conformance.case.spans import NOWHERE
from conformance.case.step import Step
from conformance.cli import main
from conformance.play.profile import Ability, Profile
from conformance.play.record import Addressing, Record
from conformance.play.verdict import Failure, Outcome, Verdict
from conformance.targets.deviations import load
from conformance.targets.observed import Draft

LIAR = Path(__file__).parents[1] / "glue" / "liar.py"
STEP = Step(NOWHERE, "expect: ACK seq=1 ack=1", None)
NOTHING = Failure("nothing came within 1s")
RESET = Failure("another segment came", (), "RST,ACK seq=7 win=0")
SEEN = '["expect: ACK seq=1 ack=1", nothing]'
CHOICES = {"a/c": [1, 2, 3]}  # of a case's parameter; [1, 2] of all others
FILE = f"""\
# Ours, by hand.
- because: >-
    it never answers,   # no comment
    as was decided
  cases:
    a/b[n=1]: {SEEN}
    a/b[n=2]:    {SEEN}   # the second
    a/other: {SEEN}
# The rest.
- because: it resets
  ip: 4
  cases: {{a/c: ["expect: ACK seq=1 ack=1", "RST*seq=7"]}}
"""


def ended(
    case: str,
    failure: Failure | None = None,
    *,
    ip: int = 4,
    version: str = "",
    outcome: Outcome | None = None,
) -> Record:
    able = frozenset({Ability.IPV6})
    profile = Profile("toy", msl=1.0, version=version, abilities=able)
    n = CHOICES.get(case.partition("[")[0], [1, 2])
    source = {"a.yaml": f"parameters: {{n: {n}}}\n" if "[" in case else "title: t\n"}
    made = Case(case, "a.yaml", "t", (STEP,), sources=source)
    record = Record(made, profile, Addressing(ip=ip))
    found = outcome or (Outcome.FAIL if failure else Outcome.PASS)
    record.verdict = Verdict(found, "", STEP, failure)
    return record


def both(case: str, failure: Failure | None = None, version: str = "") -> list[Record]:
    return [ended(case, failure, ip=ip, version=version) for ip in (4, 6)]


def merged(path: Path, *records: Record) -> list[str]:
    """The file after a run; what is told of it."""
    draft = Draft(path)
    for record in records:
        draft.add(record)
    path.write_text(draft.text())
    return draft.told


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "known.yaml").write_text(FILE)
    return tmp_path / "known.yaml"


def test_a_draft_is_a_file_once_it_has_its_reasons(tmp_path: Path) -> None:
    path = tmp_path / "d.yaml"
    records = [*both("a/b[n=1]", NOTHING), ended("a/c", RESET), ended("a/d")]
    assert merged(path, *records) == ["2 without a reason: write one for each group"]
    with pytest.raises(CaseFaults, match="a reason expected, nothing is written"):
        load(path)
    path.write_text(path.read_text().replace("because:", "because: why"))
    entries = load(path).entries
    assert {case: (one.step, one.seen, one.ip) for case, (one,) in entries.items()} == {
        "a/b[n=1]": (STEP.text, "nothing", 0),
        "a/c": (STEP.text, "RST,ACK seq=7", 0),
    }


def test_what_is_seen_again_is_left_letter_by_letter(path: Path) -> None:
    records = [*both("a/b[n=1]", NOTHING), *both("a/b[n=2]", NOTHING), ended("a/c", RESET)]
    assert merged(path, *records) == []
    assert path.read_text() == FILE


def test_choices_that_are_alike_are_one_entry(tmp_path: Path) -> None:
    path = tmp_path / "d.yaml"
    alike = [*both("a/b[n=1]", NOTHING), *both("a/b[n=2]", NOTHING)]
    unlike = [*both("a/c[n=1]", NOTHING), *both("a/c[n=2]", RESET), *both("a/c[n=3]")]
    some = [*both("a/d[n=1]", NOTHING), *both("a/d[n=2]")]
    merged(path, *alike, *unlike, *some)
    path.write_text(path.read_text().replace("because:", "because: why"))
    names = ["a/b[*]", "a/c[n=1]", "a/c[n=2]", "a/d[n=1]"]
    assert sorted(load(path).entries) == names
    before = path.read_text()
    assert merged(path, *alike, *unlike, *some) == []
    assert path.read_text() == before


@pytest.mark.parametrize("reason", ["because", "disputed"])
def test_one_that_passes_parts_what_was_alike(tmp_path: Path, reason: str) -> None:
    path = tmp_path / "d.yaml"
    path.write_text(f"- {reason}: it is so\n  cases:\n    a/b[*]: {SEEN}\n")
    assert merged(path, *both("a/b[n=1]", NOTHING)) == []
    assert list(load(path).entries) == ["a/b[*]"]
    told = merged(path, *both("a/b[n=1]", NOTHING), *both("a/b[n=2]"))
    assert told == ["parted, 1 of 2 pass now: a/b[*]: it is so"]
    ((one,),) = load(path).entries.values()
    assert (list(load(path).entries), one.because) == (["a/b[n=1]"], "it is so")
    assert one.disputed == (reason == "disputed")


def test_choices_that_were_not_played_keep_what_was_alike(tmp_path: Path) -> None:
    path = tmp_path / "d.yaml"
    alike = [both(f"a/c[n={n}]", NOTHING) for n in (1, 2, 3)]
    one, two, three = alike
    merged(path, *one, *two, *three)
    path.write_text(path.read_text().replace("because:  #", "because: why  #"))
    whole = path.read_text()
    assert list(load(path).entries) == ["a/c[*]"]
    assert merged(path, *one) == []  # a run of one choice alone
    assert path.read_text() == whole
    assert merged(path, *both("a/c[n=2]")) == ["parted, 1 of 1 pass now: a/c[*]: why"]
    known = {case: one.because for case, (one,) in load(path).entries.items()}
    assert known == {"a/c[n=1]": "why", "a/c[n=3]": "why"}
    assert merged(path, *one, *both("a/c[n=2]"), *three) == []


def test_what_one_ip_version_of_a_choice_shows_stays_for_it(tmp_path: Path) -> None:
    path = tmp_path / "d.yaml"
    merged(path, *both("a/b[n=1]", NOTHING), *both("a/b[n=2]", NOTHING))
    path.write_text(path.read_text().replace("because:  #", "because: why  #"))
    six = ended("a/b[n=1]", NOTHING, ip=6)
    told = merged(path, ended("a/b[n=1]"), six, *both("a/b[n=2]", NOTHING))
    assert told == ["parted, 1 of 2 pass now: a/b[*]: why"]
    known = {case: (one.ip, one.because) for case, (one,) in load(path).entries.items()}
    assert known == {"a/b[n=1]": (6, "why"), "a/b[n=2]": (0, "why")}


def test_one_of_its_own_that_goes_leaves_its_choice_to_what_was_alike(tmp_path: Path) -> None:
    path = tmp_path / "d.yaml"
    own = 'a/c[n=1]: ["expect: ACK seq=1 ack=1", "RST,ACK seq=7"]'
    path.write_text(f"- because: why\n  cases:\n    a/c[*]: {SEEN}\n    {own}\n")
    merged(path, *both("a/c[n=1]", NOTHING), *both("a/c[n=2]"))
    known = {case: (one.seen, one.because) for case, (one,) in load(path).entries.items()}
    assert known == {"a/c[n=1]": ("nothing", "why"), "a/c[n=3]": ("nothing", "why")}


def test_choices_of_which_some_were_not_played_are_not_joined(tmp_path: Path) -> None:
    path = tmp_path / "d.yaml"
    merged(path, *both("a/c[n=1]", NOTHING), *both("a/c[n=2]", NOTHING))
    path.write_text(path.read_text().replace("because:  #", "because: why  #"))
    assert list(load(path).entries) == ["a/c[n=1]", "a/c[n=2]"]


def test_one_that_differs_has_an_entry_before_what_was_alike(tmp_path: Path) -> None:
    path = tmp_path / "d.yaml"
    path.write_text(f"- because: it is so\n  cases:\n    a/b[*]: {SEEN}\n")
    merged(path, *both("a/b[n=1]", NOTHING), *both("a/b[n=2]", RESET))
    path.write_text(path.read_text().replace("because:  #", "because: why  #"))
    known = load(path)
    assert sorted(known.entries) == ["a/b[*]", "a/b[n=2]"]
    for record in (ended("a/b[n=2]", RESET), ended("a/b[n=1]", NOTHING)):
        known.settle(record)
        assert record.verdict is not None
        assert record.verdict.outcome is Outcome.DEVIATES


def test_one_ip_version_that_differs_leaves_the_other_to_what_was_alike(tmp_path: Path) -> None:
    path = tmp_path / "d.yaml"
    path.write_text(f"- because: it is so\n  cases:\n    a/b[*]: {SEEN}\n")
    one = [ended("a/b[n=1]", NOTHING), ended("a/b[n=1]", RESET, ip=6)]
    merged(path, *one, *both("a/b[n=2]", NOTHING))
    path.write_text(path.read_text().replace("because:  #", "because: why  #"))
    known = {case: (one.ip, one.because) for case, (one,) in load(path).entries.items()}
    assert known == {"a/b[*]": (0, "it is so"), "a/b[n=1]": (6, "why")}


def test_the_version_is_the_present_one_once_all_that_is_new_was_played(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "d.yaml"
    reset = both("a/c", RESET)
    merged(path, *reset)
    assert path.read_text().startswith(f"- cases: {__version__}\n")
    given = path.read_text().replace("because:", "because: x")
    path.write_text(given.replace(__version__, "0.0.1"))
    monkeypatch.setattr("conformance.targets.observed.newer", lambda _: {"a/c", "a/young"})
    merged(path, *reset, ended("a/other"))
    assert path.read_text().startswith("- cases: 0.0.1\n")
    merged(path, *reset, ended("a/young[n=1]"))
    assert path.read_text().startswith(f"- cases: {__version__}\n")
    assert list(load(path).entries) == ["a/c"]
    merged(path, *both("a/c"))
    assert path.read_text() == f"- cases: {__version__}\n"


def test_what_nobody_judged_stays(path: Path) -> None:
    skipped = ended("a/b[n=1]", outcome=Outcome.SKIPPED)
    unknown = ended("a/b[n=2]", NOTHING, outcome=Outcome.INCONCLUSIVE)
    assert merged(path, skipped, unknown) == []
    assert path.read_text() == FILE


def test_what_was_mended_goes_and_is_told(path: Path) -> None:
    told = merged(path, *both("a/b[n=2]"))
    assert told == [
        "dropped, it passes now: a/b[n=2]: it never answers, # no comment as was decided"
    ]
    assert path.read_text() == FILE.replace(f"    a/b[n=2]:    {SEEN}   # the second\n", "")


def test_a_group_of_which_all_was_mended_goes(path: Path) -> None:
    cases = [record for case in ("a/b[n=1]", "a/b[n=2]", "a/other") for record in both(case)]
    assert len(merged(path, *cases)) == 3
    left = FILE.partition("# The rest.")[2]
    assert path.read_text() == f"# Ours, by hand.\n# The rest.{left}"


def test_a_file_of_which_all_was_mended_is_one_still(path: Path) -> None:
    cases = [record for case in ("a/b[n=1]", "a/b[n=2]", "a/other", "a/c") for record in both(case)]
    assert len(merged(path, *cases)) == 4
    assert load(path).entries == {}


def test_what_differs_loses_its_reason(path: Path) -> None:
    told = merged(path, *both("a/other", RESET))
    assert told == [
        "dropped, it differs now: a/other: it never answers, # no comment as was decided",
        "1 without a reason: write one for each group",
    ]
    assert path.read_text().endswith(
        "- because:  # to be written: why, in one sentence\n"
        '  cases:\n    a/other: ["expect: ACK seq=1 ack=1", "RST,ACK seq=7"]\n'
    )
    with pytest.raises(CaseFaults, match="a reason expected, nothing is written"):
        load(path)
    before = path.read_text()
    assert merged(path, *both("a/other", RESET)) == []  # a file without reasons is merged into, too
    assert path.read_text() == before


def test_what_one_ip_version_shows_stays_for_it(path: Path) -> None:
    for six in ([ended("a/other", NOTHING, ip=6)], []):
        path.write_text(FILE)
        (told,) = merged(path, ended("a/other"), *six)
        assert told.startswith("dropped, it passes now over IPv4: a/other: ")
        (one,) = load(path).entries["a/other"]
        assert (one.ip, one.because) == (6, "it never answers, # no comment as was decided")


def test_new_ends_are_grouped_by_what_was_seen_the_commonest_first(path: Path) -> None:
    records = [ended("n/1", RESET), *both("n/2", NOTHING), *both("n/3", NOTHING)]
    records += [ended("n/4", RESET), ended("n/4", ip=6)]
    merged(path, *records)
    new = path.read_text().removeprefix(FILE)
    assert [line for line in new.split("\n") if "expect" not in line] == [
        *["- because:  # to be written: why, in one sentence", "  cases:"] * 2,
        "- because:  # to be written: why, in one sentence",
        "  ip: 4",
        "  cases:",
        "",
    ]
    assert new.index("n/2") < new.index("n/3") < new.index("n/1") < new.index("n/4")


def test_of_a_target_with_versions_nothing_is_dropped(path: Path) -> None:
    (told,) = merged(path, *both("a/other", version="6.12"))
    assert told.startswith("kept, though not seen on 6.12: a/other: ")
    assert path.read_text() == FILE


def test_entries_on_one_line_are_parted(path: Path) -> None:
    text = f"- {{because: why, cases: {{a/b: {SEEN}, a/c: {SEEN}}}}}\n"
    path.write_text(text)
    merged(path, *both("a/b"))
    assert {case: one.because for case, (one,) in load(path).entries.items()} == {"a/c": "why"}


def test_another_file_is_not_written_over(path: Path) -> None:
    path.write_text("title: a case\n")
    with pytest.raises(CaseFaults, match="a list of groups expected"):
        Draft(path)


# ---- the whole round -----------------------------------------------------------------------------


def run(
    capfd: pytest.CaptureFixture[str], folder: Path, *faults: str, cases: str = "smoke"
) -> tuple[int, str]:
    command = json.dumps([sys.executable, str(LIAR), *faults])
    known = "deviations: known.yaml\n" if (folder / "known.yaml").exists() else ""
    target = folder / "toy.yaml"
    target.write_text(f"target: toy\ncommand: {command}\nclock: virtual\n{known}")
    words = ["run", cases, "--ip", "4", "--target", str(target)]
    status = main([*words, "--observed", str(folder / "known.yaml")])
    return status, capfd.readouterr().err


@pytest.mark.long
def test_draft_mend_and_merge(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    known = tmp_path / "known.yaml"
    status, _ = run(capfd, tmp_path, "--dies", "SIGSEGV")
    assert status == 1
    assert "smoke/handshake-and-close: [" in known.read_text()
    known.write_text(known.read_text().replace("because:", "because: it crashes of a FIN"))
    before = known.read_text()
    assert run(capfd, tmp_path, "--dies", "SIGSEGV") == (0, "")
    assert known.read_text() == before

    status, told = run(capfd, tmp_path, "--lie", "ack-too-much")  # one mended, another new
    assert status == 1
    gone = "dropped, it differs now: smoke/handshake-and-close: it crashes of a FIN"
    assert told == f"{known}: {gone}\n{known}: 1 without a reason: write one for each group\n"
    assert run(capfd, tmp_path)[0] == 2  # a reason is asked for
    known.write_text(known.read_text().replace("because:", "because: it counts wrong"))

    status, told = run(capfd, tmp_path)
    assert status == 1  # strict, this once more
    gone = "dropped, it passes now: smoke/handshake-and-close: it counts wrong"
    assert told == f"{known}: {gone}\n"
    assert load(known).entries == {}
    assert run(capfd, tmp_path) == (0, "")


@pytest.mark.long
def test_a_run_of_one_choice_loses_nothing_of_the_others(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    case = tmp_path / "text.yaml"
    case.write_text(
        "title: Text is acknowledged\nverifies: [rfc9293/EV-LISTEN-SYN]\n"
        "parameters: {n: [1000, 2000, 3000]}\ngiven: established\nsteps:\n"
        "- send: PSH,ACK seq=1 ack=1 win=$n len=10\n- expect: ACK seq=1 ack=11\n"
    )
    known, lie, second = tmp_path / "known.yaml", ("--lie", "ack-too-much"), f"{case}::n=2000"
    assert run(capfd, tmp_path, *lie, cases=str(case))[0] == 1
    known.write_text(known.read_text().replace("because:", "because: it counts wrong"))
    whole = known.read_text()
    assert "text[*]" in whole
    assert run(capfd, tmp_path, *lie, cases=second) == (0, "")
    assert run(capfd, tmp_path, *lie, cases=str(case)) == (0, "")
    assert known.read_text() == whole

    status, told = run(capfd, tmp_path, cases=second)  # mended for one, for all that is known
    assert (status, told) == (1, f"{known}: parted, 1 of 1 pass now: text[*]: it counts wrong\n")
    parted = {id: one.because for id, (one,) in load(known).entries.items()}
    assert parted == {"text[n=1000]": "it counts wrong", "text[n=3000]": "it counts wrong"}
    assert run(capfd, tmp_path, cases=second) == (0, "")
    status, told = run(capfd, tmp_path, *lie, cases=str(case))
    assert (status, told) == (1, f"{known}: 1 without a reason: write one for each group\n")

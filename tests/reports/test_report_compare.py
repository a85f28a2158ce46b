"""Two recorded runs side by side: real records of the reference, right, altered and wrong."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from report_samples import golden

from conformance.case.decode import Known
from conformance.case.load import load, load_case
from conformance.case.model import Case
from conformance.cli import main
from conformance.commands.altered import apart, with_edits
from conformance.errors import Owner
from conformance.play.record import Record
from conformance.play.verdict import Failure, Outcome, Verdict
from conformance.reference.config import Config
from conformance.report.jsonlines import dump
from conformance.sim.edits import Edit
from conformance.sim.faults import faults
from conformance.sim.legal import variants
from conformance.targets.base import Job
from conformance.targets.kinds.reference import ISNS, Reference

FILES = ("3.6-close/closes-first", "3.8-data/in-order", "3.6-close/lost-fin")
FOUND = load([Path("cases/rfc9293", f"{name}.yaml") for name in FILES])[0]
CASES = [case for case in FOUND if "by=shutdown" not in case.id]
SHIPPED = Path("cases").resolve()
Compare = Callable[..., tuple[int, str]]


def played(target: Reference | None = None, cases: Sequence[Case] = CASES) -> list[str]:
    """Each record as it is written."""
    found = target or Reference()
    return [dump(found.play(Job(case))) for case in cases]


def wrong(fault: str, cases: Sequence[Case] = CASES) -> list[str]:
    """The same of the reference with a fault in it, in a process of its own."""
    return edited(fault, [faults()[fault].edit], cases)


def edited(name: str, edits: Sequence[Edit], cases: Sequence[Case]) -> list[str]:
    """The same of the reference with other lines in it."""

    def play(_: str, pipe: int) -> None:
        target = with_edits(edits).Reference()
        for case in cases:
            os.write(pipe, dump(target.play(Job(case))).encode())

    ((_, lines, _),) = apart([name], play)
    text = "\n".join(lines) + "\n"
    return ['{"type":"case"' + one for one in text.split('{"type":"case"')[1:]]


@pytest.fixture
def compare(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Compare:
    monkeypatch.chdir(tmp_path)

    def run(a: Iterable[str], b: Iterable[str], *options: str) -> tuple[int, str]:
        files = {"a.jsonl": a, "b.jsonl": b}
        for name, records in files.items():
            Path(name).write_text("".join(records), encoding="utf-8")
        status = main(["compare", *files, *options])
        told = capsys.readouterr()
        return status, told.out + told.err

    return run


def counts(told: str) -> dict[str, int]:
    return {kind: count for kind, count in json.loads(told)["counts"].items() if count}


def test_two_branches_of_one_either_behave_otherwise(tmp_path: Path, compare: Compare) -> None:
    text = (
        "title: T\ngiven: established\nsteps:\n  - send: ACK seq=11 ack=1 len=10\n"
        "  - either: [[{expect: ACK seq=1 ack=1}], [{silence: 50ms}]]\n    as: answer\n"
    )
    (tmp_path / "gap.yaml").write_text(text)
    cases = load_case(tmp_path / "gap.yaml", known=Known(shipped=SHIPPED))
    silent = edited("silent", variants()["silent-at-a-gap"].edits, cases)
    status, told = compare(played(cases=cases), silent, "--json")
    assert (status, counts(told)) == (0, {"behaves otherwise": 1})
    (row,) = json.loads(told)["rows"]
    assert [one["a"] for one in row["differences"]] == ["ACK seq=1 ack=1"]


def test_the_same_is_unchanged_whatever_was_random(compare: Compare) -> None:
    assert len(CASES) == 6
    assert compare(played(), played()) == (
        0,
        "A  a.jsonl: reference\nB  b.jsonl: reference\n\n6 unchanged\n",
    )
    for isn in ISNS.values():
        other = Reference(config=Config(iss=isn, ts_offset=77))
        assert counts(compare(played(), played(other), "--json")[1]) == {"unchanged": 6}


def test_a_fault_is_a_regression_and_its_end_is_mended(compare: Compare) -> None:
    bad = wrong("fin-not-acknowledged")
    status, told = compare(played(), bad)
    assert status == 1
    assert (
        "regression  rfc9293/3.6-close/closes-first[how=active,by=close] ipv4: pass -> fail" in told
    )
    assert "A  rfc9293/3.6-close/closes-first::reference-ipv4[how=active,by=close]: pass" in told
    assert told.count("connect()") >= 2  # both ladders
    assert "\n550.7 ms ! |  nothing came within 0.55s" in told  # the step that failed
    assert "   at rfc9293/3.6-close/closes-first.yaml:23: expect: ACK seq=2 ack=2" in told
    status, told = compare(bad, played(), "--json")
    assert (status, json.loads(told)["exit_status"]) == (0, 0)
    assert set(counts(told)) == {"mended", "unchanged"}  # where nobody sends a FIN first


def test_another_behaviour_behind_the_same_verdict(compare: Compare) -> None:
    """All of these pass all the cases."""
    for config, change, a, b in (
        (Config(delack=0.4), "another time", "after 200.2 ms", "after 400.2 ms"),
        (Config(min_rto=1.3, rto=1.3), "another time", "after 1.000 s", "after 1.300 s"),
        (Config(mss=1400), "other options", "<mss 1460", "<mss 1400"),
    ):
        status, told = compare(played(), played(Reference(config=config)), "--json")
        found = [one for row in json.loads(told)["rows"] for one in row["differences"]]
        assert status == 0
        assert any(one["change"] == change and a in one["a"] and b in one["b"] for one in found), (
            config,
            found,
        )
    status, told = compare(played(), played(Reference(config=Config(min_rto=1.1, rto=1.1))))
    assert told.endswith("6 unchanged\n")  # a tenth is noise


def test_a_page_has_both_ladders_of_what_is_red_and_of_what_is_otherwise(compare: Compare) -> None:
    status, told = compare(played(), wrong("fin-not-acknowledged"), "--html=red.html")
    assert (status, "<svg" in told) == (1, False)
    page = Path("red.html").read_text("utf-8")
    many = page.count("<details")
    assert many == page.count('<details class="play" open>') > 0
    assert page.count('<svg class="ladder"') == 2 * many
    assert page.count('class="band"') == many  # where B failed
    assert "would have been accepted" in page
    assert "<nav" not in page
    assert 'href="' not in page.replace('href="#content"', "")
    assert (
        compare(played(), played(Reference(config=Config(mss=1400))), "--html=other.html")[0] == 0
    )
    page = Path("other.html").read_text("utf-8")
    assert "Nothing regressed." in page
    assert "other options: A " in page
    assert page.count('<svg class="ladder"') == 2 * page.count('<details class="play">') > 0


def test_no_page_has_a_directory_of_the_machine(compare: Compare, tmp_path: Path) -> None:
    good = "".join(played(cases=CASES[:1]))
    (tmp_path / "x").mkdir()
    (tmp_path / "x/a.jsonl").write_text(good[:-30], encoding="utf-8")
    names = [str(tmp_path / "x/a.jsonl"), str(tmp_path / "x/a.jsonl")]
    assert main(["compare", *names, "--html=a.html", "--markdown=a.md"]) == 2
    for page in ("a.html", "a.md"):
        text = Path(page).read_text("utf-8")
        assert str(tmp_path) not in text
        assert "x/a.jsonl:" in text


def test_what_one_side_alone_has_is_not_red(compare: Compare) -> None:
    bad = wrong("fin-not-acknowledged")
    good = played()
    status, told = compare([good[3], good[5]], [good[3], bad[0]])
    assert status == 0
    assert told.endswith("1 new (1 of them fails), 1 gone, 1 unchanged\n")


def test_the_order_of_a_record_is_nothing(compare: Compare) -> None:
    bad, good = wrong("fin-not-acknowledged"), played()
    for options in ((), ("--json",)):
        assert compare(good, bad, *options) == compare(good[::-1], bad[::-1], *options)


def test_each_ip_version_and_each_isn_is_a_case_of_its_own(compare: Compare) -> None:
    jobs = [Job(CASES[0]), Job(CASES[0], 6), Job(CASES[0], 4, isn=7)]
    records = [dump(Reference().play(job)) for job in jobs]
    assert counts(compare(records[:2], records[1:], "--json")[1]) == {
        "new": 1, "gone": 1, "unchanged": 1,
    }  # fmt: skip


def test_of_several_targets_each_is_compared_with_its_own(compare: Compare) -> None:
    one, two = played(cases=CASES[:1])[0], played(cases=CASES[:1])[0]
    two = two.replace("reference-ipv4", "other-ipv4").replace(
        '"name":"reference"', '"name":"other"'
    )
    assert counts(compare([one], [two], "--json")[1]) == {"unchanged": 1}
    assert counts(compare([one, two], [two], "--json")[1]) == {"gone": 1, "unchanged": 1}


def test_a_record_that_was_cut_is_told(compare: Compare) -> None:
    good = played(cases=CASES[:3])
    whole = "".join(good)
    for octets in (1, 40, len(good[2]) - 20, len(good[2]) + 1):
        status, told = compare(good, [whole[:-octets]])
        line = whole[:-octets].count("\n") + 1
        assert status == 2, octets
        assert f"b.jsonl:{line}: the record is cut off here; what came after is missing\n" in told
    no_verdict = whole.rstrip("\n").rpartition("\n")[0] + "\n"
    status, told = compare(good, [no_verdict])
    assert status == 2
    assert "pass -> cut off" in told
    status, told = compare(good, [wrong("fin-not-acknowledged", CASES[:3])[0], good[1][:-50]])
    assert status == 1  # what is red is red all the same


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no run is recorded in it"),
        ("{}\n", "b.jsonl:1: not a record of a run: type is missing"),
        ('{"type":"case","format":5}\n', "its format is 5, and this version reads 1 to 4"),
    ],
)
def test_bad_input_is_one_sentence(compare: Compare, text: str, reason: str) -> None:
    status, told = compare(played(cases=CASES[:1]), [text])
    assert status == 2
    assert reason in told
    assert told.count("\n") == 1


def test_a_file_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    here = tmp_path / "here.jsonl"
    here.write_text(played(cases=CASES[:1])[0], encoding="utf-8")
    assert main(["compare", str(here), str(tmp_path / "none")]) == 2
    assert main(["compare", str(here), str(here), "--markdown", str(tmp_path / "no/a.md")]) == 2
    assert capsys.readouterr().err.count("\n") == 2


def test_a_case_played_twice_in_one_record(compare: Compare) -> None:
    good = played(cases=CASES[:1])
    bad = wrong("fin-not-acknowledged", CASES[:1])
    status, told = compare(good, bad + good)
    assert (status, told.splitlines()[-2:]) == (
        0, ["b.jsonl: 1 case was played twice; the last play is compared", "1 unchanged"],
    )  # fmt: skip


def test_a_case_that_is_another_text_is_not_compared(compare: Compare) -> None:
    good = played(cases=CASES[-1:])
    other = played(Reference(config=Config(mss=1400)), CASES[-1:])
    assert "behaves otherwise" in compare(good, other)[1]
    changed = other[0].replace('"title: ', '"# changed\\ntitle: ', 1)
    status, told = compare(good, [changed])
    assert status == 0
    assert "unchanged  pass; the text of the case differs" in told


def test_a_case_that_loads_no_more_is_told_and_still_red(compare: Compare) -> None:
    good = played(cases=CASES[:1])
    bad = wrong("fin-not-acknowledged", CASES[:1])
    spoilt = [one.replace("steps:\\n", "stepz:\\n") for one in (*good, *bad)]
    status, told = compare(spoilt[:1], spoilt[1:])
    assert status == 1
    assert "this case has no steps" in told
    later = [one.replace('"now":1000.0001,', '"now":1000.00011,', 1) for one in spoilt[:1]]
    status, told = compare(spoilt[:1], later)
    assert (status, "its events are not compared: " in told) == (0, True)


# ---- verdicts ------------------------------------------------------------------------------------

FAILED = Failure("it came too late", ("ACK",), "RST")
VERDICTS: Mapping[str, Verdict | None] = {
    "pass": Verdict(Outcome.PASS),
    "deviates": Verdict(Outcome.DEVIATES, "as it is known to", failure=FAILED),
    "fail": Verdict(Outcome.FAIL, "it came too late", failure=FAILED),
    "blocked": Verdict(Outcome.BLOCKED, "the given steps failed", failure=FAILED),
    "gone": Verdict(Outcome.FAIL, "linux is known to end at 3 (a bug), and did not"),
    "target": Verdict(Outcome.ERROR, "it is gone", failure=FAILED, owner=Owner.TARGET),
    "machine": Verdict(Outcome.ERROR, "no memory", failure=FAILED, owner=Owner.MACHINE),
    "skipped": Verdict(Outcome.SKIPPED, "no PATH"),
    "late": Verdict(Outcome.INCONCLUSIVE, "the harness was late"),
}
RED = {(a, b) for a in ("pass", "deviates", "gone") for b in ("fail", "blocked", "target")}
MENDED = {(a, b) for a in ("fail", "blocked", "target", "deviates") for b in ("pass", "gone")}


def judged(verdict: Verdict | None) -> str:
    record: Record = Reference().play(Job(CASES[0]))
    record.verdict = verdict
    return dump(record)


def test_the_direction_of_every_change_of_verdict(compare: Compare) -> None:
    written = {name: judged(verdict) for name, verdict in VERDICTS.items()}
    for a in VERDICTS:
        for b in VERDICTS:
            if a == b:
                continue
            status, told = compare([written[a]], [written[b]], "--json")
            (kind,) = counts(told)
            wanted = "regression" if (a, b) in RED else "mended" if (a, b) in MENDED else None
            assert kind == (wanted or "another verdict"), (a, b)
            assert status == (kind == "regression")


# ---- how it is told ------------------------------------------------------------------------------


def test_a_text_and_a_comment(compare: Compare, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    good, bad = played(), wrong("fin-not-acknowledged", CASES[:1])
    others = played(Reference(config=Config(mss=1400, delack=0.4)), CASES[2:5])
    a, b = [*good[:1], *good[2:]], [*bad, good[1], *others]
    status, told = compare(a, b, "--markdown", str(page))
    assert status == 1
    golden("compare", told)
    golden("compare-markdown", page.read_text("utf-8"))


def test_json_has_all_of_it(compare: Compare) -> None:
    told: dict[str, Any] = json.loads(
        compare(played(cases=CASES[:2]), wrong("fin-not-acknowledged", CASES[:1]), "--json")[1]
    )
    assert list(told) == ["a", "b", "counts", "exit_status", "damaged", "notes", "rows"]
    first, second = told["rows"]
    assert first["kind"] == "regression"
    assert (first["case"], first["ip"], first["isn"]) == (CASES[0].id, 4, None)
    assert first["a"]["outcome"] == "pass"
    assert first["b"]["step"].startswith("rfc9293/3.6-close/closes-first.yaml:")
    assert (second["kind"], second["b"]) == ("gone", None)


def test_a_record_of_the_first_format_is_compared(compare: Compare) -> None:
    lines = [json.loads(line) for line in "".join(played(cases=CASES[:1])).splitlines()]
    sources = {f"/home/me/{path}": text for path, text in lines[0]["sources"].items()}
    lines[0] |= {"format": 1, "path": f"/home/me/{lines[0]['path']}", "sources": sources}
    old = [json.dumps(line) + "\n" for line in lines]
    assert counts(compare(old, played(cases=CASES[:1]), "--json")[1]) == {"unchanged": 1}
    other = played(Reference(config=Config(mss=1400)), cases=CASES[:1])
    assert counts(compare(old, other, "--json")[1]) == {"behaves otherwise": 1}


def test_every_shipped_fragment_comes_back_by_its_name() -> None:
    (case, *_) = load_case("cases/rfc9293/3.6-close/lost-final-ack.yaml")
    assert set(case.names.values()) >= {"rfc9293/3.6-close/lost-final-ack.yaml"}
    assert all(not name.startswith(("/", "shipped:")) for name in case.names.values())

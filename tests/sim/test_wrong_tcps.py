"""Wrong TCPs: the reference with one place changed each; a case that is about it finds it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conformance.cli import main
from conformance.commands import altered, faulty
from conformance.commands.choice import chosen
from conformance.commands.faulty import jobs_of
from conformance.commands.hunts import Hunt, hunts
from conformance.sim.edits import Edit
from conformance.sim.faults import WrongTcp, faults, found_before
from conformance.targets.base import Job

REFERENCE = Path(__file__).parents[2] / "conformance" / "reference"
CASES = REFERENCE.parents[1] / "cases"


@pytest.mark.parametrize("place", sorted({fault.place for fault in faults().values()}))
def test_a_fault_changes_one_place_and_is_a_program(place: str) -> None:
    source = (REFERENCE / f"{place}.py").read_text(encoding="utf-8")
    for fault in faults().values():
        if fault.place == place:
            changed = fault.edit.applied(source)
            assert changed != source, fault.name
            compile(changed, fault.name, "exec")


def test_a_place_that_is_not_there_is_told() -> None:
    with pytest.raises(ValueError, match="tcb has 0 such places"):
        Edit("tcb", "no such text", "").applied("")


def test_the_command_says_what_is_found_and_what_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["mutate", "closed-port-is-silent", "no-nagle", "fin-alone", "--json", "--cases"]
    assert main([*words, str(CASES / "rfc7323" / "closed-with-timestamp.yaml")]) == 1
    rows = {row["fault"]: row for row in map(json.loads, capsys.readouterr().out.splitlines())}
    assert rows["closed-port-is-silent"]["killed_by"] == (
        "rfc7323/closed-with-timestamp::reference-ipv4"
    )
    assert rows["closed-port-is-silent"]["how"] == "fail: nothing came"
    assert rows["no-nagle"]["killed_by"] == ""
    assert rows["fin-alone"]["equivalent"]


def test_what_is_right_is_no_survivor(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mutate", "fin-alone", "--cases", str(CASES / "smoke")]) == 0
    told = capsys.readouterr()
    assert told.out.startswith("is right  fin-alone: ")
    assert told.err == (
        "1 wrong TCPs: 0 found, 0 not, 1 that no observer can tell from a right one\n"
    )


def test_a_remark_finds_what_sets_advice_aside(capsys: pytest.CaptureFixture[str]) -> None:
    nagle = str(CASES / "rfc9293" / "3.8-data" / "nagle.yaml")
    assert main(["mutate", "no-nagle", "--cases", nagle]) == 0
    assert "(pass: it goes without rfc9293/SHLD-7" in capsys.readouterr().out


def test_a_remark_on_the_reference_itself_finds_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    remarked = tmp_path / "remarked.yaml"
    remarked.write_text(
        "title: T\nsteps:\n  - call: listen() = l\n  - send: SYN seq=0\n"
        "  - either:\n      - - expect: RST\n      - without: rfc9293/SHLD-7\n        steps:\n"
        "          - expect: SYN,ACK seq=0 ack=1\n"
    )
    assert main(["mutate", "no-nagle", "--cases", str(remarked)]) == 2
    assert "nothing to find them with" in capsys.readouterr().err


def test_an_unknown_fault_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mutate", "no-nagel"]) == 2
    assert (
        capsys.readouterr().err == "conformance: unknown fault 'no-nagel': did you mean no-nagle?\n"
    )


def test_the_list_needs_no_play(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mutate", "--list"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(faults())


def test_a_case_that_fails_by_itself_finds_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("title: T\nsteps:\n  - send: SYN seq=0\n  - silence: 100ms\n")
    assert main(["mutate", "no-nagle", "--cases", str(wrong)]) == 2
    assert "does not pass by itself" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("new", "how"), [("raise RuntimeError", "crashed"), ("while True: pass", "hung")]
)
def test_a_stack_that_crashes_or_hangs_is_found(
    new: str, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(altered, "HANGS", 1)
    jobs = [Job(one.case) for one in chosen([str(CASES / "smoke" / "handshake.yaml")])]
    old = "    if segment.trouble or segment.checksum is not None:\n        return\n"
    (end,) = faulty.play([Hunt(WrongTcp("it", "", "arrives", old, f"    {new}\n"), jobs)])
    assert (end.case, end.how) == ("smoke/handshake IPv4", f"the stack {how}")


@pytest.mark.long
def test_a_stack_that_hangs_does_not_wait_for_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others speak all the time, so nobody would look at a silence of all."""
    monkeypatch.setattr(altered, "HANGS", 1)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1})
    jobs = [Job(one.case) for one in chosen([str(CASES / "smoke" / "handshake.yaml")])]
    old = "    if segment.trouble or segment.checksum is not None:\n        return\n"
    loop = WrongTcp("loop", "", "arrives", old, "    while True: pass\n")
    hunting = [Hunt(fault, jobs) for fault in [loop, *faults().values()][:40]]
    ends = {end.fault.name: end for end in faulty.play(hunting)}
    assert ends["loop"].how == "the stack hung"


def test_this_process_keeps_the_right_reference() -> None:
    jobs = [Job(one.case) for one in chosen([str(CASES / "smoke" / "handshake.yaml")])]
    list(faulty.play([Hunt(faults()["closed-port-is-silent"], jobs)]))
    (hunt,) = hunts([faults()["listen-forgets-syn"]], jobs)
    assert hunt.jobs == jobs


def test_what_found_a_fault_before_is_played_first(monkeypatch: pytest.MonkeyPatch) -> None:
    fault = faults()["listen-forgets-syn"]
    jobs = jobs_of([str(CASES / "smoke")])
    last = list(hunts([fault], jobs)[0].jobs)[-1]
    before = {fault.name: (last.case.id, last.ip)}
    monkeypatch.setattr("conformance.commands.hunts.found_before", lambda: before)
    (hunt,) = hunts([fault], jobs)
    assert hunt.jobs[0] == last
    assert set(map(id, hunt.jobs)) == set(map(id, jobs))


def test_where_faults_were_found_is_read() -> None:
    rows = (REFERENCE.parent / "sim/faults/found.txt").read_text(encoding="utf-8").splitlines()
    assert len(found_before()) == sum(not row.startswith("#") for row in rows)
    assert found_before()["plain-ack-compare"][1] == 4
    assert found_before()["plain-ack-compare"][0].endswith("/ack-too-old-by-one[below=edge]")


def test_only_what_passes_the_place_of_a_fault_is_played() -> None:
    jobs = [Job(one.case) for one in chosen([str(CASES / "smoke")])]
    found = {hunt.fault.name: list(hunt.jobs) for hunt in hunts(list(faults().values()), jobs)}
    assert found["no-paws"] == []  # no smoke case sends an older timestamp
    assert found["listen-forgets-syn"] == jobs  # a row that each of them looks up
    assert found["listen-forgets-abort"] == []
    assert found["keepalive-default-on"] == jobs  # a field, which no line tells of

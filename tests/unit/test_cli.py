"""The command line: every command, every exit status, every way to be interrupted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from conformance import __version__
from conformance.cli import COMMANDS, main
from conformance.errors import EnvironmentProblem, TargetError
from conformance.exits import Exit
from conformance.play.record import Record
from conformance.play.verdict import Outcome, Verdict
from conformance.targets.base import Done, Job
from conformance.targets.kinds import reference

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "conformance.cli"]

PASSES = """\
title: An answer
verifies: [rfc9293/MUST-5]

steps:
  - call:    socket() = l
  - call:    listen(l)
  - send:    SYN seq=0 <mss 1460>
  - expect:  SYN,ACK seq=0 ack=1
"""
FAILS = PASSES.replace("ack=1", "ack=2")
FAULTY = PASSES.replace("SYN,ACK", "SYN,ACKK").replace("call:    listen", "cal:    listen")
BOTH = PASSES.replace("ack=1", "ack=$n").replace("\nsteps", "\nparameters:\n  n: [1, 2]\n\nsteps")


@pytest.fixture
def cases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with a case that passes, one that fails, and one with parameters."""
    root = tmp_path / "cases"
    (root / "fragments").mkdir(parents=True)
    (root / "sub").mkdir()
    (root / "passes.yaml").write_text(PASSES, encoding="utf-8")
    (root / "fails.yaml").write_text(FAILS, encoding="utf-8")
    (root / "sub" / "both.yaml").write_text(BOTH, encoding="utf-8")
    (root / "fragments" / "never.yaml").write_text(FAILS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return root


@pytest.fixture
def out(capsys: pytest.CaptureFixture[str]) -> Out:
    return Out(capsys)


class Out:
    """Runs ``main`` and keeps what it said."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.text = self.errors = ""

    def __call__(self, *args: str) -> int:
        status = main(args)
        self.text, self.errors = self._capsys.readouterr()
        assert "Traceback" not in self.text + self.errors
        return status

    def reference(self, command: str, *args: str) -> int:
        return self(command, "--target", "reference", *args)


def outside(*args: str, **options: object) -> subprocess.CompletedProcess[str]:
    """The same in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *_paths()])}
    return subprocess.run(
        [*COMMAND, *args], capture_output=True, text=True, env=environment, timeout=120, check=False
    )


def _paths() -> list[str]:
    return os.environ.get("PYTHONPATH", "").split(os.pathsep)


# ---- help, version, mistakes ---------------------------------------------------------------------


def test_help_names_every_command_and_every_exit_status(out: Out) -> None:
    assert out("--help") == 0
    for command in COMMANDS:
        assert f"  {command.name}" in out.text
    for status in Exit:
        assert f"\n  {status:>3}  " in out.text


@pytest.mark.parametrize("command", [command.name for command in COMMANDS])
def test_every_command_has_help(out: Out, command: str) -> None:
    assert out(command, "--help") == 0
    assert f"usage: conformance {command}" in out.text


def test_version(out: Out) -> None:
    assert out("--version") == 0
    assert out.text == f"conformance {__version__}\n"


def test_no_command_shows_the_help_and_is_a_mistake(out: Out) -> None:
    assert out() == 2
    assert "commands:" in out.text


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["rum"], "unknown command 'rum': did you mean run?"),
        (["xyzzy"], "unknown command 'xyzzy': see conformance --help"),
        (["--verison"], "unknown option '--verison': did you mean --version?"),
        (["run", "--tagret", "linux"], "unknown option '--tagret': did you mean --target?"),
        (["run", "--target"], "argument --target: expected one argument"),
        (["run", "--target", "refrence"], "unknown target 'refrence': did you mean reference?"),
        (["run", "--ip", "5"], "'5' is no IP version; it is 4, 6 or 4,6"),
        (["run", "-j", "0"], "argument -j: '0' is no number from 1 on"),
        (["run", "-k", "(a or"], "-k '(a or': a part of an id is missing"),
        (["run", "-k", "(a"], "-k '(a': a parenthesis is not closed"),
        (["run", "-k", "a b"], "-k 'a b': 'b' is not expected"),
        (["run", "no/such"], "no file, directory or case 'no/such'"),
        (["show"], "the following arguments are required: CASE"),
        (["diagram", "--format", "png"], "argument --format: invalid choice: 'png'"),
        (["replay", "no/such"], "no/such: no such file or directory"),
    ],
)
def test_a_mistake_is_one_sentence_and_status_2(out: Out, args: list[str], said: str) -> None:
    assert out(*args) == 2
    assert out.errors.startswith(f"conformance: {said}")
    assert out.errors.count("\n") == 1


# ---- run -----------------------------------------------------------------------------------------


def test_a_run_that_passes(out: Out, cases: Path) -> None:
    assert out.reference("run", "cases/passes.yaml") == 0
    assert [line.split()[:2] for line in out.text.splitlines() if "::" in line] == [
        ["PASS", "passes::reference-ipv4"],
        ["PASS", "passes::reference-ipv6"],
    ]
    assert out.text.splitlines()[-1].startswith("2 passed ")


def test_a_run_that_fails(out: Out, cases: Path) -> None:
    assert out.reference("run", "cases", "--ip", "4") == 1
    assert "FAIL          fails::reference-ipv4" in out.text
    assert "expected     SYN,ACK seq=0 ack=2" in out.text
    assert out.text.splitlines()[-1].startswith("2 failed, 2 passed ")
    assert "never" not in out.text


def test_a_fragment_is_played_when_it_is_asked_for(out: Out, cases: Path) -> None:
    assert out.reference("run", "cases/fragments", "--ip=4") == 1
    assert "fragments/never::reference-ipv4" in out.text


def test_a_fault_is_status_2_with_a_caret(out: Out, cases: Path) -> None:
    (cases / "faulty.yaml").write_text(FAULTY, encoding="utf-8")
    assert out.reference("run", "cases") == 2
    assert out.text == ""
    assert "cases/faulty.yaml:6:" in out.errors
    assert "cases/faulty.yaml:8:" in out.errors
    assert "^^^^" in out.errors


@pytest.mark.parametrize(
    "argument",
    [
        "cases/sub/both.yaml::reference-ipv6[n=1]",
        "cases/sub/both.yaml::n=1",
        "cases/sub/both.yaml::[n=1]",
        "cases::sub/both[n=1]",
    ],
)
def test_an_id_after_a_path(out: Out, cases: Path, argument: str) -> None:
    assert out.reference("run", "--ip=6", argument) == 0
    assert "PASS          sub/both::reference-ipv6[n=1] " in out.text
    assert out.text.splitlines()[-1].startswith("1 passed ")


def test_a_printed_id_of_a_shipped_case_can_be_pasted(out: Out) -> None:
    assert out.reference("list", "smoke") == 0
    printed = out.text.split()[0]
    assert out("run", printed) == 0
    assert f"PASS          {printed} " in out.text
    assert out.text.splitlines()[-1].startswith("1 passed ")


def test_an_id_that_is_not_there(out: Out, cases: Path) -> None:
    assert out.reference("run", "cases/sub/both.yaml::n=3") == 2
    assert "no case 'cases/sub/both.yaml::n=3': did you mean n=" in out.errors


@pytest.mark.parametrize(
    ("expression", "count"),
    [
        ("passes", 2),
        ("passes and ipv6", 1),
        ("not fails and not n=2", 4),
        ("(passes or both) and ipv4", 3),
        ("PASSES", 2),
    ],
)
def test_k(out: Out, cases: Path, expression: str, count: int) -> None:
    assert out.reference("list", "cases", "-k", expression) == 0
    assert len(out.text.splitlines()) == count


def test_requirement(out: Out, cases: Path) -> None:
    assert out.reference("list", "cases", "--requirement", "rfc9293/MUST-5") == 0
    assert len(out.text.splitlines()) == 8


def test_level(out: Out, cases: Path) -> None:
    assert out.reference("list", "cases", "--level", "MUST") == 0
    assert len(out.text.splitlines()) == 8
    assert out.reference("run", "cases", "--level", "MUST", "--ip=4") == 1
    assert "passed" in out.text


def test_json(out: Out, cases: Path) -> None:
    assert out.reference("run", "cases", "--json", "--ip=4") == 1
    told = [json.loads(line) for line in out.text.splitlines()]
    by_id = {row["id"]: row for row in told if row["type"] == "case"}
    assert by_id["passes::reference-ipv4"]["outcome"] == "pass"
    assert by_id["fails::reference-ipv4"]["actual"].startswith("SYN,ACK seq=0 ack=1")
    assert told[-1]["type"] == "summary"
    assert told[-1]["outcomes"]["fail"] == 2
    assert told[-1]["exit_status"] == 1


def test_captures_and_records_are_written(out: Out, cases: Path) -> None:
    status = out.reference(
        "run", "cases/sub/both.yaml", "--pcap", "new/captures", "--record", "runs.jsonl"
    )
    assert status == 1
    names = sorted(path.name for path in Path("new/captures").iterdir())
    assert names[0] == "sub+both@reference-ipv4[n=1].pcapng"
    assert len(names) == 4
    assert Path("runs.jsonl").read_text(encoding="utf-8").count('"type":"verdict"') == 4


@pytest.mark.parametrize("option", ["--record", "--pcap"])
def test_a_place_that_cannot_be_written_is_one_sentence(out: Out, cases: Path, option: str) -> None:
    Path("file").write_text("", encoding="utf-8")
    assert out.reference("run", "cases", option, "file/below") == 2
    assert out.errors == f"conformance: {option} file/below cannot be written: not a directory\n"
    assert out.text == ""


def test_a_slow_case_is_left_out_and_the_last_line_says_so(
    out: Out, cases: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "conformance.targets.runs.selection.takes_long", lambda case, _: case.id == "passes"
    )
    assert out.reference("run", "cases/passes.yaml", "cases/sub/both.yaml::n=1") == 0
    assert "2 slow ones left out: add --slow" in out.text.splitlines()[-1]
    assert out.reference("list", "cases/passes.yaml") == 0
    assert out.errors == "2 slow cases were left out; --slow plays them too\n"
    assert out.text == ""
    assert out.reference("run", "cases/passes.yaml", "--slow") == 0
    assert "left out" not in out.text


def test_smoke_cases_that_no_longer_pass_at_the_end_are_status_3(
    out: Out, cases: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (cases / "smoke").mkdir()
    (cases / "smoke" / "first.yaml").write_text(PASSES, encoding="utf-8")
    run = reference.Reference.run
    runs: list[int] = []

    def damaged(
        self: reference.Reference, jobs: Sequence[Job], done: Done, at_once: int | None = None
    ) -> None:
        runs.append(len(jobs))

        def told(job: Job, record: Record) -> None:
            if len(runs) == 3:
                record.verdict = Verdict(Outcome.FAIL, "nothing came")
            done(job, record)

        run(self, jobs, told, at_once)

    monkeypatch.setattr(reference.Reference, "run", damaged)
    assert out.reference("run", "cases/smoke", "cases/passes.yaml", "--ip=4") == 3
    assert runs == [1, 1, 1]
    assert "smoke/first::reference-ipv4 no longer passes" in out.text


def test_a_machine_that_is_too_poor_is_status_3(
    out: Out, cases: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def poor() -> None:
        raise EnvironmentProblem("raw sockets are not allowed here")

    monkeypatch.setattr(reference, "Reference", poor)
    assert out.reference("run", "cases") == 3
    assert out.errors == "conformance: raw sockets are not allowed here\n"
    assert out.reference("list", "cases") == 3


def test_a_broken_target_is_status_3(
    out: Out, cases: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise TargetError("the agent is gone")

    monkeypatch.setattr(reference.Reference, "run", broken)
    assert out.reference("run", "cases") == 3
    assert out.errors == "conformance: the agent is gone\n"


def test_an_interruption_says_how_far_it_came(
    out: Out, cases: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    play = reference.Reference.play
    played: list[object] = []

    def interrupted(self: reference.Reference, job: object) -> object:
        played.append(job)
        if len(played) == 3:
            raise KeyboardInterrupt
        return play(self, job)  # type: ignore[arg-type]

    monkeypatch.setattr(reference.Reference, "play", interrupted)
    assert out.reference("run", "cases") == 130
    assert "interrupted: 2 of 8 were played" in out.errors


# ---- in a process of its own ---------------------------------------------------------------------


def test_ctrl_c(cases: Path) -> None:
    values = ", ".join(str(n) for n in range(250))
    for name in "abcdefgh":
        text = PASSES.replace("mss 1460", "mss $n").replace(
            "\nsteps", f"\nparameters:\n  n: [{values}]\n\nsteps"
        )
        (cases / "sub" / f"{name}.yaml").write_text(text, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *_paths()])}
    with subprocess.Popen(
        [*COMMAND, "run", "--target", "reference", "cases"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "interrupted" in errors
    assert "Traceback" not in errors


def test_a_broken_pipe_is_no_traceback(cases: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *_paths()])}
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            [*COMMAND, "list", "--target", "reference", "cases"],
            stdout=write,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
            timeout=120,
            check=False,
        )
    finally:
        os.close(write)
    assert done.stderr == ""
    assert done.returncode == 141


def test_a_pipe_gets_plain_lines(cases: Path) -> None:
    done = outside("run", "--target", "reference", "cases/passes.yaml")
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    assert "\r" not in done.stdout

"""What a run, a report or a comparison writes whole is never that of an earlier one."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any, cast

import pytest

from conformance.cli import main
from conformance.commands.code_coverage import _Measure
from conformance.commands.run import _Session
from conformance.exits import Exit

CASE = "title: T\ngiven: established\nsteps:\n  - silence: 10ms\n"
GONE = "target: gone\ncommand: [/nonexistent/program]\nclock: virtual\nreset: call\n"
OLD = "of an earlier run"
FILES = ("junit-xml", "markdown", "tap", "annotations")
UNENDED = "The run did not end"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("c.yaml").write_text(CASE)
    Path("gone.yaml").write_text(GONE)
    Path("faulty.yaml").write_text(CASE.replace("silence", "silense"))
    for name in FILES:
        Path(name).write_text(OLD)


def run(*words: str) -> int:
    written = [f"--{name}={name}" for name in FILES]
    return main(["run", "c.yaml", *written, "--html=site", *words])


def told() -> dict[str, str]:
    return {name: Path(name).read_text() for name in (*FILES, "site/index.html")}


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["--target=./gone.yaml"], Exit.BROKEN),
        (["--target=none"], Exit.WRONG),
        (["faulty.yaml", "--target=reference"], Exit.WRONG),
        (["--ip=5", "--target=reference"], Exit.WRONG),
    ],
)
def test_a_run_that_does_not_end_leaves_nothing_of_the_one_before(
    words: list[str], status: Exit
) -> None:
    assert run("--target=reference") == Exit.EXPECTED
    assert not any(UNENDED in text for text in told().values())
    assert run(*words) == status
    assert {name: UNENDED in text for name, text in told().items()} == dict.fromkeys(told(), True)


def test_nor_does_one_that_is_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        assert all(UNENDED in Path(name).read_text() for name in FILES)  # while it plays, too
        raise KeyboardInterrupt

    monkeypatch.setattr(_Session, "play", interrupt)
    assert run("--target=reference") == Exit.INTERRUPTED
    assert all(UNENDED in Path(name).read_text() for name in FILES)


def test_what_was_played_stands_beside_the_target_that_was_not() -> None:
    assert run("--target=reference,./gone.yaml") == Exit.BROKEN
    for name, text in told().items():
        assert "./gone.yaml is not played to the end: gone cannot start" in text, name
    assert "No case failed" in told()["markdown"]
    assert "ok 2 - c::reference-ipv6" in told()["tap"]


def test_a_run_of_nothing_says_so() -> None:
    assert run("--target=reference", "-k", "nothing") == Exit.WRONG
    assert all("nothing to play" in told()[name] for name in FILES)
    Path("c.yaml").write_text(CASE.replace("given", "target: {needs: [COUNTERS]}\ngiven"))
    assert run("--target=reference") == Exit.WRONG
    assert all("nothing was judged" in told()[name] for name in FILES)


def test_a_file_that_is_merged_into_stays() -> None:
    assert main(["run", "c.yaml", "--target=./gone.yaml", "--observed=tap"]) == Exit.WRONG
    Path("mine.yaml").write_text("[]\n")
    assert main(["run", "c.yaml", "--target=./gone.yaml", "--observed=mine.yaml"]) == Exit.BROKEN
    assert Path("mine.yaml").read_text() == "[]\n"


def test_a_pipe_is_written_once() -> None:
    os.mkfifo("pipe")
    reader = os.open("pipe", os.O_RDONLY | os.O_NONBLOCK)
    assert main(["run", "c.yaml", "--target=reference", "--markdown=pipe"]) == Exit.EXPECTED
    text = os.read(reader, 1 << 16).decode()
    os.close(reader)
    assert text.count("## TCP conformance") == 1
    assert UNENDED not in text
    assert stat.S_ISFIFO(os.stat("pipe").st_mode)


def test_neither_does_a_report_nor_a_comparison() -> None:
    Path("cut.jsonl").write_text('{"type":"case"\n')
    written = [f"--{name}={name}" for name in FILES]
    assert main(["report", "cut.jsonl", *written]) == Exit.WRONG
    assert all("The report did not end" in Path(name).read_text() for name in FILES)
    Path("page").write_text(OLD)
    assert main(["compare", "cut.jsonl", "none.jsonl", "--html=page", "--markdown=tap"])
    assert all("The comparison did not end" in Path(name).read_text() for name in ("page", "tap"))


def test_nor_is_what_ran_of_a_kernel_that_of_an_earlier_run(tmp_path: Path) -> None:
    names = ("coverage.info", "files.txt", "functions.txt", "patch.txt")
    for name in (*names, "of-mine.txt"):
        (tmp_path / name).write_text(OLD)
    kernel = cast(Any, None)  # it is asked at the end
    _Measure(kernel, tmp_path, None, {}).begin()
    assert not any((tmp_path / name).exists() for name in names)
    assert (tmp_path / "of-mine.txt").exists()

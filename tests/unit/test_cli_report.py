"""The command report, and run --html: what is written where, and what is refused in words."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from test_cli import PASSES

from conformance.cli import main
from conformance.commands import report

FAILS = PASSES.replace("An answer", "A wrong one").replace("ack=1", "ack=2")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def play(here: Path, *options: str, **texts: str) -> int:
    """Play cases with these texts on the reference, and record them."""
    for name, text in texts.items():
        (here / f"{name}.yaml").write_text(text, encoding="utf-8")
    names = [f"{name}.yaml" for name in texts]
    return main(["run", "--target=reference", "--ip=4", "--record=run.jsonl", *options, *names])


def site(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*.html"))
    }


def test_a_run_and_its_record_give_the_same_site(here: Path) -> None:
    assert play(here, "--html=live", good=PASSES, bad=FAILS) == 1
    assert main(["report", "run.jsonl", "--html", "told"]) == 0
    assert site(here / "live") == site(here / "told")
    assert "A wrong one" in "".join(site(here / "told").values())
    names = (here / "told/conformance-report.txt").read_text().splitlines()[1:]
    assert names == sorted(site(here / "told"))


def test_no_page_has_a_path_of_the_machine(here: Path) -> None:
    (here / "bad.yaml").write_text(FAILS, encoding="utf-8")
    place = str(here / "bad.yaml")
    assert main(["run", "--target=reference", "--html=live", "--record=run.jsonl", place]) == 1
    assert main(["report", str(here / "run.jsonl"), "run.jsonl", "--html", "two"]) == 0
    assert main(["report", str(here / "run.jsonl"), "--html", "told"]) == 0
    assert site(here / "live") == site(here / "told")
    for folder in ("told", "two"):
        assert str(here) not in "".join(site(here / folder).values())


def test_two_records_stand_in_one_site(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    play(here, good=PASSES)
    (here / "run.jsonl").rename(here / "one.jsonl")
    play(here, bad=FAILS)
    assert main(["report", "one.jsonl", "run.jsonl", "--html=out"]) == 0
    assert "2 plays of 2 cases" in site(here / "out")["index.html"]
    assert "out/index.html" in capsys.readouterr().out


def test_a_site_is_written_anew_and_nothing_else_is_touched(here: Path) -> None:
    play(here, good=PASSES)
    assert main(["report", "run.jsonl", "--html=out"]) == 0
    before = set(site(here / "out"))
    (here / "out/mine.html").write_text("mine")
    play(here, bad=FAILS)
    assert main(["report", "run.jsonl", "--html=out"]) == 0
    after = site(here / "out")
    assert after.pop("mine.html") == "mine"
    assert {name for name in before ^ set(after) if not name.startswith("case/")} == set()
    assert len([name for name in after if name.startswith("case/")]) == 1


@pytest.mark.parametrize("strange", ["a file", "a page", "a list of others"])
def test_what_is_no_site_of_ours_is_left_alone(
    strange: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    play(here, good=PASSES)
    out = here / "out"
    if strange == "a file":
        out.write_text("mine")
    else:
        out.mkdir()
        name = "index.html" if strange == "a page" else "conformance-report.txt"
        (out / name).write_text("mine")
    assert main(["report", "run.jsonl", "--html=out"]) == 2
    assert main(["run", "--target=reference", "--html=out", "good.yaml"]) == 2
    words = "is no directory" if out.is_file() else "holds what is no site of ours"
    assert capsys.readouterr().err.count(f"--html out {words}") == 2
    found = [out] if out.is_file() else list(out.iterdir())
    assert [path.read_text() for path in found] == ["mine"]


def test_a_list_that_leads_elsewhere_deletes_nothing(here: Path) -> None:
    play(here, good=PASSES)
    assert main(["report", "run.jsonl", "--html=out"]) == 0
    known = here / "out/conformance-report.txt"
    (here / "precious.html").write_text("mine")
    absolute = str(here / "precious.html")
    known.write_text(
        known.read_text() + f"../precious.html\n{absolute}\ncase/../../precious.html\n"
    )
    assert main(["report", "run.jsonl", "--html=out"]) == 0
    assert (here / "precious.html").read_text() == "mine"


def test_a_record_that_was_cut_off_is_told_as_far_as_it_goes(here: Path) -> None:
    play(here, good=PASSES)
    lines = (here / "run.jsonl").read_text().splitlines(keepends=True)
    (here / "cut.jsonl").write_text("".join(lines[:-2]))
    assert main(["report", "cut.jsonl", "--html=out"]) == 0
    pages = site(here / "out")
    (case,) = (text for name, text in pages.items() if name.startswith("case/"))
    assert "the recording was cut off" in case
    assert "SYN seq=0" in case
    assert "the recording was cut off" in pages["findings.html"]


def test_a_case_that_does_not_load_keeps_its_verdict(here: Path) -> None:
    play(here, bad=FAILS)
    first, *rest = (here / "run.jsonl").read_text().splitlines(keepends=True)
    header = json.loads(first)
    header["sources"] = {path: text.replace("expect:", "expects:")
                         for path, text in header["sources"].items()}  # fmt: skip
    (here / "old.jsonl").write_text(json.dumps(header) + "\n" + "".join(rest))
    assert main(["report", "old.jsonl", "--html=out"]) == 0
    (case,) = (text for name, text in site(here / "out").items() if name.startswith("case/"))
    assert "Its story cannot be told" in case
    assert "another segment came" in case
    assert "Traceback" not in case


@pytest.mark.parametrize("text", ["", "nonsense\n", '{"type": "tick"}\n'])
def test_no_record_is_no_site(text: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "none.jsonl").write_text(text)
    assert main(["report", "none.jsonl", "--html=out"]) == 2
    assert "none.jsonl" in capsys.readouterr().err
    assert not list((here / "out").glob("*.html"))


def test_a_file_that_is_not_there(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "none.jsonl", "--html=out"]) == 2
    assert "none.jsonl: no such file" in capsys.readouterr().err


def test_a_page_that_cannot_be_written_is_the_machines_fault(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    play(here, good=PASSES)
    (here / "out/case").mkdir(parents=True)
    (here / "out/conformance-report.txt").write_text(report._OURS)
    (here / "out/index.html").mkdir()
    assert main(["report", "run.jsonl", "--html=out"]) == 3
    assert "out cannot be written" in capsys.readouterr().err


# ---- many ----------------------------------------------------------------------------------------


def many(here: Path, number: int) -> str:
    """A record of so many cases."""
    play(here, bad=FAILS)
    one = (here / "run.jsonl").read_text()
    return "".join(one.replace('"case":"bad"', f'"case":"bad{i}"') for i in range(number))


def in_a_process_of_its_own(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "conformance.cli", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_some_processes_give_what_one_gives(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "many.jsonl").write_text(many(here, 140))
    ended = in_a_process_of_its_own("report", "many.jsonl", "--html=some")
    assert ended.returncode == 0, ended.stderr
    monkeypatch.setattr(report, "_TOGETHER", 1000)
    assert main(["report", "many.jsonl", "--html=one"]) == 0
    assert site(here / "some") == site(here / "one")
    assert len(list((here / "one/case").iterdir())) == 140


def test_what_is_wrong_in_the_middle_is_named_by_its_line(here: Path) -> None:
    text = many(here, 140)
    cut = text.index("\n", len(text) // 2) + 1
    line = text[:cut].count("\n") + 1
    (here / "many.jsonl").write_text(text[:cut] + "nonsense\n" + text[cut:])
    ended = in_a_process_of_its_own("report", "many.jsonl", "--html=some")
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"conformance: many.jsonl:{line}:1: not a record of a run")
    assert ended.stderr.count("\n") == 1


def test_a_process_that_is_killed_is_named_and_the_others_end(here: Path) -> None:
    (here / "many.jsonl").write_text(many(here, 140))
    program = (
        "import os, sys\n"
        "from conformance.cli import main\n"
        "from conformance.commands import report\n"
        "def die(piece):\n    os.kill(os.getpid(), 9)\n"
        "report._told = die\n"
        "sys.exit(main(['report', 'many.jsonl', '--html=some']))\n"
    )
    command = [sys.executable, "-c", program]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert ended.returncode == 3
    assert ended.stderr.startswith("conformance: A process that reads the records was killed")
    assert ended.stderr.count("\n") == 1

"""``conformance target``: new, build, check, list, as a person meets them."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from conformance.cli import main
from conformance.play.profile import Ability
from conformance.targets.files import build
from conformance.targets.files.reader import load
from conformance.targets.files.shipped import SHIPPED

ROOT = Path(__file__).parents[2]


class Out:
    """Runs ``main`` and keeps what it said."""

    def __init__(self, capfd: pytest.CaptureFixture[str]) -> None:
        self._capfd = capfd
        self.text = self.errors = ""

    def __call__(self, *args: str) -> int:
        status = main(["target", *args])
        self.text, self.errors = self._capfd.readouterr()
        assert "Traceback" not in self.text + self.errors
        return status


@pytest.fixture
def out(capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Out:
    """In an empty directory, with an empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return Out(capfd)


# ---- mistakes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ([], "the following arguments are required: action"),
        (["nwe"], "argument action: invalid choice: 'nwe'"),
        (["new"], "target new needs one NAME"),
        (["new", "a", "b"], "target new needs one NAME"),
        (["new", "My-Stack"], "My-Stack is no name of a target: lower-case letters"),
        (["new", "../up"], "../up is no name of a target: lower-case letters"),
        (["new", "linux"], "linux is built in: call it otherwise"),
        (["new", "x", "--lang", "perl"], "argument --lang: invalid choice: 'perl'"),
        (["new", "json"], "json is a module of Python: another name"),
        (["new", "x", "--json"], "--json is for target list, not for target new"),
        (["check", "lwip", "--lang", "c"], "--lang is for target new, not for target check"),
        (["list", "lwip"], "target list takes no lwip: it lists all"),
        (["check", "ssh:board"], "ssh:board runs the agent that comes with this"),
        (["build"], "target build needs one NAME or FILE"),
        (["build", "linux"], "linux is built in: nothing is to be built"),
        (["build", "lwpi"], "unknown target 'lwpi': did you mean lwip?"),
        (["check", "lwpi"], "unknown target 'lwpi': did you mean lwip?"),
    ],
)
def test_a_mistake_is_one_sentence_and_status_2(out: Out, args: Sequence[str], said: str) -> None:
    assert out(*args) == 2
    assert out.errors.startswith(f"conformance: {said}")
    assert out.errors.count("\n") == 1
    assert list(Path().iterdir()) == []


def test_a_fault_in_a_file_has_its_place(out: Out) -> None:
    Path("my.yaml").write_text("target: mystack\ncomand: [./x]\n", encoding="utf-8")
    for action in ("build", "check"):
        assert out(action, "my.yaml") == 2
        assert "my.yaml:2:1: unknown key comand\n    comand: [./x]\n    ^^^^^^\n" in out.errors


def test_what_is_not_built_is_status_3(out: Out) -> None:
    assert out("check", "lwip") == 3
    assert "lwip is not built: " in out.errors
    assert "conformance target build lwip" in out.errors


# ---- new, build ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lang", "files", "steps"),
    [
        (
            "c",
            ["conformance_glue.h", "my-stack.c", "my-stack.yaml", "workflow.yml"],
            ["build", "check", "run"],
        ),
        ("python", ["my-stack.py", "my-stack.yaml", "workflow.yml"], ["check", "run"]),
        pytest.param(
            "rust",
            ["conformance_glue.rs", "my-stack.rs", "my-stack.yaml", "workflow.yml"],
            ["build", "check", "run"],
            marks=pytest.mark.long,
        ),
        pytest.param(
            "go",
            [
                *(
                    f"conformance/{name}.go"
                    for name in ("bell", "calls", "clock", "glue", "values")
                ),
                *("go.mod", "my-stack.go", "my-stack.yaml", "workflow.yml"),
            ],
            ["build", "check", "run"],
            marks=pytest.mark.long,  # builds the standard library of Go
        ),
    ],
)
def test_a_new_target_is_a_directory_that_can_be_built(
    out: Out, lang: str, files: list[str], steps: list[str]
) -> None:
    assert out("new", "my-stack", "--lang", lang) == 0
    there = [path for path in Path("my-stack").rglob("*") if path.is_file()]
    assert sorted(str(path.relative_to("my-stack")) for path in there) == files
    for path in there:
        text = path.read_text(encoding="utf-8")
        assert "@NAME@" not in text
        assert "SPDX-License-Identifier: MIT" in text, path
    commands = [line.strip() for line in out.text.split("next:")[1].splitlines() if line]
    words = [command.split() for command in commands]
    assert [(word[2] if word[1] == "target" else word[1]) for word in words] == steps
    assert all("my-stack/my-stack.yaml" in command for command in commands)
    assert out("build", "my-stack/my-stack.yaml") == 0
    assert build.missing(load(Path("my-stack/my-stack.yaml"))) == ""
    assert out("check", "my-stack/my-stack.yaml") == 1  # a toy, which resets every connection
    assert "ok   a SYN to a closed port is reset: RST,ACK" in out.text
    assert "1 of the steps failed" in out.text


def test_nothing_is_written_over(out: Out) -> None:
    Path("mine").mkdir()
    assert out("new", "mine", "--lang", "python") == 2
    assert out.errors == "conformance: mine is already there; nothing is written over\n"
    assert list(Path("mine").iterdir()) == []


def test_a_place_that_cannot_be_written_is_one_sentence(
    out: Out, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert out("new", "mine") == 2
    assert out.errors == "conformance: mine cannot be written: no such file or directory\n"


def test_a_build_says_its_command_and_its_place(out: Out) -> None:
    Path("my.yaml").write_text(
        'target: mystack\ncommand: ["{cache}/it"]\n'
        'build: [sh, -c, "echo noise; cp /bin/true $0", "{cache}/it"]\n',
        encoding="utf-8",
    )
    assert out("build", "my.yaml") == 0
    place = build.folder(Path("my.yaml"), "mystack")
    assert out.text == f"mystack is built: {place}\n"
    assert out.errors == f"sh -c 'echo noise; cp /bin/true $0' {place}/it\nnoise\n"


def test_a_build_that_fails_is_status_3(out: Out) -> None:
    Path("my.yaml").write_text(
        "target: mystack\ncommand: [sh]\nbuild: ['false']\npackages: libmystack-dev\n",
        encoding="utf-8",
    )
    assert out("build", "my.yaml") == 3
    assert "mystack is not built: false ended with status 1; it needs: apt-get" in out.errors


def test_a_target_without_a_build(out: Out) -> None:
    Path("my.yaml").write_text("target: mystack\ncommand: [sh]\n", encoding="utf-8")
    assert out("build", "my.yaml") == 0
    assert out.text == "mystack has no build:, nothing is to be built\n"


# ---- check ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["reference", "linux"])
def test_what_is_built_in_needs_no_check(out: Out, name: str) -> None:
    assert out("check", name) == 0
    assert f"{name} is built in: nothing is to be checked\nabilities: " in out.text
    assert " CALLS " in out.text


SILENT = 'target: silent\ncommand: ["{python}", -c, "import sys; sys.stdin.read()"]\n'


def test_a_program_that_answers_nothing_fails_the_check(out: Out) -> None:
    Path("silent.yaml").write_text(SILENT, encoding="utf-8")
    assert out("check", "silent.yaml") == 1
    lines = out.text.splitlines()
    assert [line for line in lines[:-1] if line.startswith("FAIL ")]
    assert all(line.startswith(("ok   ", "FAIL ")) for line in lines[:-1])
    assert lines[-1].endswith("failed: silent is not wired right yet")


def test_on_a_terminal_there_are_marks(out: Out) -> None:
    Path("silent.yaml").write_text(SILENT, encoding="utf-8")
    leader, follower = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [sys.executable, "-m", "conformance.cli", "target", "check", "silent.yaml"],
        stdout=follower, stderr=follower, env=environment, timeout=120, check=False,
    )  # fmt: skip
    os.close(follower)
    said = os.read(leader, 65536).decode()
    os.close(leader)
    assert done.returncode == 1
    assert "\x1b[1;31m✗\x1b[0m " in said


# ---- list ----------------------------------------------------------------------------------------


def test_list_has_every_name_with_its_state(out: Out) -> None:
    assert out("list", "--json") == 0
    rows = {row["name"]: row for row in json.loads(out.text)}
    assert list(rows)[:2] == ["reference", "linux"]
    assert set(SHIPPED) <= set(rows)
    lacking = {Ability.COUNTERS, Ability.LINUX, Ability.AO}
    assert rows["reference"]["abilities"] == sorted(set(Ability) - lacking)
    assert rows["lwip"]["built"] is False
    assert rows["lwip"]["state"].endswith("conformance target build lwip")
    assert out("list") == 0
    for name, row in rows.items():
        assert f"{name} " in out.text
        assert row["about"] in out.text
        assert row["state"] in out.text
    assert "conformance target new NAME" in out.errors

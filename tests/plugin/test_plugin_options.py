"""Options of the plugin that are wrong, or exclude each other."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

import imported  # noqa: F401 - before any session
import pytest

ROOT = Path(__file__).parents[2]
INSTALLED = "conformance" in importlib.metadata.entry_points(group="pytest11").names

pytest_plugins = ["pytester"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--target=refrence"], "*unknown target 'refrence': did you mean reference?"),
        (["--ip=5"], "*'5' is no IP version*"),
        (["--isn=warp"], "*'warp' is no ISN*"),
        (
            ["--conformance-kernel=host", "--target=reference"],
            "ERROR: --conformance-kernel names targets, so --target has no place beside it",
        ),
    ],
)
def test_a_wrong_option_is_a_usage_error(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makeini("[pytest]\nconformance_cases = cases")
    pytester.mkdir("cases")
    plugin = [] if INSTALLED else ["-p", "conformance.pytest_plugin"]
    result = pytester.runpytest_subprocess(*plugin, *words)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([said])


def test_a_target_file_of_elsewhere_behind_a_space_is_told_how(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pytest takes it for an argument and looks for its ini there, before anybody has options."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    project = pytester.mkdir("project")
    (project / "pytest.ini").write_text("[pytest]\nconformance_cases = cases\n")
    (project / "cases").mkdir()
    for file in ("elsewhere.yaml", "project/here.yaml"):
        (pytester.path / file).write_text("target: toy\ncommand: [nothing]\n")
    monkeypatch.chdir(project)
    plugin = [] if INSTALLED else ["-p", "conformance.pytest_plugin"]
    result = pytester.runpytest_subprocess(*plugin, "--target", "../elsewhere.yaml")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: write --target=../elsewhere.yaml, for pytest looks at *"])
    result = pytester.runpytest_subprocess(*plugin, "--target", "here.yaml")
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_the_shipped_cases_are_collected_where_they_are(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makeini("[pytest]\nconformance_cases = shipped:smoke\ntestpaths = tests")
    pytester.mkdir("tests").joinpath("test_own.py").write_text("def test_own(): pass\n")
    plugin = [] if INSTALLED else ["-p", "conformance.pytest_plugin"]
    quiet = ["-q", "--target", "reference", "--ip=4"]
    pytester.runpytest_subprocess(*plugin, *quiet).assert_outcomes(passed=3)
    pytester.runpytest_subprocess(*plugin, *quiet, "tests").assert_outcomes(passed=1)
    pytester.makeini("[pytest]\nconformance_cases = shipped:smoek")
    result = pytester.runpytest_subprocess(*plugin, *quiet)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: *shipped:smoek: no such cases came with this"])

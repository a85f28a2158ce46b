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

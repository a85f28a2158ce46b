"""Options of the plugin that exclude each other."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

import imported  # noqa: F401 - before any session
import pytest

ROOT = Path(__file__).parents[2]
INSTALLED = "conformance" in importlib.metadata.entry_points(group="pytest11").names

pytest_plugins = ["pytester"]


def test_a_kernel_and_a_target_are_refused_together(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makeini("[pytest]\nconformance_cases = cases")
    pytester.mkdir("cases")
    plugin = [] if INSTALLED else ["-p", "conformance.pytest_plugin"]
    words = ("--conformance-kernel", "host", "--target", "reference")
    result = pytester.runpytest_subprocess(*plugin, *words)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: --conformance-kernel names targets, so --target has no place beside it"]
    )

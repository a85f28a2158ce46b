"""What a failed test leaves behind is said of that test, not of the next one."""

from __future__ import annotations

from pathlib import Path

import pytest

CONFTEST = Path(__file__).parents[1] / "conftest.py"
LEAVES = """
import gc
import socket

def test_leaves():
    sock = socket.socket()
    circle = [sock]
    circle.append(circle)
    assert not circle

def test_next():
    pass

def test_collects():
    gc.collect()
"""

pytest_plugins = ["pytester"]


def test_a_socket_of_a_failed_test_is_its_own(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST.read_text(encoding="utf-8"))
    pytester.makepyfile(LEAVES)
    result = pytester.runpytest_subprocess("-Werror", "-p", "no:conformance")
    result.assert_outcomes(passed=2, failed=1, errors=1)
    result.stdout.fnmatch_lines(["ERROR *::test_leaves - *"])

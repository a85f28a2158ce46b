"""Projects with cases, and sessions of pytest in them."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

import imported  # noqa: F401 - before any session
import pytest

from conformance import pytest_plugin

QUIET = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest")

# An installed package brings the plugin by its entry point; loading it twice is refused.
INSTALLED = "conformance" in importlib.metadata.entry_points(group="pytest11").names


def handshake(
    title: str = "An answer",
    answer: str = "SYN,ACK seq=0 ack=1",
    requirement: str = "rfc9293/MUST-5",
    rest: str = "",
) -> str:
    text = f"title: {title}\nverifies: [{requirement}]\n"
    return text + (
        "\nsteps:\n"
        "  - call:    socket() = l\n"
        "  - call:    listen(l)\n"
        "  - send:    SYN seq=0 <mss 1460>\n"
        f"  - expect:  {answer}\n"
        "    as:      answer\n"
        f"{rest}"
    )


ROOT = Path(__file__).parents[2]


def made(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project with the ini option and an empty directory of cases."""
    pytester.makeini(
        "[pytest]\nconformance_cases = cases\naddopts = --strict-markers --strict-config\n"
        "filterwarnings = error\n"
    )
    pytester.mkdir("cases")
    return pytester


def write(project: pytest.Pytester, **files: str) -> None:
    for name, text in files.items():
        path = project.path / "cases" / (name.replace("__", "/") + ".yaml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def run(project: pytest.Pytester, *args: str) -> pytest.RunResult:
    """A session; in a process of its own where something is patched or workers are made."""
    if "-n" in args or (project.path / "conftest.py").exists():
        plugin = [] if INSTALLED else ["-p", "conformance.pytest_plugin"]
        return project.runpytest_subprocess(*plugin, *QUIET, *args, timeout=120)
    plugins = [] if INSTALLED else [pytest_plugin]
    return project.runpytest_inprocess(*QUIET, *args, plugins=plugins)


def play(project: pytest.Pytester, *args: str) -> pytest.RunResult:
    return run(project, "--target=reference", "-rA", *args)

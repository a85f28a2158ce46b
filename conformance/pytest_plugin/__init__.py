"""The pytest plugin, as every project has it that installs the package.

Nothing happens unless the ini option ``conformance_cases`` names where cases are: no command line
option, no import of ours. So the plugin costs nothing where it is merely installed, and takes no
``--slow`` away from a project that has one. All else is in :mod:`.session`, which is imported,
inside a function, where there are cases.
"""

from __future__ import annotations

from collections.abc import Generator
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest

INI: Final = "conformance_cases"
_CONFIGURATIONS: Final = ("pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg")
_MARKERS: Final = (
    "conformance: a case of the TCP conformance harness",
    "requirement(id): the case verifies this requirement",
    "slow: the case takes more than 10 s on its target",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Have the one ini option that wakes the plugin."""
    parser.addini(
        INI,
        "files and directories of TCP conformance cases; shipped:rfc9293 for those of the package",
        "paths",
        [],
    )


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser
) -> Generator[None, Any, Any]:
    """Wake, in a project that has cases: the hooks before those of its conftest files, as a plugin
    has them that is installed; the options after all others, to see who took them.
    """
    if not early_config.getini(INI):
        _say_how(early_config)
        return (yield)
    from conformance.pytest_plugin import session

    early_config.pluginmanager.register(session, "conformance-session")
    result = yield
    session.add_options(parser)
    return result


def _say_how(config: pytest.Config) -> None:
    """A file behind ``--target`` is as yet an argument to pytest, which looks there for its ini."""
    words, here = config.invocation_params.args, config.invocation_params.dir
    for option, file in pairwise(words):
        if option == "--target" and (here / file).is_file() and _has_cases(here):
            raise pytest.UsageError(
                f"write --target={file}, for pytest looks at {file} for its ini"
            )


def _has_cases(here: Path) -> bool:
    """Whether a configuration here or above says where cases are."""
    places = (folder / name for folder in (here, *here.parents) for name in _CONFIGURATIONS)
    found = next((place for place in places if place.is_file()), None)
    return found is not None and INI in found.read_text(encoding="utf-8", errors="replace")


def pytest_configure(config: pytest.Config) -> None:
    """Have the markers, which a conftest file may name whether there are cases or not."""
    for line in _MARKERS:
        config.addinivalue_line("markers", line)

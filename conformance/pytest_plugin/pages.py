"""``--conformance-html``: the site of a session, whoever played.

Each process keeps its records in a directory of the session, which tells it to the workers of
xdist. When all have ended the session makes the pages of them, as ``conformance report --html``
would. It is a plugin of its own, and only there where it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import pytest

from conformance.commands.report import Folder, all_told
from conformance.commands.written import Kept
from conformance.errors import ConformanceError
from conformance.exits import Exit
from conformance.report.site.model import Site, ToldRecord
from conformance.report.site.pages import FRONT, pages
from conformance.targets.names import sentence
from conformance.visible import visible

OPTION: Final = "--conformance-html"
_SHARED: Final = "conformance_pages"  # what a worker's input calls the directory


def pages_of(place: str, told: dict[str, Any]) -> Pages | None:
    """The site that is asked for; ``told`` is what a worker was. CaseError for a bad place."""
    if shared := told.get(_SHARED):
        return Pages(None, shared, told["workerid"])
    return Pages(Folder(Path(place), OPTION)) if place and not told else None


class Pages:
    """Records of plays, and in the session itself the pages of them."""

    def __init__(self, folder: Folder | None, shared: str = "", worker: str = "session") -> None:
        self._folder, self._own = folder, None
        if folder is not None:
            self._own = TemporaryDirectory(prefix="conformance-pages-")
            shared = self._own.name
        self._shared, self._said = Path(shared), ""
        self._kept = Kept(str(self._shared / worker), option=OPTION)
        self.add = self._kept.add

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker where the records go."""
        node.workerinput[_SHARED] = str(self._shared)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Make the pages, when the workers have ended."""
        if self._folder is None:
            return
        try:
            self._said = self._written(self._folder)
        except ConformanceError as error:
            self._said = sentence(error)
            session.exitstatus = Exit.BROKEN

    def _written(self, folder: Folder) -> str:
        site = Site()
        names = sorted(map(str, self._shared.iterdir()))
        records: Iterable[ToldRecord] = all_told(names, here=True)
        if len(names) > 1:  # which worker plays what is chance
            records = sorted(records, key=lambda told: (told.play.case, told.play.id))
        for told in records:  # one run, however many have played it
            site.put(replace(told, play=replace(told.play, run=0)))
        if not site.shelves:
            return f"{OPTION}: no site is written, for nothing was played"
        return f"{folder.write(pages(site))} pages: {folder.path / FRONT}"

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say where they are."""
        if self._said:
            terminalreporter.write_line(f"conformance: {visible(self._said)}")

    def close(self) -> None:
        """Give back the session's directory."""
        self._kept.close()
        if self._own is not None:
            self._own.cleanup()

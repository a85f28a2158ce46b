"""Cases as pytest items: what a project has that has cases.

Rules:

- A file that is wrong is a collection error that reads as ``conformance check`` would print it.
- All the selected cases of one target are played at once, when the first of them is to run:
  the set takes as long as its longest case. Each is then reported in its turn. The workers of
  xdist play theirs one by one.
- An inconclusive case is played again alone in its own turn, so what bounds it is its own.
- What nobody foresaw is no verdict: its item says that it is a bug of ours, and the session ends
  with the status of one.
- The ``timeout`` marker is there to end what hangs; the harness keeps the bounds of the case.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import pytest

from conformance.commands.pytest_options import OPTIONS
from conformance.exits import Exit
from conformance.pytest_plugin import INI
from conformance.pytest_plugin.roots import place_of
from conformance.visible import visible

if TYPE_CHECKING:
    from conformance.case.expand import Expander
    from conformance.case.load import Files
    from conformance.case.model import Case
    from conformance.commands.lane import Lane
    from conformance.play.record import Record
    from conformance.pytest_plugin.pages import Pages
    from conformance.targets.base import Job


def add_options(parser: pytest.Parser) -> None:
    """Have the options; raises UsageError where another has taken one."""
    group = parser.getgroup("conformance", "TCP conformance")
    for name, attributes in OPTIONS:
        try:
            group.addoption(name, dest=_dest(name), **attributes)
        except (ValueError, argparse.ArgumentError) as error:
            raise pytest.UsageError(
                f"the conformance plugin needs the option {name}, and another plugin or "
                f"conftest.py has it; one of the two must go (-p no:conformance): {error}"
            ) from None


def _dest(name: str) -> str:
    return "conformance_" + name.removeprefix("--").removeprefix("conformance-")


def pytest_configure(config: pytest.Config) -> None:
    """Begin; a wrong option ends it here."""
    from conformance.errors import CaseError

    try:
        state = config.stash[_STATE] = _State(config)
    except CaseError as error:
        raise pytest.UsageError(visible(str(error))) from None
    config.pluginmanager.register(state.judged)
    if config.pluginmanager.hasplugin("html"):
        from conformance.pytest_plugin import html_column

        config.pluginmanager.register(html_column)
    if state.pages is not None:
        config.pluginmanager.register(state.pages)
    config.add_cleanup(state.close)


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say what is tested."""
    state = config.stash.get(_STATE, None)
    if state is None:
        return None
    versions = " and ".join(f"IPv{ip}" for ip in state.ips)
    return f"conformance: {', '.join(state.targets)}" + (f" over {versions}" if versions else "")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> CaseFile | None:
    """Take the YAML files below ``conformance_cases``; fragments are parts of cases."""
    if file_path.suffix != ".yaml":
        return None
    state = parent.config.stash.get(_STATE, None)
    if state is None or not state.holds(file_path):
        return None
    return CaseFile.from_parent(parent, path=file_path)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what ``--requirement`` does not mean, and the slow ones without ``--slow``."""
    state = config.stash.get(_STATE, None)
    if state is None:
        return
    ours = [item for item in items if isinstance(item, CaseItem)]
    out = [item for item in ours if not state.wants(item)]
    state.heard(ours)
    if out:
        left_out = set(out)
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=out)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Know which cases are left to be played together."""
    state = session.config.stash.get(_STATE, None)
    if state is not None and not hasattr(session.config, "workerinput"):
        state.selected(item for item in session.items if isinstance(item, CaseItem))


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Have a worker of xdist tell what it left out, as all of them did, and what were our bugs.

    A session that judged nothing is no success.
    """
    state = session.config.stash.get(_STATE, None)
    if state is None:
        return
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["conformance"] = state.judged.told()
        output["conformance_bugs"] = state.bugs.told
    elif not exitstatus and state.judged.nothing:
        session.exitstatus = pytest.ExitCode.NO_TESTS_COLLECTED
    if state.bugs.told:
        session.exitstatus = Exit.BUG


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Hear it."""
    state = node.config.stash.get(_STATE, None)
    output = getattr(node, "workeroutput", {})
    if state is not None and "conformance" in output:
        state.judged.hear(*output["conformance"])
        state.bugs.told += output["conformance_bugs"]


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say what was left out, and that nothing was judged."""
    state = config.stash.get(_STATE, None)
    for sentence in state.judged.sentences() if state is not None else ():
        terminalreporter.write_line(f"conformance: {sentence}")


class CaseFile(pytest.File):
    """One file of cases."""

    def collect(self) -> Iterator[CaseItem]:
        """Every case of the file on every target and IP version."""
        from conformance.case.faults import CaseFaults
        from conformance.commands.bug import Bug
        from conformance.errors import ConformanceError
        from conformance.targets.names import sentence

        state = self.config.stash[_STATE]
        try:
            with state.bugs.caught():
                yield from self._items(state)
        except (CaseFaults, Bug) as faults:
            raise self.CollectError(visible(str(faults))) from None
        except ConformanceError as error:
            if not state.told:
                state.told = True
                raise self.CollectError(visible(sentence(error))) from None

    def _items(self, state: _State) -> Iterator[CaseItem]:
        from conformance.targets.names import Chosen, job_id
        from conformance.targets.runs.selection import choose

        cases = state.read(self.path)
        for lane in state.lanes():
            profile = lane.target.profile
            known = lane.target.deviations
            plan = choose(
                map(Chosen, cases), profile, ips=state.ips, isns=state.isns, slow=True, known=known
            )
            for job in plan.jobs:
                name = job_id(job, profile.name).partition("::")[2]
                yield CaseItem.from_parent(self, name=visible(name), job=job, lane=lane)


class CaseItem(pytest.Item):
    """One case on one target over one IP version."""

    def __init__(self, *, job: Job, lane: Lane, **rest: Any) -> None:
        super().__init__(**rest)
        from conformance.targets.base import refusal
        from conformance.targets.runs.schedule import longest
        from conformance.targets.runs.selection import is_slow

        self.job, self.lane = job, lane
        profile = lane.target.profile
        self.slow = is_slow(job, profile)
        self.add_marker(pytest.mark.conformance)
        for id in job.case.all_verifies:
            self.add_marker(pytest.mark.requirement(id))
            self.user_properties.append(("requirement", visible(id)))
        if self.slow:
            self.add_marker(pytest.mark.slow)
        self.reason = visible(refusal(job, profile))
        if self.reason:
            self.add_marker(pytest.mark.skip(reason=self.reason))
        self.bound(longest(job, profile))

    def bound(self, seconds: float) -> None:
        """Have pytest-timeout end this item after so long."""
        if self.config.pluginmanager.hasplugin("timeout"):
            self.add_marker(pytest.mark.timeout(round(seconds)), append=False)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the case stands, and its id as our own reports print it."""
        from conformance.targets.names import job_id

        name = job_id(self.job, self.lane.target.profile.name)
        return self.path, max(self.job.case.span.line - 1, 0), visible(name)

    def runtest(self) -> None:
        """Play the case, or take what came of it; then say so in pytest's words."""
        from conformance.commands.bug import Bug
        from conformance.errors import ConformanceError
        from conformance.play.verdict import Outcome
        from conformance.targets.names import requirement_text, sentence

        try:
            with self.config.stash[_STATE].bugs.caught():
                record = self.lane.record(self)
                self.config.stash[_STATE].keep(record)
        except Bug as error:
            _fail(str(error))
        except ConformanceError as error:
            told, self.lane.told = self.lane.told, True
            (pytest.skip if told else _fail)(visible(sentence(error)))
        verdict = record.verdict
        assert verdict is not None
        match verdict.outcome:
            case Outcome.PASS:
                return
            case Outcome.SKIPPED:
                pytest.skip(visible(verdict.reason))
            case Outcome.DEVIATES:
                pytest.xfail(visible(verdict.reason))
            case outcome:
                from conformance.report.failure import explain

                again = f", {record.reruns} times again alone" if record.reruns else ""
                why = explain(record, requirement_text=requirement_text)
                _fail(f"{outcome}{again}: {verdict.reason}\n\n{why}")


def _fail(text: str) -> NoReturn:
    pytest.fail(visible(text), pytrace=False)


def _pages(place: str, told: dict[str, Any]) -> Pages | None:
    if not place:
        return None
    from conformance.pytest_plugin.pages import pages_of

    return pages_of(place, told)


class _State:
    """What one session knows; only there when it has cases."""

    def __init__(self, config: pytest.Config) -> None:
        from conformance.commands import kernel_options
        from conformance.commands.bug import Bugs
        from conformance.commands.judged import Judged
        from conformance.commands.written import Kept
        from conformance.errors import CaseError
        from conformance.play.isn import isns_of
        from conformance.targets import Wanted, kernels_of, targets_of
        from conformance.targets.runs.selection import versions_of

        home = config.inipath.parent if config.inipath else config.rootpath
        self._roots = [place_of(Path(path), home) for path in config.getini(INI)]
        if config.args_source is not config.ArgsSource.ARGS:  # nobody said what to collect
            came = (str(path) for path in self._roots if not path.is_relative_to(home))
            config.args += [path for path in came if path not in config.args]
        self._requirement = config.getoption(_dest("--requirement"))
        self._slow = config.getoption(_dest("--slow"))
        kernels = config.getoption(_dest("--conformance-kernel"))
        target = config.getoption(_dest("--target"))
        if kernels and target:
            raise CaseError(
                "--conformance-kernel names targets, so --target has no place beside it"
            )
        self.targets = kernels_of(kernels) if kernels else targets_of(target or "linux")
        append = tuple(config.getoption(_dest("--conformance-append")))
        place = config.getoption(_dest("--conformance-console"))
        kernel_options.check(self.targets, append, place, "--conformance-")
        around = config.getoption(_dest("--conformance-surroundings"))
        around = kernel_options.surroundings(around, self.targets, "--conformance-")
        told: dict[str, Any] = getattr(config, "workerinput", {})
        worker = told.get("workerid", "")
        console = kernel_options.console(place, worker)
        self._wishes = Wanted(append=append, console=console, surroundings=around)
        self.pages = _pages(config.getoption(_dest("--conformance-html")), told)
        self._kept = Kept(config.getoption(_dest("--conformance-record")), worker)
        self.ips = versions_of(config.getoption(_dest("--ip")))
        self.isns = isns_of(config.getoption(_dest("--isn")))
        self.judged, self.bugs = Judged(), Bugs()
        self.told = False
        self._here = config.invocation_params.dir
        self._lanes: dict[str, Lane] = {}
        self._files: Files | None = None
        self._expanders: dict[Path, Expander] = {}

    def holds(self, path: Path) -> bool:
        """Whether this is the file of a case."""
        for root in self._roots:
            if path == root or root in path.parents:
                return "fragments" not in path.relative_to(root).parts
        return False

    def read(self, path: Path) -> list[Case]:
        """The cases of one file; fragments are read once a session."""
        from conformance.case.expand import Expander
        from conformance.case.faults import CaseFaults
        from conformance.case.load import Files
        from conformance.targets.names import vocabulary

        files = self._files = self._files or Files()
        if path.is_relative_to(self._here):
            path = Path(os.path.relpath(path))
        base = files.root_of(path, path.parent)
        if base not in self._expanders:
            may = vocabulary()
            self._expanders[base] = Expander(files.below(base, may.shipped), may)
        expander = self._expanders[base]
        cases, faults = expander.cases(expander.reader.document(path))
        if faults:
            raise CaseFaults(faults.all(), files.sources)
        return cases

    def lanes(self) -> Iterator[Lane]:
        """The targets, each opened when it is first needed."""
        from conformance.commands.lane import Lane
        from conformance.targets import open_target

        for name in self.targets:
            if name not in self._lanes:
                self._lanes[name] = Lane(open_target(name, self._wishes))
            yield self._lanes[name]

    def wants(self, item: CaseItem) -> bool:
        """Whether the options select it; a slow one that they leave out is counted."""
        from conformance.targets.runs.selection import verifies

        if not verifies(item.job.case, self._requirement):
            return False
        if item.slow and not self._slow:
            self.judged.slow += 1
            return False
        return True

    def heard(self, items: list[CaseItem]) -> None:
        """All items there are: whether one of them is about what was asked for."""
        from conformance.targets.runs.selection import verifies

        if items and not any(verifies(item.job.case, self._requirement) for item in items):
            self.judged.unmet = self._requirement

    def selected(self, items: Iterable[CaseItem]) -> None:
        """These are left after everyone's selection."""
        found = [item for item in items if not item.reason]
        for lane in self._lanes.values():
            lane.expect([item for item in found if item.lane is lane])

    def keep(self, record: Record) -> None:
        """Write it down where that was asked for."""
        self._kept.add(record)
        if self.pages is not None:
            self.pages.add(record)

    def close(self) -> None:
        """Give back the targets."""
        for lane in self._lanes.values():
            lane.target.close()
        self._kept.close()
        if self.pages is not None:
            self.pages.close()
        if self._wishes.console is not None:
            self._wishes.console.close()


_STATE: Final = pytest.StashKey[_State]()

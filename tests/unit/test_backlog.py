"""What a kernel before 6.5 has still to take in is waited for."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.errors import EnvironmentProblem
from conformance.live.kernel import backlog
from conformance.live.kernel.backlog import Backlog

OTHERS = " 00000000" * 10


def line(processed: int, held: int) -> str:
    return f"{processed:08x}{OTHERS} {held:08x} 00000000 00000000 00000000\n"


@pytest.fixture
def statistics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "softnet_stat"
    monkeypatch.setattr(backlog, "_STATISTICS", str(path))
    return path


class Turns:
    """The time that others have: each turn writes the statistics anew."""

    def __init__(self, path: Path, *texts: str) -> None:
        self.path, self.left, self.now = path, list(texts), 0.0
        self.next()

    def next(self) -> None:
        if self.left:
            self.path.write_text(self.left.pop(0), encoding="ascii")

    def sleep(self, seconds: float) -> None:
        self.now += 100 * seconds
        self.next()

    def monotonic(self) -> float:
        return self.now


def drain(turns: Turns, monkeypatch: pytest.MonkeyPatch, release: str = "6.1.0-13-amd64") -> None:
    monkeypatch.setattr(backlog, "time", turns)
    waiting = Backlog(release)
    waiting.drain()
    waiting.close()


def test_nothing_is_looked_at_where_nothing_is_put_off(statistics: Path) -> None:
    for release in ("6.5.0", "6.12.117", "7.0-rc1", "10.1+"):
        Backlog(release).drain()
    assert not statistics.exists()


@pytest.mark.parametrize("release", ["6.4.16", "6.1.192", "5.15.0-91-generic", "5.10+"])
def test_what_is_held_is_waited_for(
    release: str, statistics: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = Turns(
        statistics,
        line(7, 0) + line(0xFFFFFFFE, 3),
        line(8, 1) + line(0, 2),  # two of the three, and one that came later on the other
        line(8, 1) + line(1, 5),  # all three; five that came later
        line(9, 9) + line(1, 9),
    )
    drain(turns, monkeypatch, release)
    assert turns.left == [line(9, 9) + line(1, 9)]


def test_nothing_is_waited_for_where_nothing_is_held(
    statistics: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = Turns(statistics, line(7, 0), line(7, 1))
    drain(turns, monkeypatch)
    assert len(turns.left) == 1


def test_nor_for_what_went_with_its_namespace(
    statistics: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drain(Turns(statistics, line(7, 2), line(7, 0)), monkeypatch)


def test_before_5_10_nobody_tells(statistics: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drain(Turns(statistics, f"00000007{OTHERS}\n", ""), monkeypatch, "4.19.0")


def test_a_kernel_that_takes_nothing_in_ends_the_run(
    statistics: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(EnvironmentProblem, match="takes no frames in"):
        drain(Turns(statistics, line(7, 1)), monkeypatch)

"""Small changes of the reference that nobody chose: what is made, which are drawn, what is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conformance.cli import main
from conformance.sim import changes as made
from conformance.sim.changes import changes, drawn

CASES = Path(__file__).parents[2] / "cases"
LOOP = '''\
def loop(tcb: int, more: bool = True) -> int:
    """What it says."""
    count: int | None = 3
    if tcb < count and not more:
        tcb.rto = max(tcb, count)
    while more:
        tcb += 1
    tcb.probe()
    return 7 if more else count
'''


def test_every_way_of_a_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "loop.py").write_text(LOOP, encoding="utf-8")
    monkeypatch.setattr(made, "_HOME", tmp_path)
    changes.cache_clear()
    found = [name.removeprefix("loop.loop: ") for name in changes()]
    changes.cache_clear()
    assert sorted(found) == sorted(
        [
            "3 -> (3 + 1)",
            "3 -> (3 - 1)",
            "tcb < count and not more -> (not (tcb < count and not more))",
            "tcb < count and not more -> False",
            "tcb < count and not more -> True",
            "tcb < count and not more -> ((tcb < count) or (not more))",
            "tcb < count and not more -> ((not more))",
            "tcb < count and not more -> ((tcb < count))",
            "tcb < count -> (tcb <= count)",
            "tcb < count -> (tcb >= count)",
            "not more -> bool(more)",
            "tcb.rto = max(tcb, count) -> pass",
            "max -> min",
            "max(tcb, count) -> (tcb)",
            "max(tcb, count) -> (count)",
            "more -> (not (more))",
            "more -> False",
            "tcb += 1 -> pass",
            "1 -> (1 + 1)",
            "1 -> (1 - 1)",
            "tcb.probe() -> pass",
            "7 if more else count -> (7)",
            "7 if more else count -> (count)",
            "7 -> (7 + 1)",
            "7 -> (7 - 1)",
        ]
    )


def test_each_change_is_a_program() -> None:
    sources = {path.stem: path.read_text(encoding="utf-8") for path in made._HOME.glob("*.py")}
    for change in changes().values():
        changed = change.edit.applied(sources[change.place])
        assert changed != sources[change.place], change.name
        compile(changed, change.name, "exec")


def test_a_draw_is_one_of_so_many_and_the_same_each_time() -> None:
    assert changes().keys() == drawn(1).keys()
    assert drawn(4).keys() < drawn(2).keys()
    assert abs(len(drawn(4)) - len(changes()) / 4) < len(changes()) / 40


def test_a_reason_is_of_a_change_that_there_is() -> None:
    reasons = made._reasons()
    assert reasons.keys() <= changes().keys(), reasons.keys() - changes().keys()
    assert all(len(why) > 10 for why in reasons.values())


def test_what_is_found_and_what_is_right(capsys: pytest.CaptureFixture[str]) -> None:
    wrong = "moves._send_ack: tcb.ack_now = True -> pass"
    right = "acks._drop_text: tcb.snd_up = None -> pass"
    survives = "moves._start_2msl: 2 -> (2 + 1)"
    words = ["mutate", "--changes", "1", wrong, right, survives, "--json", "--cases"]
    assert main([*words, str(CASES / "smoke")]) == 1
    rows = {row["fault"]: row for row in map(json.loads, capsys.readouterr().out.splitlines())}
    assert rows[wrong]["killed_by"].startswith("smoke/")
    assert rows[right]["equivalent"]
    assert not rows[survives]["killed_by"]
    assert not rows[survives]["equivalent"]


@pytest.mark.parametrize("words", [["-1"], ["0"], ["8", "--legal"], ["8", "--answers", "x.yaml"]])
def test_a_draw_of_none_or_of_something_else_too_is_refused(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["mutate", "--changes", *words]) == 2
    assert "--changes" in capsys.readouterr().err

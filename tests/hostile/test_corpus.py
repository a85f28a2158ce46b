"""A corpus of what strangers may hand in: bad cases and bad records, made of good ones, seeded.

Nothing but the documented errors is raised, the status is one of the documented, and the same
octets give the same words.
"""

from __future__ import annotations

import contextlib
import random
from argparse import Namespace
from collections import Counter
from pathlib import Path

import mutations
import pytest

from conformance.case.faults import CaseFaults, render
from conformance.case.fmt import format_text
from conformance.case.load import load, load_case
from conformance.commands.replay import replay
from conformance.commands.report import all_told
from conformance.errors import CaseError
from conformance.report.jsonlines import dump
from conformance.report.plan import head, plan
from conformance.report.site.model import Site
from conformance.report.site.pages import pages
from conformance.targets.base import Job
from conformance.targets.kinds.reference import Reference
from conformance.targets.names import vocabulary

CASES = Path("cases")
BAD_CASES, BAD_RECORDS, BAD_SITES = 1500, 3000, 120
PARTS = 4  # so that the workers of xdist share them
# Small ones, of all that an event can be.
PLAYED = (
    "smoke/handshake-and-close",
    "rfc9293/3.6-close/closing-fin-again",
    "rfc9293/3.6-close/lost-final-ack",
    "rfc9293/3.8-data/partial-ack",
)


@pytest.mark.parametrize("part", range(PARTS))
def test_no_bad_case_is_anything_but_faults(part: int, tmp_path: Path) -> None:
    dice = random.Random(part)
    sound = [path for path in sorted(CASES.rglob("*.yaml")) if path.stat().st_size < 2500]
    (tmp_path / "fragments").symlink_to((CASES / "fragments").absolute())
    for number in range(BAD_CASES // PARTS):
        octets = mutations.case_text(dice, dice.choice(sound).read_bytes())
        (tmp_path / f"{number}.yaml").write_bytes(octets)
        with contextlib.suppress(CaseFaults, UnicodeDecodeError):
            format_text(octets.decode())
    sources: dict[str, str] = {}
    cases, faults = load([tmp_path], None, vocabulary(), sources)
    told = [render(fault, sources) for fault in faults]
    drawn = [head(case) + plan(case) for case in cases]
    bad = {fault.span.path for fault in faults if fault.span.path.startswith(str(tmp_path))}
    assert len(bad) > BAD_CASES // PARTS // 3
    again: dict[str, str] = {}
    assert [render(one, again) for one in load([tmp_path], None, vocabulary(), again)[1]] == told
    assert all(drawn)


@pytest.fixture(scope="module")
def records() -> list[bytes]:
    """Runs of shipped cases on the reference, one with a failure and one of two runs."""
    reference = Reference()
    played = [dump(reference.play(Job(load_case(CASES / f"{name}.yaml")[0]))) for name in PLAYED]
    failed = played[0].replace("ack=11 len=10", "ack=11 len=11")
    return [text.encode() for text in (*played, failed, played[0] + played[1])]


@pytest.mark.parametrize("part", range(PARTS))
def test_no_bad_record_is_anything_but_words_and_a_status(
    part: int, records: list[bytes], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dice = random.Random(part)
    path = tmp_path / "run.jsonl"
    ends: Counter[str] = Counter()
    for number in range(BAD_RECORDS // PARTS):
        mutate = dice.choice(mutations.RECORDS)
        path.write_bytes(mutate(dice, dice.choice(records)))
        told = _told(path, capsys)
        ends[told[0]] += 1
        if number % 10 == 0:
            assert _told(path, capsys) == told
    assert set(ends) <= {"0", "1", "2", "CaseError", "NoRecord"}
    assert min(ends["NoRecord"], ends["2"], ends["1"], ends["0"]) > 10


@pytest.mark.parametrize("part", range(PARTS))
def test_no_bad_record_is_anything_but_a_site_or_words(
    part: int, records: list[bytes], tmp_path: Path
) -> None:
    dice = random.Random(part)
    path = tmp_path / "run.jsonl"
    words: list[str] = []
    made = 0
    for _ in range(BAD_SITES // PARTS):
        mutate = dice.choice(mutations.RECORDS)
        path.write_bytes(mutate(dice, dice.choice(records)))
        site = Site([str(path)])
        try:
            for one in all_told([str(path)]):
                site.put(one)
        except CaseError as error:
            words.append(str(error))
            continue
        made += 1
        for text in dict(pages(site)).values():
            assert "Traceback" not in text
            text.encode()
    assert all(told.startswith(f"{path}:") or str(path) in told for told in words)
    assert min(made, len(words)) > 3


def _told(path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[str, str, str]:
    """The status or the documented error, and what was printed."""
    try:
        end = str(int(replay(Namespace(file=str(path), json=False))))
    except CaseError as error:
        end, words = type(error).__name__, str(error)
    else:
        words = f"{path}:"
    told = capsys.readouterr()
    assert words.startswith(f"{path}:"), words
    return end, told.out, told.err + words


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (('"number":1,', '"number":99,'), "event 1 is none of this case's: CallReturned answers"),
        (('"type":"call-returned"', '"type":"call-pending"'), "no such event"),
        (("title: A connection", "titel: A connection"), "does not load any more"),
        (('"path":"', '"path":"elsewhere/'), "it holds no text of its case elsewhere/"),
    ],
)
def test_a_record_that_contradicts_itself_says_so_and_the_next_run_is_judged(
    change: tuple[str, str],
    words: str,
    records: list[bytes],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "run.jsonl"
    bad = records[0].decode().replace(*change, 1)
    assert bad != records[0].decode()
    path.write_bytes(bad.encode() + records[1])
    if words == "no such event":  # a field that a call which blocks has not
        with pytest.raises(CaseError, match=r"run.jsonl:2: not a record of a run: started is"):
            replay(Namespace(file=str(path), json=False))
        return
    assert replay(Namespace(file=str(path), json=False)) == 2
    told = capsys.readouterr()
    assert f"{path}:1: " in told.err
    assert words in told.err
    assert "closing-fin-again" in told.out

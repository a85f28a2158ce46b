"""Many runs on an unkind machine: what must never come of it is a false verdict.

A round is one to four whole runs at once, each a process of its own as a user starts it, while all
cores and the disk are busy and some of the runs' processes are stopped at random. Round by round
another kind of process is stopped, and after each kind has been, one more run is made at once.
Whatever a run of a target that is right says but pass or deviates is looked at.
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import tempfile
from argparse import Namespace
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final

from conformance.commands.disturb import WHO, busy, stops
from conformance.commands.measure import Figure, Stopwatch
from conformance.commands.output import note
from conformance.errors import CaseError
from conformance.live.clock import set_real_time_priority
from conformance.play.verdict import Outcome

_AT_ONCE: Final = 4
_FALSE: Final = (Outcome.FAIL, Outcome.BLOCKED, Outcome.ERROR)


def soak(args: Namespace) -> Iterator[Figure]:
    """Play so many rounds and count how all their cases ended."""
    # Whoever stops must go on to say that it may go on.
    set_real_time_priority()
    outcomes: Counter[Outcome] = Counter()
    wrong: Counter[str] = Counter()
    reruns = stopped = runs = 0
    chance = random.Random(0)
    with Stopwatch() as clock, tempfile.TemporaryDirectory() as folder, busy():
        for number in range(args.soak):
            who, at_once = WHO[number % len(WHO)], 1 + number // len(WHO) % _AT_ONCE
            count, ends = _round(args, Path(folder), who, at_once, chance)
            stopped += count
            runs += at_once
            for end in ends:
                outcome = Outcome(end["outcome"])
                outcomes[outcome] += 1
                reruns += bool(end["reruns"])
                if outcome in _FALSE:
                    wrong[end["id"]] += 1
                    note(f"{outcome}  {end['id']}: {end['reason']}; {end['actual'] or 'nothing'}")
            told = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items())
            note(f"round {number + 1} of {args.soak}, {at_once} at once, {who} stopped: {told}")
    total = outcomes.total()
    how = f"{runs} runs in {args.soak} rounds, 1 to {_AT_ONCE} at once, in {clock.wall:.0f} s"
    yield Figure("cases", total, "", how)
    yield Figure("stops", stopped, "", "of agents, netns server, harness, or all, 5 to 80 ms each")
    for outcome in Outcome:
        if outcomes[outcome]:
            yield Figure(str(outcome), outcomes[outcome], "", f"{outcomes[outcome] / total:.2%}")
    yield Figure("played again", reruns, "", "inconclusive at first: something was late")
    yield Figure("false verdicts", sum(wrong.values()), "", "fail, blocked or error")
    for id, count in wrong.most_common():
        yield Figure(f"  {id}", count, "")


def _round(
    args: Namespace, folder: Path, who: str, at_once: int, chance: random.Random
) -> tuple[int, list[dict[str, Any]]]:
    """One round: how often its processes were stopped, and each case's end."""
    shutil.rmtree(folder / "runs", ignore_errors=True)
    (folder / "runs").mkdir()
    command = [sys.executable, "-m", "conformance.cli", "run", "--json"]
    command += ["--target", args.target or "linux"]
    command += ["-k", args.keyword] if args.keyword else []
    user = {"user": args.user, "extra_groups": []} if args.user else {}
    outs: list[tuple[IO[bytes], IO[bytes]]] = []
    runs: list[subprocess.Popen[bytes]] = []
    try:
        for number in range(at_once):
            files = (
                (folder / "runs" / f"{number}.out").open("w+b"),
                (folder / "runs" / f"{number}.err").open("w+b"),
            )
            outs.append(files)
            try:
                run = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=files[0], stderr=files[1], **user
                )
            except (OSError, KeyError, ValueError) as error:
                raise CaseError(f"no run can be made as {args.user}: {error}") from error
            runs.append(run)
        count = stops(runs, who, chance)
        return count, [
            end for run, files in zip(runs, outs, strict=True) for end in _ends(run, *files)
        ]
    finally:
        for run in runs:
            run.kill()
            run.wait()
        for out, err in outs:
            out.close()
            err.close()


def _ends(run: subprocess.Popen[bytes], out: IO[bytes], err: IO[bytes]) -> Iterator[dict[str, Any]]:
    """How each case of a finished run ended; a run that did not come to its end is one more."""
    out.seek(0)
    err.seek(0)
    lines = [json.loads(line) for line in out.read().splitlines()]
    if not lines or lines[-1]["type"] != "summary":
        last = err.read().decode(errors="replace").strip().splitlines()[-1:] or ["nothing"]
        reason = f"status {run.poll()}, it said {last[0]}"
        yield {"id": "a run", "outcome": "error", "reason": reason, "actual": "", "reruns": 0}
    yield from (line for line in lines if line["type"] == "case")

"""The part of a run that happens inside a guest.

``python -m conformance.targets.in_guest.run FILE`` is what the guest is started with.

Rules:

- It is started with ``-P``: nothing of the directory where the user works is taken for the harness.
- FILE holds the orders, pickled by the process that started the guest, in a directory that only
  it may write. What goes back is read by the host as any record is: JSON lines, nothing else.
- A ``played`` line stands before each record: the number of the job, and why it is told
  (``done``, ``again``, ``damaged``). An ``ended`` line is the last one where it could not go on:
  with the ``sentence`` of an error that has an owner, or the ``traceback`` of a bug.
- The first case begins at a fixed second: what was imported before, and from where, costs it
  nothing.
- The host judges again from the events; nothing is drawn here, where Python is half as fast.
"""

from __future__ import annotations

import json
import pickle
import sys
from pathlib import Path
from typing import Final

from conformance.errors import ConformanceError
from conformance.kernel.in_guest.init import until
from conformance.kernel.words import START
from conformance.play.record import Record
from conformance.report import jsonlines
from conformance.targets.kinds.linux import Linux
from conformance.targets.names import job_id
from conformance.targets.runs.orders import Orders
from conformance.targets.runs.schedule import play

_PAUSE: Final = 120  # seconds; more than a kernel with a seed keeps its random numbers' key


def main(path: str) -> int:
    """Play the jobs of the orders; the exit status."""
    try:
        _play(path)
    except ConformanceError as error:
        _end(sentence=str(error))
    except Exception:  # noqa: BLE001 - as in the command line, which then says that it is a bug
        import traceback

        _end(traceback=traceback.format_exc())
    else:
        return 0
    return 1


def _end(**why: str) -> None:
    sys.stdout.write(json.dumps({"type": "ended", **why}) + "\n")
    sys.stdout.flush()


def _play(path: str) -> None:
    orders: Orders = pickle.loads(Path(path).read_bytes())
    numbers = {id(job): number for number, job in enumerate(orders.jobs)}
    by_id = {job_id(job, orders.name): number for number, job in enumerate(orders.jobs)}

    def tell(what: str, number: int, record: Record) -> None:
        line = json.dumps({"type": "played", "what": what, "job": number})
        sys.stdout.write(f"{line}\n{jsonlines.dump(record, sources=False)}")
        sys.stdout.flush()

    until(START + _PAUSE)
    with Linux(orders.name, orders.facts) as target:
        until(START + 2 * _PAUSE)
        damaged = play(
            target,
            orders.jobs,
            lambda job, record: tell("done", numbers[id(job)], record),
            orders.at_once,
            lambda job, record: tell("again", numbers[id(job)], record),
        )
    for record in damaged:
        tell("damaged", by_id[record.id], record)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

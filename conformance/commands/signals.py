"""Signals that end a command: by way of all that cleans up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread
from typing import NoReturn

from conformance.exits import Exit


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Have SIGTERM and SIGHUP end the command as Ctrl-C does: by way of all that cleans up.

    Where they are ignored (nohup) or are another's already, they stay so.
    """
    from signal import SIG_DFL, SIG_IGN, SIGHUP, SIGTERM, getsignal, signal

    if current_thread() is not main_thread():  # no other may have handlers
        yield
        return
    numbers = [number for number in (SIGTERM, SIGHUP) if getsignal(number) is SIG_DFL]

    def end(number: int, _: object) -> NoReturn:
        for other in numbers:  # a second one would end the cleaning up
            signal(other, SIG_IGN)
        raise SystemExit(Exit.TERMINATED if number == SIGTERM else Exit.HUNG_UP)

    for number in numbers:
        signal(number, end)
    try:
        yield
    finally:
        for number in numbers:
            signal(number, SIG_DFL)

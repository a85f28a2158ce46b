"""What may be configured, and the names under which a case sets it.

Times are seconds, sizes octets. The defaults are the RFC's where it names one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from conformance.tcp.addresses import ENDS
from conformance.tcp.authentication import Ends

_ENDS: Final = Ends.of(*reversed(ENDS[4]))


@dataclass(frozen=True, slots=True)
class Config:
    """A stack's settings; a connection reads most of them when it needs them."""

    iss: int = 0  # of the first connection; the later ones step up (RFC 9293 3.4.1)
    msl: float = 120.0  # RFC 9293 3.4.2
    rto: float = 1.0  # initial, RFC 6298 2.1
    min_rto: float = 1.0  # RFC 6298 2.4
    max_rto: float = 60.0  # RFC 6298 2.5
    delack: float = 0.2  # MUST-58: below 0.5; 0 acknowledges every segment at once
    rfc5961: bool = True  # challenge ACKs, and the range check of SEG.ACK (MAY-12)
    timestamps: bool = True
    window_scale: int | None = 7
    sack_permitted: bool = False
    mss: int = 1460  # announced; 1440 for IPv6
    default_mss: int = 536  # MUST-15: of a peer that announces none; 1220 for IPv6
    rcvbuf: int = 65535
    sndbuf: int = 1 << 20
    initial_window: int = 10  # segments, RFC 6928
    r2: float = 100.0  # SHLD-11: at least 100 s of retransmitting
    r2_syn: float = 180.0  # MUST-23: at least 3 minutes
    syn_retries: int | None = None  # a count instead of r2_syn
    user_timeout: float = 300.0  # RFC 9293 3.9.1.1
    override: float = 0.5  # RFC 9293 3.8.6.2.1: 0.1 to 1.0 s
    nagle: bool = True
    fastopen: bool = False  # RFC 7413 2
    keepalive: bool = False  # MUST-25
    keepidle: float = 7200.0  # MUST-28
    keepintvl: float = 75.0
    keepcnt: int = 9
    ts_offset: int = 1_000_000  # TSval of time 0, in milliseconds
    ends: Ends = _ENDS  # of what it sends


def _switch(text: str) -> bool:
    if text in ("on", "1", "true", "yes"):
        return True
    if text in ("off", "0", "false", "no"):
        return False
    raise ValueError(f"{text!r} is neither on nor off")


def _seconds(text: str) -> float:
    unit = 1.0
    if text.endswith("ms"):
        text, unit = text[:-2], 0.001
    elif text.endswith("s"):
        text = text[:-1]
    seconds = float(text) * unit
    if not 0.0 <= seconds < float("inf"):
        raise ValueError(f"{text!r} is no duration")
    return seconds


def _delay(text: str) -> float:
    return 0.2 if text == "on" else 0.0 if text == "off" else _seconds(text)


def _shift(text: str) -> int | None:
    shift = 7 if text == "on" else None if text == "off" else int(text)
    if shift is not None and not 0 <= shift <= 14:
        raise ValueError(f"a window scale is 0 to 14, not {shift}")
    return shift


OPTIONS: Final[dict[str, tuple[str, Callable[[str], object]]]] = {
    "timestamps": ("timestamps", _switch),
    "fastopen": ("fastopen", _switch),
    "window-scaling": ("window_scale", _shift),
    "sack": ("sack_permitted", _switch),
    "challenge-acks": ("rfc5961", _switch),
    "rfc5961": ("rfc5961", _switch),
    "delayed-ack": ("delack", _delay),
    "nagle": ("nagle", _switch),
    "keepalive": ("keepalive", _switch),
    "keepalive-idle": ("keepidle", _seconds),
    "keepalive-interval": ("keepintvl", _seconds),
    "keepalive-count": ("keepcnt", int),
    "user-timeout": ("user_timeout", _seconds),
    "syn-retries": ("syn_retries", int),
    "r2": ("r2", _seconds),
    "msl": ("msl", _seconds),
    "rto": ("rto", _seconds),
    "min-rto": ("min_rto", _seconds),
    "max-rto": ("max_rto", _seconds),
    "mss": ("mss", int),
    "rcvbuf": ("rcvbuf", int),
    "sndbuf": ("sndbuf", int),
}


def changed(config: Config, name: str, value: str) -> Config:
    """The settings with the option ``name`` set; ValueError for what is no option or value."""
    if name not in OPTIONS:
        raise ValueError(f"the reference has no option {name!r}")
    field, read = OPTIONS[name]
    return replace(config, **{field: read(value)})  # type: ignore[arg-type]

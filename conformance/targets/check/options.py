"""The step of the target file's ``options:``: each name is one that the glue can set.

A case's value need not be one of those tried here: a name of which the glue takes any is proved.
What was set is forgotten with the fresh stack of the next step.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from conformance.targets.check.stack import CheckedStack
from conformance.targets.check.wire_tester import Failed

_SWITCH: Final = ("on", "off")
_COUNT: Final = ("5",)
_SECONDS: Final = ("60",)
_OCTETS: Final = ("65536",)
# A value of the option's kind, or more where a stack may have only one of them.
VALUES: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(("timestamps", "window-scaling", "sack", "ecn", "accecn", "fastopen"), _SWITCH),
    **dict.fromkeys(
        ("challenge-acks", "rfc5961", "rfc1337", "nagle", "delayed-ack", "keepalive"), _SWITCH
    ),
    **dict.fromkeys(("syn-retries", "synack-retries", "orphan-retries", "retries"), _COUNT),
    **dict.fromkeys(("linear-syn-retries", "keepalive-count"), _COUNT),
    **dict.fromkeys(("keepalive-idle", "keepalive-interval", "user-timeout"), _SECONDS),
    **dict.fromkeys(("r2", "msl", "rto", "min-rto", "max-rto"), _SECONDS),
    **dict.fromkeys(("rcvbuf", "sndbuf"), _OCTETS),
    "mss": ("1000",),
    "congestion-control": ("reno", "cubic"),
}


def options(stack: CheckedStack) -> str:
    """Set each; Failed names all that cannot be."""
    wrong = [told for name in stack.file.options if (told := _problem(stack, name))]
    if wrong:
        raise Failed("; ".join(wrong))
    return " ".join(stack.file.options)


def _problem(stack: CheckedStack, option: str) -> str:
    """Why the glue does not set an option; empty when it does."""
    name, values = stack.file.options[option], VALUES[option]
    errno = ""
    for value in values:
        errno = stack.tester.ask_all("set", name=name, value=value).errno
        if errno != "EINVAL":
            break
    if errno == "EINVAL":
        return f"{option}: {name} takes none of {' '.join(values)} (EINVAL)"
    if errno == "ENOPROTOOPT":
        return f"{option}: the glue has no setting {name} (ENOPROTOOPT)"
    return f"{option}: set {name} returns {errno}" if errno else ""

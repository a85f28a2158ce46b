"""Which answers of a glue program say that its stack has not got something."""

from __future__ import annotations

from typing import NoReturn

import pytest

from conformance.live.glue.channel import GlueChannel, Reply
from conformance.live.glue.replies import lacking


class Deaf(GlueChannel):
    """A program that is never asked anything."""

    def __init__(self) -> None:
        pass

    def fail(self, what: str, *, gone: bool = False, hung: bool = False) -> NoReturn:
        raise AssertionError(what)


@pytest.mark.parametrize(
    ("call", "flag", "reply", "lacks"),
    [
        ("poll", "", {"errno": "ENOSYS"}, "has no call poll"),
        ("recv", "PEEK", {"errno": "ENOSYS"}, "has no flag PEEK of recv"),
        ("recv", "PEEK|DONTWAIT", {"errno": "EINVAL"}, "has no flag DONTWAIT of recv"),
        ("send", "EOR", {"errno": "EOPNOTSUPP"}, "has no flag EOR of send"),
        ("connect", "DONTWAIT", {"pending": True}, "has no flag DONTWAIT of connect"),
        ("connect", "DONTWAIT", {"errno": "EINPROGRESS"}, ""),
        ("recv", "PEEK", {"pending": True}, ""),
        ("recv", "PEEK", {"value": 1}, ""),
        ("recv", "OOB", {"errno": "EINVAL"}, ""),
        ("recv", "", {"errno": "EINVAL"}, ""),
    ],
)
def test_what_a_stack_has_not_got(
    call: str, flag: str, reply: dict[str, object], lacks: str
) -> None:
    answer = Reply(1, 0, **reply)  # type: ignore[arg-type]
    assert lacking(Deaf(), answer, call, {"socket": 3, "flag": flag}) == lacks


def test_a_call_that_an_ability_stands_for_must_be_there() -> None:
    with pytest.raises(AssertionError, match="claims CALLS and has no call recv"):
        lacking(Deaf(), Reply(1, 0, errno="ENOSYS"), "recv", {"socket": 3})

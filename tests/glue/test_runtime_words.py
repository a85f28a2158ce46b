"""Whatever a glue program says that is no protocol: one sentence, and the end of the program."""

from __future__ import annotations

import json
import os
import select
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st
from runtime import CALL, REAL, VIRTUAL, left, liar, outcome

from conformance.errors import TargetError
from conformance.live.glue.channel import GlueChannel
from conformance.live.glue.program import Program
from conformance.play.profile import Ability
from conformance.play.verdict import Outcome
from conformance.targets.files.model import ClockKind, TargetFile
from conformance.targets.kinds.glue import open_file

ABLE = frozenset({Ability.CALLS, Ability.STATE, Ability.ACTIVE_OPEN})


def wrong(*words: str, clock: ClockKind = REAL) -> TargetFile:
    return liar(*words, program="wrong.py", clock=clock, abilities=ABLE)


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("another-id", "it answers request 2, which is not open"),
        ("no-id", "it did not understand a request (EBADMSG)"),
        ("id-text", "it answers what is no protocol: b'"),
        ("id-true", "it answers what is no protocol: b'"),
        ("value-text", "it answers what is no protocol: b'"),
        ("value-huge", "it answers what is no protocol: b'"),
        ("no-object", "it answers what is no protocol: b'[1, 2, 3]'"),
        ("deep", "it answers what is no protocol: b'[[["),
        ("no-text", r"it answers what is no protocol: b'\xff\xfe'"),
        ("bad-data", "it answers what is no protocol: b'"),
        ("abilities", "it answers what is no protocol: b'"),
        ("long-line", "it wrote a line of more than 16777216 octets"),
        ("no-stdout", "it has closed its stdout"),
        ("shouts", "it has ended (exit status 3); its last words: "
         "\\x1b[31mred\\x1b[0m / \\x1b[31mred\\x1b[0m / the last of it"),
    ],
)  # fmt: skip
def test_the_first_answer_is_wrong(what: str, told: str) -> None:
    file = wrong(what)
    with pytest.raises(TargetError) as caught:
        open_file(file)
    assert str(caught.value).startswith(f"The glue program of liar: {told}")
    assert "\n" not in str(caught.value)
    assert left(file) == []


@pytest.mark.parametrize(
    ("clock", "words", "told"),
    [
        (VIRTUAL, "backwards advance", "its clock went from 1000000000000 to 5 when told 1000"),
        (
            VIRTUAL,
            "beyond advance",
            "its clock went from 1000000000000 to 4611686018427387904",
        ),
        (VIRTUAL, "always-due advance", "its clock does not get on."),
        (VIRTUAL, "no-state state", "it tells a state that there is none of: 'OPEN'."),
        (REAL, "no-state state", "it tells a state that there is none of: 'OPEN'."),
        (VIRTUAL, "twice listen", "it answers request 5, which is not open."),
        (REAL, "twice listen", "it answers request 4, which is not open."),
        (REAL, "past listen", "it stamps a call with a time outside it: its clock is not CLOCK"),
        (REAL, "future listen", "it stamps a call with a time outside it: its clock is not CLOCK"),
        (VIRTUAL, "no-wire listen", "it has closed its wire."),
        (REAL, "no-wire listen", "it has closed its wire."),
        (VIRTUAL, "no-stdout listen", "it has closed its stdout."),
        (REAL, "no-stdout listen", "it has closed its stdout."),
        (VIRTUAL, "hangs listen", "it has not answered listen within 2 s."),
        (REAL, "hangs state", "it has not answered state within 2 s."),
    ],
)
def test_a_later_answer_is_wrong(clock: ClockKind, words: str, told: str) -> None:
    result, why = outcome(wrong(*words.split(), clock=clock), "fragments/listening")
    assert result is Outcome.ERROR
    assert why.startswith(f"The glue program of liar: {told}")


def test_a_reset_that_is_answered_is_enough() -> None:
    file = liar("hangs", "none", program="wrong.py", clock=VIRTUAL, reset=CALL, abilities=ABLE)
    open_file(file).close()
    assert left(file) == []


# ---- any line ------------------------------------------------------------------------------------


class Mouth:
    """A program's end of the pipes, held by the test."""

    def __init__(self) -> None:
        (stdin, self.to), (self.of, stdout), (self.err, stderr) = os.pipe(), os.pipe(), os.pipe()
        for descriptor in (self.to, self.of, self.err):
            os.set_blocking(descriptor, False)
        self.ours, self.theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.ours.setblocking(False)
        self.stdin, self.stdout, self.stderr = stdin, stdout, stderr
        self.glue = GlueChannel(Program(self.to, self.of, self.err, self.ours, None), "it")

    def close(self) -> None:
        for descriptor in (self.to, self.of, self.err, self.stdin, self.stdout, self.stderr):
            os.close(descriptor)
        self.ours.close()
        self.theirs.close()


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
_fields = st.dictionaries(
    st.sampled_from(
        ["id", "started", "ended", "value", "errno", "data", "text", "now", "next", "pending",
         "abilities"]
    ),
    _json | st.just(1),
)  # fmt: skip


@given(st.one_of(st.binary(max_size=200), _fields.map(lambda each: json.dumps(each).encode())))
def test_any_line_is_a_reply_or_a_sentence(line: bytes) -> None:
    mouth, sentence = Mouth(), "The glue program of it: "
    try:
        mouth.glue.ask("version")
        os.write(mouth.stdout, line.replace(b"\n", b" ") + b"\n")
        assert select.select([mouth.of], [], [], 1.0)[0]
        try:
            for reply in mouth.glue.replies():
                assert reply.number == 1
                assert isinstance(reply.value, int)
        except TargetError as error:
            sentence = str(error)
    finally:
        mouth.close()
    assert sentence.startswith("The glue program of it: ")
    assert sentence.isprintable()

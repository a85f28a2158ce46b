"""The tables that something else must keep up with, each walked: what one lacks is found here.

Verbs are walked in ``test_verbs``, options in ``tests/properties/test_options``, watch rules in
``test_watch``, commands in ``test_cli``, rows of the transitions in ``tests/sim/test_rows``.
"""

from __future__ import annotations

import dataclasses
import errno
import re
import typing
from pathlib import Path
from typing import Any

import pytest

from conformance.agent.agent import Agent
from conformance.case import call_words, calls, decode, icmp
from conformance.case.arguments import READERS
from conformance.case.step import Arg
from conformance.notation.expr import LABEL_FIELDS, TCB_NAMES
from conformance.notation.time import NAMED, UNITS
from conformance.play import actions, answers, events, watch
from conformance.play.servers import Server
from conformance.play.verdict import Outcome
from conformance.reference import calls as reference
from conformance.reference import config, moves, sockopts, tcb, timers, transitions
from conformance.report import colour, json_codec, jsonlines, summary
from conformance.targets.check import servers
from conformance.targets.check.options import VALUES
from conformance.targets.settings.options import KNOWN

ROOT = Path(__file__).parents[2]
LANGUAGE = (ROOT / "cases" / "README.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    text = LANGUAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    assert text
    return text


# ---- the language ---------------------------------------------------------------------------


def test_each_call_is_made_by_the_reference_and_by_the_agent_and_documented() -> None:
    names = [call.name for call in calls.CALLS]
    assert len(set(names)) == len(names)
    others = {"info"}  # a verb of its own
    # What is Linux's own, and TCP-AO, the reference has not; such cases are skipped.
    lacking = {"errors", "interrupt", "listed", "repair", "sendmsg", "recvmsg"}
    lacking |= {"ao_add", "ao_use", "ao_del", "ao_keys"}
    assert set(reference.CALLS) - others == set(names) - lacking
    assert [name for name in names if not hasattr(Agent, f"call_{name}")] == []
    assert [name for name in names if f"{name}(" not in section("Calls")] == []


def test_each_errno_is_one_and_a_case_can_name_those_of_the_reference() -> None:
    assert [name for name in call_words.ERRNOS if not hasattr(errno, name)] == []
    sources = "".join(file.read_text() for file in (ROOT / "conformance/reference").glob("*.py"))
    named = set(re.findall(r'"(E[A-Z]{3,})"', sources)) - set(call_words.SOCKET_OPTIONS)
    assert "ECONNRESET" in named
    assert named - set(call_words.ERRNOS) == {"ENOSYS"}  # of calls that no case can make


def test_a_case_can_name_each_socket_option_of_the_reference() -> None:
    assert set(sockopts.FIELDS) - set(call_words.SOCKET_OPTIONS) == set()


def test_each_icmp_error_has_a_name_and_numbers_of_its_own() -> None:
    assert len(icmp.BY_NAME) == len(icmp.ERRORS)
    for version in ("v4", "v6"):
        numbers = [found for one in icmp.ERRORS if (found := getattr(one, version))]
        assert len(set(numbers)) == len(numbers)


def test_each_kind_of_argument_has_a_reader() -> None:
    assert set(READERS) == set(Arg)


def test_what_a_case_can_say_is_documented() -> None:
    rows = re.findall(r"^\| `([a-z]+)` \|", section("Top level"), re.MULTILINE)
    assert set(rows) == set(decode.CASE_KEYS)
    assert [name for name in TCB_NAMES if name not in section("Segments")] == []
    assert [name for name in LABEL_FIELDS if f"first.{name}" not in section("Segments")] == []
    assert [name for name in (*UNITS, *NAMED) if name not in section("Time")] == []
    watched = re.findall(r"`([a-z-]+)`", section("What is watched all the time"))
    names = [rule.name for rule in watch.RULES]
    assert [name for name in names if name not in watched] == []


# ---- the reference ---------------------------------------------------------------------------


def test_each_action_of_a_row_is_done_and_each_timer_handled() -> None:
    assert set(moves.DO) == set(transitions.Action)
    assert {action for row in transitions.TABLE for action in row.actions} == set(moves.DO)
    assert set(timers.HANDLERS) == set(tcb.Timer)


def test_each_row_says_where_the_rfc_has_it_and_what_the_diagram_says() -> None:
    for row in transitions.TABLE:
        assert re.fullmatch(r"3(\.\d+)+", row.section)
        assert row.label


def test_each_option_of_the_reference_is_a_field_of_its_settings() -> None:
    fields = {field.name for field in dataclasses.fields(config.Config)}
    assert {field for field, _ in config.OPTIONS.values()} - fields == set()


# ---- records and reports ---------------------------------------------------------------------


def test_each_event_is_written_and_each_action_answered() -> None:
    kinds = set(typing.get_args(events.Event))
    assert set(jsonlines.EVENTS.values()) == kinds
    numbered = {
        one for one in kinds if "number" in {field.name for field in dataclasses.fields(one)}
    }
    assert set(answers.ANSWERS) == numbered
    answered = {one for asked in answers.ANSWERS.values() for one in asked}
    assert answered == set(typing.get_args(actions.Action))


@pytest.mark.parametrize("outcome", Outcome)
def test_each_outcome_has_a_word_a_colour_and_a_count(outcome: Outcome) -> None:
    paint = colour.Colours(color=True)
    assert colour.WORDS[outcome] in paint.outcome(outcome)
    assert outcome in {row[0] for row in summary._WORDS}


@pytest.mark.parametrize("kind", json_codec.RANGES, ids=lambda kind: kind.__name__)
def test_each_range_is_of_a_field(kind: Any) -> None:
    fields = {field.name for field in dataclasses.fields(kind)}
    assert set(json_codec.RANGES[kind]) - fields == set()


# ---- targets ---------------------------------------------------------------------------------


def test_each_option_is_tried_and_each_server_checked() -> None:
    assert set(VALUES) == KNOWN
    assert set(servers._SERVERS) == set(Server)


# ---- the page of the glue protocol -----------------------------------------------------------

PAGE = (Path(__file__).parents[2] / "conformance/glue/README.md").read_text(encoding="utf-8")
# What a request calls otherwise than a case does: the table of the agent's arguments.
RENAMED = {"data": "count", "key": "key", "for": "events", "ALL": "all"}


def rows_of(call: str) -> str:
    """The rows of the table of calls that name it, first cell and arguments."""
    cells = (line.split(" | ") for line in PAGE.splitlines() if line.startswith("| `"))
    return " ".join(" ".join(row[:2]) for row in cells if f"`{call}`" in row[0])


@pytest.mark.parametrize("call", calls.CALLS, ids=lambda call: call.name)
def test_each_word_of_a_call_has_its_row(call: Any) -> None:
    told = set(re.findall(r"[A-Za-z_]+", rows_of(call.name)))
    assert told, f"the page has no row for {call.name}"
    named = {one.name for one in call.positional} | set(call.keywords)
    words = {word for one in call.positional for word in one.words if one.name == "flag"}
    assert {RENAMED.get(one, one) for one in named | words} - told == set()

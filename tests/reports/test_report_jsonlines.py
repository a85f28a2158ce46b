"""Records as JSON lines: nothing is lost on the way, and no file is a traceback."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, get_args

import pytest
import report_samples as samples
from hypothesis import given
from hypothesis import strategies as st

from conformance.case.load import load_case
from conformance.errors import CaseError, Death
from conformance.play import asides, events
from conformance.play.conversation import Conversation
from conformance.play.profile import Ability, Profile
from conformance.play.record import Addressing, Record
from conformance.play.verdict import Difference, Failure, Outcome, Verdict
from conformance.report import json_codec
from conformance.report.jsonlines import ASIDES, EVENTS, Loaded, dump, load
from conformance.steps import RUNNERS
from conformance.targets.base import Job
from conformance.targets.kinds.reference import Reference
from conformance.tcp import options as tcp
from conformance.tcp.flags import Flags
from conformance.tcp.ip import Fragments, IpFields
from conformance.tcp.segment import Segment
from conformance.tcp.states import State

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="/"), max_size=12)  # no path
OCTETS = st.binary(max_size=20)
TIME = st.floats(-1e12, 1e12)
NUMBER = st.integers(0, 2**32 - 1)
SMALL = st.integers(0, 255)
OPTION: st.SearchStrategy[tcp.Option] = st.one_of(
    st.builds(tcp.Mss, st.integers(0, 65535)),
    st.builds(tcp.WindowScale, SMALL),
    st.builds(tcp.SackPermitted),
    st.builds(tcp.Sack, st.lists(st.tuples(NUMBER, NUMBER), max_size=4).map(tuple)),
    st.builds(tcp.Timestamps, NUMBER, NUMBER),
    st.builds(tcp.Nop),
    st.builds(tcp.Eol, OCTETS),
    st.builds(tcp.Unknown, SMALL, OCTETS),
    st.builds(tcp.Malformed, st.binary(min_size=1, max_size=20)),
)
SEGMENT = st.builds(
    Segment,
    st.integers(0, 65535),
    st.integers(0, 65535),
    st.integers(0, 0x1FF).map(Flags),
    NUMBER,
    NUMBER,
    st.integers(0, 65535),
    st.integers(0, 65535),
    st.lists(OPTION, max_size=5).map(tuple),
    OCTETS,
    st.integers(0, 7),
    st.none() | st.integers(0, 15),
    st.none() | st.integers(-1, 65535),
    st.builds(
        IpFields,
        st.none() | SMALL,
        st.none() | SMALL,
        st.none() | st.booleans(),
        st.none() | SMALL,
        st.binary(max_size=8),
        length=st.integers(-9, 9),
        fragments=st.none() | st.builds(Fragments, SMALL, st.booleans(), SMALL),
    ),
    st.lists(TEXT, max_size=3).map(tuple),
)
STATE = st.sampled_from(State)
COUNT = st.integers(0, 10**6)
EVENT: st.SearchStrategy[events.Event] = st.one_of(
    st.builds(events.Sent, TIME, COUNT, OCTETS),
    st.builds(events.Arrived, TIME, SEGMENT, OCTETS),
    st.builds(events.Garbage, TIME, TEXT, OCTETS),
    st.builds(events.CallPending, TIME, COUNT),
    st.builds(events.CallReturned, TIME, COUNT, TIME, COUNT, TEXT, OCTETS),
    st.builds(events.StateRead, TIME, COUNT, STATE),
    st.builds(events.StateReported, TIME, COUNT, COUNT, STATE),
    st.builds(events.OptionSet, TIME, COUNT, TEXT),
    st.builds(events.Lost, TIME, TEXT),
    st.builds(events.Died, TIME, st.sampled_from(Death), TEXT, TEXT, TEXT),
    st.builds(events.Tick, TIME),
)
PORT = st.integers(0, 65535)
ASIDE: st.SearchStrategy[asides.Aside] = st.one_of(
    st.builds(asides.Dropped, TIME, TIME, TEXT, TEXT),
    st.builds(asides.ResetSent, TIME, PORT, TEXT),
    st.builds(asides.Retransmitted, TIME, PORT),
    st.builds(asides.CountersMoved, TIME, st.dictionaries(TEXT, TEXT, max_size=2)),
)
SPAN = st.floats(0, 1e12)
PROFILE = st.builds(
    Profile,
    TEXT,
    SPAN,
    SPAN,
    SPAN,
    SPAN,
    SPAN,
    SPAN,
    SPAN,
    st.frozensets(st.sampled_from(Ability)),
    st.frozensets(TEXT, max_size=3),
    st.dictionaries(TEXT, TEXT, max_size=3),
)
FAILURE = st.builds(
    Failure,
    TEXT,
    st.lists(TEXT, max_size=3).map(tuple),
    TEXT,
    st.lists(st.builds(Difference, TEXT, TEXT, TEXT), max_size=3).map(tuple),
    TEXT,
)
VERDICT = st.none() | st.builds(
    Verdict,
    st.sampled_from(Outcome),
    TEXT,
    st.none() | st.sampled_from(samples.STEPS),
    st.none() | FAILURE,
    TIME,
    TIME,
    without=st.lists(TEXT, max_size=2).map(tuple),
    let_by=st.booleans(),
    disputed=st.booleans(),
)
RECORD = st.builds(
    Record,
    st.builds(
        lambda id, title, sources, parameters: replace(
            samples.CASE, id=id, title=title, sources=sources, parameters=parameters
        ),
        TEXT,
        TEXT,
        st.dictionaries(TEXT, TEXT, max_size=2),
        st.dictionaries(TEXT, TEXT, max_size=2),
    ),
    PROFILE,
    st.builds(Addressing, st.sampled_from([4, 6]), PORT, PORT, NUMBER),
    TIME,
    st.lists(st.tuples(TIME, EVENT), max_size=6),
    st.just([]),
    VERDICT,
    st.integers(0, 2),
    st.lists(ASIDE, max_size=3).map(tuple),
)


def same(record: Record, loaded: Loaded) -> None:
    """Everything that the file is to keep."""
    case, verdict = record.case, record.verdict
    assert (loaded.id, loaded.case, loaded.path) == (record.id, case.id, case.path)
    assert loaded.title == case.title
    assert loaded.parameters == case.parameters
    assert loaded.sources == case.sources
    assert loaded.profile == record.profile
    assert loaded.addressing == record.addressing
    assert loaded.started == record.started
    assert list(loaded.events) == record.events
    assert loaded.asides == record.asides
    if verdict is None:
        assert loaded.verdict is None
        return
    assert loaded.verdict == replace(verdict, step=None)
    assert loaded.step == (verdict.step.span if verdict.step else None)
    assert loaded.reruns == record.reruns


@given(st.lists(RECORD, max_size=3))
def test_what_is_written_is_read(records: list[Record]) -> None:
    text = "".join(map(dump, records))
    assert text.isascii()
    loaded = load(text)
    assert len(loaded) == len(records)
    for record, one in zip(records, loaded, strict=True):
        same(record, one)


@given(EVENT)
def test_every_event_comes_back_as_its_own_class(event: events.Event) -> None:
    record = samples.record([], None)
    record.events = [(1.0, event)]
    (loaded,) = load(dump(record))
    ((_, found),) = loaded.events
    assert type(found) is type(event)
    assert found == event


def test_the_tables_have_every_event_and_every_option() -> None:
    assert set(EVENTS.values()) == set(get_args(events.Event))
    assert set(ASIDES.values()) == set(get_args(asides.Aside))
    assert not set(ASIDES) & set(EVENTS)
    assert set(json_codec.OPTIONS.values()) == {family.option for family in tcp.FAMILIES}
    for kind in EVENTS.values():
        assert not {each.name for each in fields(kind)} & {"type", "now"}
        with pytest.raises(ValueError, match="at is missing"):
            json_codec.read(kind, {})


def test_a_segment_is_readable() -> None:
    segment = Segment(4000, 40000, Flags.ACK, 7, options=(tcp.Mss(1460), tcp.Nop()), payload=b"\1")
    assert json_codec.write(segment) == {
        "sport": 4000,
        "dport": 40000,
        "flags": 16,
        "seq": 7,
        "options": [["mss", 1460], ["nop"]],
        "payload": "01",
    }


def test_a_real_run_is_judged_again_to_the_same_verdict() -> None:
    for case in load_case("cases/rfc9293/3.6-close/lost-final-ack.yaml"):
        record = Reference().play(Job(case))
        (loaded,) = load(dump(record))
        talk = Conversation(case, loaded.profile, RUNNERS, loaded.addressing)
        talk.start(loaded.started)
        for now, event in loaded.events:
            talk.feed(event, now)
        assert talk.verdict == record.verdict
        assert talk.record.entries == record.entries


def test_a_file_that_was_cut_off_still_has_its_events() -> None:
    text = dump(samples.passed()) + dump(samples.passed())
    cut = "\n".join(text.splitlines()[:-1])
    first, second = load(cut)
    assert first.verdict is not None
    assert second.verdict is None
    assert second.events == first.events
    assert second.line == 5
    assert load("") == []
    assert load("\n \n") == []


HEADER, EVENT_LINE, TICK, VERDICT_LINE = dump(samples.wrong_segment()).splitlines()


def changed(line: str, **parts: Any) -> str:
    data = {**json.loads(line), **parts}
    return json.dumps({name: value for name, value in data.items() if value != "GONE"})


BAD: Mapping[str, tuple[str, str]] = {
    "no JSON": ("{", "line 1, column 2: not a record of a run: no JSON"),
    "no object": ("[]", "no object"),
    "a number": ("1", "no object"),
    "NaN": ('{"type": NaN}', "NaN is no number"),
    "too deep": ("[" * 100_000, "line 1"),
    "a huge number": ("1" * 5000, "line 1"),
    "no type": ("{}", "type is missing"),
    "no case before": (TICK, "no case line stands before it"),
    "another format": (changed(HEADER, format=5), "its format is 5, and this version reads 1 to 4"),
    "no sources": (changed(HEADER, sources="GONE"), "sources is missing"),
    "sources of numbers": (changed(HEADER, sources={"a": 1}), "no text"),
    "an ability": (
        changed(HEADER, profile={"name": "x", "msl": 1, "abilities": ["X"]}),
        "profile.abilities[0]: no ability",
    ),
    "no profile": (changed(HEADER, profile=[]), "profile: no object"),
    "a started text": (changed(HEADER, started="1"), "no number"),
    "infinity": (HEADER.replace(f"{samples.STARTED}", "1e999"), "no such large number"),
    "a kind of line": (f'{HEADER}\n{{"type":"x"}}', "line 2: not a record of a run: 'x' is no"),
    "no now": (f"{HEADER}\n{changed(TICK, now='GONE')}", "now is missing"),
    "an extra part": (f"{HEADER}\n{changed(TICK, more=1)}", "more is unknown"),
    "a true number": (f"{HEADER}\n{changed(EVENT_LINE, number=True)}", "number: no whole number"),
    "a large number": (f"{HEADER}\n{changed(EVENT_LINE, number=2**70)}", "no such large number"),
    "no hex": (f"{HEADER}\n{changed(EVENT_LINE, data='0')}", "data: no hexadecimal digits"),
    "an outcome": (f"{HEADER}\n{changed(VERDICT_LINE, outcome='x')}", "line 2"),
    "a failure": (f"{HEADER}\n{changed(VERDICT_LINE, failure=[])}", "failure: no object"),
    "expected": (
        f"{HEADER}\n{changed(VERDICT_LINE, failure={'message': ''})}",
        "failure: expected is missing",
    ),
    "a true format": (changed(HEADER, format=True), "its format is True"),
    "a format before the first": (changed(HEADER, format=0), "its format is 0"),
    "a format with a point": (changed(HEADER, format=1.0), "its format is 1.0"),
    "a part twice": (HEADER[:-1] + ',"id":"x"}', "id is written twice"),
    "half a character": (changed(HEADER, title="\ud800"), "title: half of a surrogate pair"),
    "half a name": (changed(HEADER, sources={"\ud800": ""}), "sources: half of a surrogate"),
    "IP version 5": (changed(HEADER, addressing={"ip": 5}), "addressing.ip: neither 4 nor 6"),
    "an address of none": (
        changed(HEADER, addressing={"tester": "$x"}),
        "addressing.tester: no address of IPv4",
    ),
    "an address of IPv6": (
        changed(HEADER, addressing={"target": "::1"}),
        "addressing.target: no address of IPv4",
    ),
    "a port": (changed(HEADER, addressing={"tester_port": -1}), "tester_port: not 0 to 65535"),
    "a kernel's port": (
        f'{HEADER}\n{{"type":"kernel-reset","at":1,"tester_port":65536}}',
        "tester_port: not 0 to 65535",
    ),
    "a counter": (
        f'{HEADER}\n{{"type":"kernel-counters","at":1,"counters":{{"a":1}}}}',
        "counters.a: no text",
    ),
    "a negative time": (
        changed(HEADER, profile={"name": "x", "msl": -1}),
        "profile.msl: not 0 to 1000000000000",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_record_is_refused_with_its_line(name: str) -> None:
    text, reason = BAD[name]
    with pytest.raises(CaseError) as caught:
        load(text)
    assert reason in str(caught.value)
    assert len(str(caught.value)) < 300
    with pytest.raises(CaseError, match=r"^run\.jsonl:\d+(:\d+)?: "):
        load(text, "run.jsonl")


@pytest.mark.parametrize(
    "options",
    [[["mss", 65536]], [["mss"]], [["x"]], [[]], [3], [["sack", [[1]]]], [["malformed", ""]],
     [["kind", 300, ""]], [["kind", 3, "00" * 300]], [["TS", -1, 0]], [["wscale", "1"]]],
)  # fmt: skip
def test_options_that_no_header_can_hold_are_refused(options: Any) -> None:
    arrived = {"type": "arrived", "now": 1.0, "at": 1.0}
    segment = {"sport": 1, "dport": 2, "flags": 16, "seq": 1, "options": options}
    with pytest.raises(CaseError, match=r"line 2: not a record of a run: segment\.options\[0\]: "):
        load(f"{HEADER}\n{json.dumps({**arrived, 'segment': segment})}")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(st.data())
def test_no_file_is_a_traceback(data: st.DataObject) -> None:
    """One part of a good line, however deep, becomes something else."""
    lines = dump(samples.wrong_segment()).splitlines()
    number = data.draw(st.integers(0, len(lines) - 1))
    line = json.loads(lines[number])
    place: Any = line
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        if isinstance(place[key], (dict, list)) and place[key] and data.draw(st.booleans()):
            place = place[key]
            continue
        place[key] = data.draw(JSON)
        break
    lines[number] = json.dumps(line)
    with contextlib.suppress(CaseError):
        load("\n".join(lines))


@given(st.text() | st.binary().map(lambda octets: octets.decode("latin-1")))
def test_no_text_is_a_traceback(text: str) -> None:
    with contextlib.suppress(CaseError):
        assert load(text) == []

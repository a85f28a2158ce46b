"""Finding files, their ids, their roots; what a case takes from its fragments and parameters."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from conformance import files
from conformance.case.expand import MOST_PARAMETERS
from conformance.case.faults import CaseFaults
from conformance.case.load import load, load_case, select
from conformance.case.model import Case
from conformance.notation.expr import exactly
from conformance.notation.ip import IpText
from conformance.notation.segment import SegmentText
from conformance.tcp.flags import Flags
from conformance.tcp.states import State

ESTABLISHED = """
title: A connection
target: {needs: [CALLS], options: {timestamps: off}}
steps:
  - call: listen(port=80) = l
  - send: SYN seq=0
  - expect: SYN,ACK seq=0 ack=1
    as: synack
  - send: ACK seq=1 ack=1
  - call: accept(l) = c
"""
CASE = "title: T\nsteps:\n  - expect: ACK\n"

Write = Callable[[str, str], Path]


def writing(tmp_path: Path) -> Write:
    def to(name: str, text: str) -> Path:
        path = tmp_path / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
        return path

    return to


@pytest.fixture
def write(tmp_path: Path) -> Write:
    return writing(tmp_path)


def one(path: Path) -> Case:
    (case,) = load_case(path)
    return case


def texts(case: Case) -> list[str]:
    return [step.text for step in case.steps]


def test_the_id_is_the_path_below_the_root(write: Write, tmp_path: Path) -> None:
    write("cases/fragments/established", ESTABLISHED)
    path = write("cases/rfc9293/3.6-close/simple", CASE)
    assert one(path).id == "rfc9293/3.6-close/simple"
    assert one(path).path == str(path)
    (case,) = load_case(path, tmp_path)
    assert case.id == "cases/rfc9293/3.6-close/simple"


def test_without_fragments_the_root_is_the_directory_that_was_asked_for(
    write: Write, tmp_path: Path
) -> None:
    write("mine/deep/simple", CASE)
    cases, faults = load([tmp_path / "mine"])
    assert not faults
    assert [case.id for case in cases] == ["deep/simple"]


def test_a_relative_path_finds_fragments_above_the_working_directory(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("cases/fragments/established", ESTABLISHED)
    write("cases/deep/simple", CASE + "given: established\n")
    monkeypatch.chdir(tmp_path / "cases" / "deep")
    case = one(Path("simple.yaml"))
    assert case.id == "deep/simple"
    assert case.path == "simple.yaml"
    assert len(case.given) == 5


def test_the_nearest_fragment_is_taken(write: Write, tmp_path: Path) -> None:
    write("fragments/start", "title: Far\nsteps:\n  - expect: SYN\n")
    write("rfc1/fragments/start", "title: Near\nsteps:\n  - expect: RST\n")
    path = write("rfc1/a", CASE + "given: start\n")
    (case,) = load_case(path, tmp_path)
    assert [step.text for step in case.given] == ["expect: RST"]
    assert case.id == "rfc1/a"


def test_given_is_flat_and_says_where_each_step_came_from(write: Write) -> None:
    write("fragments/established", ESTABLISHED)
    half = write(
        "fragments/half",
        "title: Half closed\ngiven: established\nsteps:\n  - call: shutdown(c, WR)\n",
    )
    path = write(
        "a",
        """
        title: T
        given: half
        steps:
          - include: ends
          - either:
              - - include: ends
              - permits: RFC 1, section 2
                steps:
                  - silence: 1s
        """,
    )
    write("fragments/ends", "title: Ends\ngiven: half\nsteps:\n  - expect: FIN,ACK\n")
    case = one(path)
    assert [step.origin for step in case.given] == ["established"] * 5 + ["half"]
    assert [step.origin for step in case.steps] == ["ends", ""]
    first, second = case.steps[1].branches
    assert [step.origin for step in first.steps] == ["ends"]
    assert second.permits == "RFC 1, section 2"
    assert case.needs == {"CALLS"}
    assert case.options == {"timestamps": "off"}
    assert {Path(name).stem for name in case.sources} == {"a", "half", "established", "ends"}
    assert case.steps[0].span.path == str(half.with_name("ends.yaml"))


def test_fragments_are_cases_too(write: Write, tmp_path: Path) -> None:
    write("fragments/established", ESTABLISHED)
    write("a", CASE)
    cases, faults = load([tmp_path])
    assert not faults
    assert [case.id for case in cases] == ["a", "fragments/established"]
    assert {step.origin for step in cases[1].steps} == {""}


def test_every_combination_is_a_case_in_written_order(write: Write) -> None:
    write("fragments/established", ESTABLISHED)
    path = write(
        "rfc/family",
        """
        title: A $role close, $n times
        verifies: [rfc9293/EV-$state-FIN]
        given: $role
        parameters:
          role: {passive: established, active: established}
          n: [1, 2]
          state: [TIME-WAIT]
        steps:
          - send: ACK seq=$n+1 win=$n
          - state: $state
            within: 1s
          - call: recv(c, $n) = $n
        """,
    )
    cases = load_case(path)
    assert [case.id for case in cases] == [
        "rfc/family[role=passive,n=1,state=TIME-WAIT]",
        "rfc/family[role=passive,n=2,state=TIME-WAIT]",
        "rfc/family[role=active,n=1,state=TIME-WAIT]",
        "rfc/family[role=active,n=2,state=TIME-WAIT]",
    ]
    case = cases[1]
    assert case.parameters == {"role": "established", "n": "2", "state": "TIME-WAIT"}
    assert case.title == "A established close, 2 times"
    assert case.verifies == ("rfc9293/EV-TIME-WAIT-FIN",)
    assert texts(case) == ["send: ACK seq=2+1 win=2", "state: TIME-WAIT", "call: recv(c, 2) = 2"]
    assert case.steps[1].value is State.TIME_WAIT


def test_yaml_resolves_nothing(write: Write) -> None:
    path = write(
        "a",
        """
        title: NO
        about: 1:20
        target: {options: {timestamps: off, sack: yes, n: 0o17}}
        steps:
          - expect: ACK <sack 1:20>
        """,
    )
    case = one(path)
    assert (case.title, case.about) == ("NO", "1:20")
    assert case.options == {"timestamps": "off", "sack": "yes", "n": "0o17"}
    assert texts(case) == ["expect: ACK <sack 1:20>"]


def test_the_mapping_form_says_the_same_as_the_line(write: Write) -> None:
    path = write(
        "a",
        """
        title: T
        steps:
          - send: {flags: 'FIN,ACK', seq: 1, len: SND.WND-1, options: '<nop, nop>'}
          - send: FIN,ACK seq=1 len=SND.WND-1 <nop, nop>
          - send: {flags: ACK, data: hello}
          - send: {flags: ACK, data: 0x00ff}
          - send: {flags: ACK, data: "0x00ff"}
          - silence: 1s
        """,
    )
    case = one(path)
    assert case.steps[0].value == case.steps[1].value
    assert case.steps[0].text == case.steps[1].text
    assert [step.patterns[0].data for step in case.steps[2:5]] == [b"hello", b"\0\xff", b"0x00ff"]


def test_hostile_segments_are_no_faults(write: Write) -> None:
    long = (
        "{flags: 'FIN,SYN', seq: 1, checksum: bad, offset: 4, reserved: 7, "
        "raw: 0x01010101, ip: {ttl: 1, tos: 3}}"
    )
    path = write("a", f"title: T\nsteps:\n  - send: {long}\n  - silence: 1s\n")
    case = one(path)
    assert texts(case)[0] == f"send: {long}"
    assert case.steps[0].value == SegmentText(
        flags=Flags.SYN | Flags.FIN,
        fields={"seq": exactly(1)},
        checksum="bad",
        offset=4,
        reserved=7,
        raw_options=b"\1\1\1\1",
        ip=IpText(ttl=exactly(1), tos=exactly(3)),
    )


def test_the_text_of_every_verb_can_be_pasted(write: Write, tmp_path: Path) -> None:
    steps = """
      - call: socket( )=s
      - call: bind(s,port=5)
      - call: connect(s) = EINPROGRESS
      - spawn: connect( port=80 )
      - expect: SYN seq=0 <mss 1460,...>
        as: syn
        conn: b
        within: 0.5s..1000ms
      - allow: {flags: ACK}
      - drop: ACK seq=syn.end
      - icmp: {quotes: syn, mtu: 576, error: packet-too-big}
      - icmp: {type: 3, code: 1, quotes: syn}
      - join: connect(port=80)=d
      - call: send(d, "a, b")
      - set: {nodelay: on, name: "a, b"}
      - collect: 0x10
        ack: last
      - state: CLOSED
        via: [FIN-WAIT-1,   CLOSING]
      - wait: 1MSL + 500ms
      - silence: 1s
        of: RST
      - either:
          - - expect: RST,ACK
            - silence: 1s
          - - drop: {flags: ACK, win: 3}
            - set: {nodelay: off}
    """
    case = one(write("a", "title: T\nsteps:" + steps))
    assert texts(case)[3:5] == ["spawn: connect(port=80)", "expect: SYN seq=0 <mss 1460, ...>"]
    assert texts(case)[-1] == (
        "either: [[expect: 'RST,ACK', silence: 1s], [drop: ACK win=3, set: {nodelay: off}]]"
    )
    assert case.steps[4].conn == "b"
    labels = {4: ", as: syn"}
    again = "title: T\nsteps:\n"
    for i, text in enumerate(texts(case)):
        again += f"  - {text}\n" + ("    as: syn\n" if i in labels else "")
    copy = one(write("b", again))
    assert texts(copy) == texts(case)
    assert [step.value for step in copy.steps[:-1]] == [step.value for step in case.steps[:-1]]


def test_select_by_path_by_id_and_by_parameters(write: Write, tmp_path: Path) -> None:
    path = write("rfc/a", "title: T\nparameters: {n: [1, 2]}\nsteps:\n  - expect: ACK seq=$n\n")
    for selector in (f"{path}::rfc/a[n=2]", f"{path}::[n=2]", f"{path}::n=2", "rfc/a[n=2]"):
        assert [case.id for case in select(selector, tmp_path)] == ["rfc/a[n=2]"]
    assert len(select(str(path), tmp_path)) == 2
    assert len(select("rfc/a", tmp_path)) == 2
    assert len(select(str(tmp_path), tmp_path)) == 2
    with pytest.raises(CaseFaults, match=r"no case rfc/a\[n=3\]"):
        select(f"{path}::rfc/a[n=3]", tmp_path)


def test_a_file_named_twice_is_loaded_once(write: Write, tmp_path: Path) -> None:
    path = write("a", CASE)
    cases, _ = load([path, tmp_path, path])
    assert len(cases) == 1


def test_a_deviation_holds_its_steps(write: Write) -> None:
    path = write(
        "a",
        CASE
        + """    as: ack
deviations:
  linux:
    - step: ack
      instead:
        - expect: RST
      because: it does
""",
    )
    (deviation,) = one(path).deviations
    assert (deviation.target, deviation.step, deviation.because) == ("linux", "ack", "it does")
    assert [step.text for step in deviation.instead] == ["expect: RST"]


def test_a_deviation_may_make_the_steps_of_a_fragment_wrong(write: Write) -> None:
    """They were right in the fragment, where the segment that they repeat was short."""
    write("fragments/repeats", "title: F\nsteps:\n  - expect: ACK len=10\n    as: x\n"
          "  - send: ACK seq=1 ack=1 len=x.len\n")  # fmt: skip
    path = write(
        "case",
        """
        title: T
        given: repeats
        steps:
          - expect: ACK
        deviations:
          linux:
            - step: x
              instead:
                - expect: ACK len=2000
                  as: x
              because: it does
        """,
    )
    with pytest.raises(CaseFaults, match=r"(?s)2000 octets.*deviates at x") as it:
        load_case(path)
    assert len(it.value.faults) == 1


def test_a_fragment_is_read_once_however_many_cases_have_it(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("fragments/established", ESTABLISHED)
    steps = "  - send: ACK seq=1 ack=1 len=10\n  - expect: ACK seq=1 ack=11 <nop, nop, TS */*>\n"
    for i in range(200):
        write(f"rfc/{i}", f"title: T\ngiven: established\nsteps:\n{steps * 6}")
    read: list[Path] = []
    octets = files.read

    def noted(file: Path, most: int) -> bytes:
        read.append(file)
        return octets(file, most)

    monkeypatch.setattr(files, "read", noted)
    cases, faults = load([tmp_path])
    assert len(cases) == len(read) == len(set(read)) == 201
    assert not faults


@pytest.mark.parametrize(
    "step",
    [
        "expect: ACK",
        "drop: ACK",
        "collect: 5",
        "silence: 1s",
        "state: CLOSED",
        "call: listen() = l",
        "spawn: connect()",
        "either: [[{expect: ACK}], [{expect: RST}]]",
    ],
)
def test_a_step_that_checks_is_enough_for_a_case(write: Write, step: str) -> None:
    assert len(one(write("a", f"title: T\nsteps:\n  - {step}\n")).steps) == 1


def test_a_case_has_as_many_parameters_as_are_said_to_be_the_most(write: Write) -> None:
    names = [f"p{number}" for number in range(MOST_PARAMETERS + 1)]

    def case(names: list[str]) -> Path:
        given = "".join(f"  {name}: [1]\n" for name in names)
        steps = "".join(f"  - expect: ACK seq=${name}\n" for name in names)
        return write("a", f"title: T\nparameters:\n{given}steps:\n{steps}")

    assert len(one(case(names[:-1])).steps) == MOST_PARAMETERS
    with pytest.raises(CaseFaults, match="too many combinations of parameters"):
        load_case(case(names))

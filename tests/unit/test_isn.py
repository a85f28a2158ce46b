"""The tester's ISN: of a case, and as an axis of a run."""

from __future__ import annotations

from pathlib import Path

import pytest
from hand import Hand, write_case

from conformance.case.faults import CaseFaults
from conformance.case.load import load_case
from conformance.case.model import Case
from conformance.commands.choice import chosen
from conformance.errors import CaseError
from conformance.play.isn import isns, isns_of
from conformance.play.played import Played, split_played
from conformance.play.profile import Profile
from conformance.play.record import Addressing, Record
from conformance.play.verdict import Outcome
from conformance.report.jsonlines import dump, load
from conformance.report.summary import case_object
from conformance.report.table import Table
from conformance.targets import deviations
from conformance.targets.base import Job
from conformance.targets.kinds.reference import Reference
from conformance.targets.names import Chosen
from conformance.targets.runs.rejudge import judge
from conformance.targets.runs.selection import choose

OWN = "tester: {isn: 0xFFFFFFF0}\n"
TEXT = "- send: ACK seq=1 ack=1 len={}\n- expect: ACK seq=1 ack={}"


def case(tmp_path: Path, size: int = 10, head: str = "") -> Case:
    return write_case(tmp_path, TEXT.format(size, size + 1), head=head)


def played(isn: int | None, tmp_path: Path, head: str = "") -> Record:
    steps = "- call: listen() = l\n- send: SYN seq=0\n- expect: SYN,ACK seq=0 ack=1"
    return Reference().play(Job(write_case(tmp_path, steps, head=head, given=""), 4, isn))


# ---- which ISNs ----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 2, 10, 1000])
def test_wrap_falls_inside_the_first_text_or_behind_the_first_number(
    tmp_path: Path, size: int
) -> None:
    for isn, point in zip(isns(case(tmp_path, size), ["wrap"]), (1 << 32, 1 << 31), strict=True):
        assert isn is not None
        assert isn + 1 < point  # RCV.NXT of a fresh connection lies before it
        assert isn + 1 + max(size, 2) > point


def test_syn_has_the_last_number_before(tmp_path: Path) -> None:
    assert isns(case(tmp_path), ["syn"]) == (0xFFFFFFFF, 0x7FFFFFFF)


def test_a_list_is_each_of_them_once(tmp_path: Path) -> None:
    words = isns_of("syn, 7,0xffffffff,syn")
    assert isns(case(tmp_path), words) == (0xFFFFFFFF, 0x7FFFFFFF, 7)
    assert isns(case(tmp_path), isns_of("")) == (None,)


@pytest.mark.parametrize("text", ["warp", "0x100000000", "4294967296", "-1", "wrap,", "1.5"])
def test_what_is_no_isn_is_refused(text: str) -> None:
    with pytest.raises(CaseError, match="is no ISN; it is wrap, syn or a number below 2\\^32"):
        isns_of(text)


# ---- what is played ------------------------------------------------------------------------------


def test_the_syn_has_the_isn_of_the_run(tmp_path: Path) -> None:
    record = played(0xFFFFFFFF, tmp_path)
    sent = [entry.segment for entry in record.entries if entry.segment is not None]
    assert (sent[0].seq, sent[1].ack) == (0xFFFFFFFF, 0)
    assert record.verdict is not None
    assert record.verdict.outcome is Outcome.PASS


def test_a_case_keeps_its_own(tmp_path: Path) -> None:
    one = case(tmp_path, head=OWN)
    assert isns(one, ["wrap"]) == (None,)
    record = played(None, tmp_path, OWN)
    assert record.entries[1].segment is not None
    assert record.entries[1].segment.seq == record.addressing.irs == 0xFFFFFFF0
    assert record.id == "case::reference-ipv4"


def test_each_connection_has_the_chosen_isn_and_one_of_its_own_otherwise(tmp_path: Path) -> None:
    steps = "- send: SYN seq=0\n- send: SYN seq=0\n  conn: b\n- silence: 1s"
    for head, alike in ((OWN, True), ("", False)):
        hand = Hand(write_case(tmp_path, steps, head=head, given=""))
        numbers = [conn.numbers.irs for conn in hand.talk.connections.values()]
        assert (numbers[0] == numbers[1]) is alike


def test_a_case_has_the_isn_of_its_fragment_and_no_other(tmp_path: Path) -> None:
    (tmp_path / "fragments").mkdir()
    fragment = "title: F\ntester: {isn: 7}\nsteps: [{send: SYN seq=0}]\n"
    (tmp_path / "fragments" / "f.yaml").write_text(fragment)
    file, text = tmp_path / "c.yaml", "title: T\ngiven: f\nsteps: [{silence: 1s}]\n"
    file.write_text(text)
    assert load_case(file, tmp_path)[0].isn == 7
    file.write_text(text + "tester: {isn: 8}\n")
    with pytest.raises(CaseFaults, match="fragment f has the isn 0x7, and here is another"):
        load_case(file, tmp_path)


# ---- what is told --------------------------------------------------------------------------------


def test_ids_are_unique_and_say_the_isn(tmp_path: Path) -> None:
    named = [Chosen(case(tmp_path))]
    profile = Profile("toy", msl=1.0)
    plan = choose(named, profile, ips=(4, 6), isns=("wrap", "syn"))
    records = [Record(job.case, profile, Addressing(ip=job.ip, isn=job.isn)) for job in plan.jobs]
    ids = [record.id for record in records]
    assert len(set(ids)) == len(ids) == 8
    assert ids[0] == "case::toy-ipv4-isn-0xfffffff8"
    parts = [split_played(id.partition("::")[2]) for id in ids]
    again = [Chosen(one.case, part.target, part.ip, part.isn)
             for one, part in zip(named * 8, parts, strict=True)]  # fmt: skip
    assert choose(again, profile).jobs == plan.jobs


def test_an_isn_is_split_off_the_name() -> None:
    assert split_played("linux-6.1-ipv6-isn-0xfffffff8[n=1]") == Played(
        "linux-6.1", 6, 0xFFFFFFF8, "[n=1]"
    )


def test_a_record_says_the_isn_and_is_judged_the_same(tmp_path: Path) -> None:
    record = played(0xFFFFFFFF, tmp_path)
    (loaded,) = load(dump(record))
    again = judge(record.case, loaded)
    assert again.addressing == record.addressing
    assert again.id == record.id == "case::reference-ipv4-isn-0xffffffff"
    assert [one.text for one in again.entries] == [one.text for one in record.entries]
    assert again.verdict == record.verdict
    assert case_object(record)["isn"] == 0xFFFFFFFF


def test_a_known_deviation_is_known_at_every_isn(tmp_path: Path) -> None:
    file = tmp_path / "d.yaml"
    file.write_text("- because: so\n  cases: {case: ['expect: SYN,ACK seq=0 ack=1', x]}\n")
    record = played(0xFFFFFFFF, tmp_path)
    deviations.load(file).settle(record)
    assert record.verdict is not None
    assert "is known to end at" in record.verdict.reason


def test_a_table_has_a_row_for_each_isn(tmp_path: Path) -> None:
    table = Table()
    for isn in (None, 0xFFFFFFFF):
        table.add(played(isn, tmp_path))
    assert list(table.object()["cases"]) == ["case::ipv4", "case::ipv4-isn-0xffffffff"]


def test_a_pasted_id_means_its_isn_only() -> None:
    (found,) = chosen(["smoke/handshake::reference-ipv4-isn-0xffffffff"])
    plan = choose([found], Reference().profile)
    assert [(job.ip, job.isn) for job in plan.jobs] == [(4, 0xFFFFFFFF)]

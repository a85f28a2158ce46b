"""What the target's kernel said of itself stands where it belongs, in every report."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
import report_samples as samples
from site_pages import site

from conformance.case.load import load_case
from conformance.play.asides import CountersMoved, Dropped, ResetSent, Retransmitted
from conformance.play.record import Record
from conformance.report import jsonlines
from conformance.report.failure import explain
from conformance.report.ladder import ladder
from conformance.report.site.names import case_page
from conformance.targets.base import Job
from conformance.targets.kinds.reference import Reference
from conformance.targets.runs.rejudge import judge
from conformance.tcp.flags import Flags
from conformance.tcp.segment import Segment

START = samples.STARTED
PORT = 40000
RESET = Segment(4000, PORT, Flags.RST, 1)


def told() -> Record:
    """A record of each: a drop, a reset, something sent again that came and one that did not."""
    record = samples.wrong_segment()
    assert record.entries[-2].text.startswith("RST")
    record.entries[-2] = replace(record.entries[-2], segment=RESET)
    answer = Segment(4000, PORT, Flags.SYN | Flags.ACK, 1, window=9)
    record.entries[3] = replace(record.entries[3], segment=answer)
    record.asides = (
        Dropped(START + 0.05301, START + 0.0530, "TCP_OLD_DATA", "tcp_data_queue"),
        Retransmitted(START + 0.00039, PORT),
        Retransmitted(START + 12.0, PORT),
        ResetSent(START + 30.05339, PORT, "TCP_STATE"),
        Dropped(START + 40.0, START + 39.0, "NO_SOCKET"),
        CountersMoved(START + 41.0, {"InSegs": "5", "TCPChallengeACK": "1"}),
    )
    return record


def test_the_ladder_says_it_beside_the_segment() -> None:
    lines = [" ".join(line.split()) for line in ladder(told()).splitlines()]
    assert any("--> FIN,ACK seq=1 ack=2 (dropped: TCP_OLD_DATA) -->" in line for line in lines)
    assert any("<-- SYN,ACK seq=0 ack=1 <mss 1460> (retransmitted) <--" in line for line in lines)
    assert any("RST seq=2 <TS 17/4> (reset: TCP_STATE)" in line for line in lines)
    alone = [line for line in lines if "the kernel:" in line]
    assert [line.partition("the kernel: ")[2].rstrip(" |") for line in alone] == [
        "retransmitted", "dropped: NO_SOCKET",
    ]  # fmt: skip
    assert "TCP_" not in ladder(samples.wrong_segment())


def test_a_failure_names_the_counters() -> None:
    assert "counters     InSegs 5, TCPChallengeACK 1" in explain(told())
    assert "counters" not in explain(samples.wrong_segment())


def test_its_page_has_all_of_it() -> None:
    page = site([told()])[case_page(samples.CASE.id)]
    text = " ".join(re.sub("<[^>]+>", " ", page).split())
    assert "dropped: TCP_OLD_DATA tcp_data_queue" in text
    assert "Its counters at the end: InSegs 5, TCPChallengeACK 1" in text


@pytest.mark.parametrize("why", ["TCP_OLD_DATA", "nothing"])
def test_a_verdict_knows_nothing_of_it(why: str) -> None:
    (case, *_) = load_case("cases/rfc9293/3.6-close/lost-final-ack.yaml")
    record = Reference().play(Job(case))
    record.asides = (Dropped(0.0, 0.0, why),)
    (loaded,) = jsonlines.load(jsonlines.dump(record))
    again = judge(case, loaded)
    assert again.asides == record.asides
    assert (again.verdict, again.entries) == (record.verdict, record.entries)

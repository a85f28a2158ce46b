"""The site: what it says of a record is so, and no text of a record is more than a text in it."""

from __future__ import annotations

import base64
import re
from collections import Counter
from dataclasses import replace
from functools import cache

import pytest
import report_samples as samples
import site_pages
from hypothesis import given
from hypothesis import strategies as st
from site_pages import Page, endings, renamed, site

from conformance.case.load import load_case
from conformance.case.step import Way
from conformance.play.asides import CountersMoved, Dropped
from conformance.play.profile import Ability
from conformance.play.record import Record, What
from conformance.play.verdict import Outcome, Verdict
from conformance.report.jsonlines import Loaded, placeless
from conformance.report.ladder_layout import LadderRow
from conformance.report.pcapng import pcapng
from conformance.report.site import case
from conformance.report.site.front import date
from conformance.report.site.ladder import picture
from conformance.report.site.markup import Html, tag
from conformance.report.site.model import GRAVEST, Site
from conformance.report.site.names import case_page, slug, state_page
from conformance.report.site.page import page as framed
from conformance.report.site.pages import pages
from conformance.report.site.rules import Rules
from conformance.report.site.telling import told
from conformance.report.site.transitions import MoveInTable, judged
from conformance.requirements.catalogue import catalogue
from conformance.targets.base import Job
from conformance.targets.kinds.reference import Reference
from conformance.tcp.states import State

NASTY = "</title><script>alert(1)</script>\"'><img src=x onerror=y>&amp;\x00\x1b[31m\u202e\ud800"
CAPTURE = "data:application/octet-stream;base64,"
HANDLED = re.compile(r"on[a-z]+")


def hostile() -> Record:
    """A failure every text of which wants out."""
    record = renamed(samples.wrong_segment(), f"x/{NASTY}")
    nasty = {NASTY: NASTY}
    record.case = replace(
        record.case, title=NASTY, about=NASTY, path=NASTY, verifies=(NASTY,), sources=nasty,
        options=nasty, needs=frozenset({NASTY}),
    )  # fmt: skip
    record.asides = (Dropped(samples.STARTED, 0, NASTY, NASTY), CountersMoved(1, nasty))
    record.profile = replace(record.profile, name=NASTY, version=NASTY, facts=nasty, kind=NASTY)
    assert record.verdict is not None
    assert record.verdict.failure is not None
    failure = replace(
        record.verdict.failure, message=NASTY, expected=(NASTY,), actual=NASTY, words=NASTY
    )
    record.verdict = replace(record.verdict, reason=NASTY, failure=failure)
    record.entries = [replace(entry, text=NASTY, conn=NASTY) for entry in record.entries]
    return record


def case_of(record: Record, *all_of_them: Record) -> Page:
    """The page of its case, without the others."""
    made = site_pages.collected(all_of_them)
    return Page(case.case_page(made.shelves[record.case.id], made, Rules(made)))


@cache
def whole() -> dict[str, str]:
    """A site with one of each ending."""
    return site(endings())


# ---- all pages -----------------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["endings", "hostile"])
def test_every_link_leads_somewhere(which: str) -> None:
    texts = whole() if which == "endings" else site([hostile()])
    pages = {path: Page(text) for path, text in texts.items()}
    ids = {path: [e.attributes["id"] for e in page.elements if "id" in e.attributes]
           for path, page in pages.items()}  # fmt: skip
    assert all(len(set(found)) == len(found) for found in ids.values())
    count = 0
    for path, page in pages.items():
        for link in page.of("a"):
            if link.attributes["href"].startswith(CAPTURE):
                continue
            there, anchor = site_pages.target_of(path, link.attributes["href"])
            assert there in pages, (path, link)
            assert not anchor or anchor in ids[there], (path, link)
            count += 1
    assert count > 500


def test_no_text_of_others_is_markup() -> None:
    shown = 0
    wanted = {one.tag for text in whole().values() for one in Page(text).elements}
    for text in site([hostile()]).values():
        page = Page(text)
        assert {one.tag for one in page.elements} <= wanted
        for element in page.elements:
            assert not any(HANDLED.fullmatch(name) for name in element.attributes)
            assert "style" not in element.attributes
            assert "src" not in element.attributes
        assert len(page.of("script")) <= 1
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", text)
        shown += sum("alert(1)" in one.words for one in page.elements)
    assert shown > 50


def test_every_page_asks_for_nothing_and_obeys_its_own_script_alone() -> None:
    for text in whole().values():
        page = Page(text)
        metas = [one.attributes for one in page.of("meta")]
        (policy,) = (one["content"] for one in metas if "http-equiv" in one)
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "unsafe" not in policy
        assert ("script-src" in policy) is bool(page.of("script"))
        assert not re.search(r"https?://(?!www\.w3\.org/)|url\((?!#)|@import", text)


def test_the_pages_are_a_function_of_the_records() -> None:
    assert site(endings()) == whole()


def test_the_front_page_comes_last() -> None:
    assert list(whole())[-1] == "index.html"


# ---- what is said --------------------------------------------------------------------------------


def test_a_failure_is_shown_as_one_everywhere() -> None:
    failed = samples.wrong_segment()
    pages = site([renamed(samples.passed(), "rfc9293/other"), failed])
    for path in ("index.html", "findings.html"):
        (finding,) = Page(pages[path]).of("ol", "findings")
        assert "another segment came: RST seq=2" in finding.words
        assert failed.id in finding.words
    assert "\N{MULTIPLICATION SIGN}1 fail" in Page(pages["index.html"]).of("p", "lead")[0].words
    page = case_of(failed, failed)
    (play,) = page.of("details", "play")
    assert "open" in play.attributes
    assert "\N{MULTIPLICATION SIGN} fail" in play.words
    marked = [one.words for one in page.of("text", "bad-text")]
    assert any(words.startswith("RST seq=2") for words in marked)
    wanted = [one.words for one in page.of("text", "wanted")]
    assert wanted[0] == "would have been accepted: ACK seq=2 ack=2 <TS */*>"
    assert wanted[1].startswith("or silence for 1s")
    (line,) = page.of("mark")
    assert line.words.strip() == "- expect: ACK seq=2 ack=2 <TS */*>  # once more"
    assert "fail on linux ipv4: another segment came" in page.of("span", "ended")[0].words


def test_a_play_has_its_capture_and_one_without_segments_has_none() -> None:
    (found,) = load_case("cases/smoke/handshake.yaml")
    record, skipped = Reference().play(Job(found)), samples.skipped()
    (link,) = case_of(record, record).of("a", "capture")
    octets = base64.b64decode(link.attributes["href"].removeprefix(CAPTURE), validate=True)
    assert octets == pcapng(placeless(record))
    assert re.fullmatch(r"[A-Za-z0-9-]+\.pcapng", link.attributes["download"])
    assert not case_of(skipped, skipped).of("a", "capture")


def test_where_no_segment_is_to_blame_the_ladder_says_so() -> None:
    failed = samples.nothing_came()
    page = case_of(failed, failed)
    assert [one.words for one in page.of("text", "bad-text")] == ["nothing came within 1s"]
    assert len(page.of("text", "wanted")) == 1


def test_each_ending_has_its_word_and_its_sign() -> None:
    records = endings()
    signs = {}
    for record in records:
        assert record.verdict is not None
        outcome = record.verdict.outcome
        row = case_of(record, *records).of("span", str(outcome))[0]
        sign, word = row.words.split()
        assert word == outcome
        signs[outcome] = sign
    assert len(set(signs.values())) == len(signs) == len(GRAVEST) - 1  # none is inconclusive


def test_the_front_page_counts_and_shows_holes() -> None:
    page = Page(whole()["index.html"])
    counts = Counter(record.verdict.outcome for record in endings() if record.verdict)
    lead = page.of("p", "lead")[0].words
    assert lead.startswith("8 plays of 8 cases on 1 target.")
    assert all(f"{many} {outcome}" in lead for outcome, many in counts.items())
    sections = {row.attributes.get("data-section", "") for row in page.of("tr")}
    ours = [
        row.attributes["data-section"] for row in page.of("tr") if "data-level" in row.attributes
    ]
    assert ours.index("RFC 9293 3.9.2") < ours.index("RFC 9293 3.10.1") < ours.index("RFC 9293 A.2")
    known = {f"RFC {row.rfc} {re.match(r'[0-9A-Za-z.]+', row.section)[0]}"  # type: ignore[index]
             for row in catalogue().values() if row.applicable and row.section}  # fmt: skip
    assert known <= sections
    assert len(page.of("td", "hole")) > 50
    assert "linux" in page.of("th", "target")[0].words


def test_the_same_case_stands_beside_itself_on_another_target() -> None:
    good = samples.passed()
    good.profile = replace(good.profile, name="other")
    bad = samples.wrong_segment()
    page = case_of(bad, good, bad)
    plays = page.of("details", "play")
    assert [play.words.split()[:3] for play in plays] == [
        ["\N{MULTIPLICATION SIGN}", "fail", "linux"],
        ["\N{CHECK MARK}", "pass", "other"],
    ]
    assert all("open" in play.attributes for play in plays)
    assert "conformance run" in plays[0].words


def test_a_second_run_of_a_play_takes_its_place_and_names_the_first() -> None:
    made = Site(["one", "two"])
    made.put(told(samples.wrong_segment(), run=0))
    made.put(told(samples.passed(), run=1))
    ((shelf),) = made.shelves.values()
    (play,) = shelf.plays.values()
    assert play.outcome is Outcome.PASS
    assert play.earlier == ((samples.STARTED, Outcome.FAIL, 0),)
    front = Page(dict(pages(made))["index.html"])
    (row,) = (row for row in front.rows() if row[0] == play.id)
    assert row[1].split()[1] == "fail"
    assert row[2].split()[1] == "pass"


def test_a_run_has_the_name_of_its_file_and_a_number_where_two_have_one() -> None:
    made = Site(["one", "two", "one"])
    assert [made.run_name(run) for run in range(4)] == ["one (1)", "two", "one (3)", ""]


def test_a_record_that_never_ended_is_an_error_in_words() -> None:
    record = samples.record(samples.opened(), None)
    page = case_of(record, record)
    assert "it never ended" in page.of("details", "play")[0].words


def test_the_verdict_that_was_written_stands_and_another_of_today_is_told() -> None:
    record = samples.passed()
    assert record.verdict is not None

    def note_of(then: Verdict | None) -> tuple[Outcome, str]:
        loaded = Loaded(
            record.id, record.case.id, "c.yaml", "T", {}, {}, record.profile, record.addressing,
            record.started, verdict=then,
        )  # fmt: skip
        play = told(record, loaded).play
        return play.outcome, play.note

    assert note_of(record.verdict) == (Outcome.PASS, "")
    other = "Judged again today it is another verdict: pass"
    assert note_of(Verdict(Outcome.FAIL, "it was so")) == (Outcome.FAIL, other)
    cut = "the recording was cut off: what is here is all that was written of it."
    assert note_of(None) == (Outcome.ERROR, cut)


def test_a_time_that_no_calendar_has() -> None:
    assert [date(at) for at in (-1e15, 0.0, 1e15, 9e18)] == ["no date"] * 4
    assert date(samples.STARTED) == "2023-11-14 22:13 UTC"


# ---- the ladder ----------------------------------------------------------------------------------


def test_what_was_lost_is_crossed_out() -> None:
    drawn = Page(picture([LadderRow(Way.TO_TESTER, "ACK seq=2", "1.0 ms", lost=True)]))
    assert len(drawn.of("line", "cross")) == 2
    assert not drawn.of("path", "head")
    came = Page(picture([LadderRow(Way.TO_TESTER, "ACK seq=2", "1.0 ms")]))
    assert not came.of("line", "cross")
    assert came.of("path", "head")


def test_arrows_point_to_where_the_segment_went() -> None:
    def ends(way: Way) -> tuple[float, float]:
        (arrow,) = Page(picture([LadderRow(way, "ACK", "1.0 ms")])).of("line", "arrow")
        return float(arrow.attributes["x1"]), float(arrow.attributes["x2"])

    assert ends(Way.TO_TARGET)[0] < ends(Way.TO_TARGET)[1]
    assert ends(Way.TO_TESTER)[0] > ends(Way.TO_TESTER)[1]


def test_states_and_calls_stand_beside_the_target() -> None:
    page = case_of(samples.passed(), samples.passed())
    words = [one.words for one in page.of("text", "state")]
    assert words == ["SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1", "TIME-WAIT", "CLOSED"]
    assert "close(c) = 0  after 50.0 ms" in " ".join(one.words for one in page.of("text", "call"))


def test_time_runs_down_and_nothing_is_outside() -> None:
    page = case_of(samples.passed(), samples.passed())
    (svg,) = page.of("svg", "ladder")
    width, height = float(svg.attributes["width"]), float(svg.attributes["height"])
    heads = [float(one.attributes["y"]) for one in page.of("text", "time")]
    assert heads == sorted(heads)
    for one in page.of("text"):
        assert 0 <= float(one.attributes["x"]) <= width
        assert 0 <= float(one.attributes["y"]) <= height


def test_a_row_names_its_connection_where_there_are_two() -> None:
    def named(*conns: str) -> list[str]:
        rows = [LadderRow(Way.TO_TARGET, "ACK", "1.0 ms", conn=conn) for conn in conns]
        return [one.words for one in Page(picture(rows)).of("text", "conn")]

    assert named("a", "b", "a") == ["a", "b", "a"]
    assert named("a", "a") == []


def test_a_ladder_of_thousands_of_rows_is_cut_and_says_so() -> None:
    drawn = picture([LadderRow(Way.TO_TARGET, f"ACK seq={i}", "1.0 ms") for i in range(5000)])
    assert len(drawn) < 500_000
    assert "4400 rows are left out" in drawn
    assert "seq=4999" in drawn


# ---- states --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("move", "reports_all", "seen"),
    [
        ((State.LISTEN, State.SYN_RECEIVED), True, MoveInTable.SEEN),
        ((State.SYN_RECEIVED, State.CLOSE_WAIT), True, MoveInTable.NONE),
        ((State.SYN_RECEIVED, State.CLOSE_WAIT), False, MoveInTable.OVER),
        ((State.TIME_WAIT, State.ESTABLISHED), False, MoveInTable.NONE),
    ],
)
def test_a_move_is_held_to_the_table(
    move: tuple[State, State], reports_all: bool, seen: MoveInTable
) -> None:
    assert judged((str(move[0]), str(move[1])), reports_all=reports_all) is seen


def test_a_cell_of_state_and_event_leads_to_its_cases() -> None:
    record = renamed(samples.wrong_segment(), "x/closes")
    record.case = replace(record.case, verifies=("rfc9293/EV-ESTABLISHED-CLOSE",))
    texts = site([record])
    failed = [
        link.attributes["href"]
        for link in Page(texts["events.html"]).of("a")
        if "\N{MULTIPLICATION SIGN}1 fail" in link.words
    ]
    (href,) = failed
    there, anchor = site_pages.target_of("events.html", href)
    assert there == state_page("ESTABLISHED")
    cell = re.search(rf'id="{anchor}">CLOSE<(.*?)</section>', texts[there], re.DOTALL)
    assert cell
    assert f'href="../{case_page("x/closes")}' in cell[1]


def test_what_a_target_was_seen_to_do_is_in_its_column() -> None:
    profile = replace(samples.PROFILE, abilities=frozenset({Ability.STATE, Ability.PATH}))
    entries = [
        samples.entry(at, What.STATE, state)
        for at, state in enumerate(("CLOSED", "SYN-RECEIVED", "ESTABLISHED", "TIME-WAIT"))
    ]
    record = samples.record(entries, Verdict(Outcome.PASS), profile=profile)
    page = Page(site([record])["states.html"])
    rows = {(before, after): seen for before, after, seen in page.rows() if before != "from"}
    assert rows["LISTEN", "SYN-RECEIVED"] == "\N{CHECK MARK} 1"
    assert rows["SYN-RECEIVED", "ESTABLISHED"] == "\N{CHECK MARK} 1"
    assert rows["ESTABLISHED", "TIME-WAIT"] == "?! 1"
    assert rows["CLOSED", "LISTEN"] == "\N{MIDDLE DOT}"
    assert ("CLOSED", "SYN-RECEIVED") not in rows
    assert len(page.of("g", "none")) == 1


# ---- small things --------------------------------------------------------------------------------


@given(st.text(max_size=200))
def test_names_are_harmless(id: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9-]{1,100}", slug(id))


def test_names_tell_ids_apart_where_a_file_system_would_not() -> None:
    ids = ["a/b", "a-b", "a b", "A/B", "../a/b", "a/b\0", "", "x" * 500, "x" * 501]
    assert len({slug(id).lower() for id in ids}) == len(ids)


def test_markup_of_ours_stays_and_a_text_does_not() -> None:
    assert tag("p", "<b>", Html("<b>"), 3, title='"') == '<p title="&quot;">&lt;b&gt;<b>3</p>'
    assert tag("input", hidden=True, value=None) == "<input hidden>"
    assert framed("<x>").count("&lt;x&gt;") == 2

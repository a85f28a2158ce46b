"""The site in a real browser: no complaint, nothing asked for outside, filters, small screens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import report_samples as samples
import site_pages
from browser import CHROMIUM, WHY_NOT, Browser, browser
from test_report_site import hostile

from conformance import files

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=WHY_NOT)
VISIBLE = "[...document.querySelectorAll('[data-row]')].filter(e => e.checkVisibility())"
SCREENS = ((1280, "light"), (360, "light"), (360, "dark"), (640, "dark"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    records = [*site_pages.endings(), hostile()]
    other = samples.passed()
    other.profile = replace(other.profile, name="another")
    out = tmp_path_factory.mktemp("site")
    for name, text in site_pages.site([*records, other]).items():
        (out / name).parent.mkdir(exist_ok=True)
        files.write_text(out / name, text)
    return out


@pytest.fixture(scope="module")
def open_browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.fixture
def page(open_browser: Browser) -> Browser:
    open_browser.looks(width=1280)
    open_browser.asked.clear()
    open_browser.complaints.clear()
    return open_browser


def choose(page: Browser, name: str, value: str) -> None:
    found = f"document.querySelector('[data-filter={name}]')"
    page.eval(f"{found}.value = {value!r}; {found}.dispatchEvent(new Event('input', "
              "{bubbles: true}))")  # fmt: skip


def some(folder: Path) -> list[Path]:
    """The front pages, and each kind of the others."""
    kinds = [sorted((folder / kind).iterdir()) for kind in ("case", "rules", "state")]
    return [*sorted(folder.glob("*.html")), *kinds[0], kinds[1][0], kinds[2][3]]


def test_no_page_complains_or_asks_for_anything_but_itself(page: Browser, folder: Path) -> None:
    pages = some(folder)
    for path in pages:
        page.open(path)
        assert page.eval("getComputedStyle(document.querySelector('nav')).display") == "flex"
    assert page.complaints == []
    assert page.asked == [path.as_uri() for path in pages]


def test_the_policy_holds(page: Browser, folder: Path) -> None:
    page.open(folder / "index.html")
    page.eval("document.body.append(Object.assign(new Image(), {src: 'http://192.0.2.1/x.png'}))")
    page.eval("document.body.setAttribute('onclick', 'window.obeyed = 1'); document.body.click()")
    assert page.eval("window.obeyed === undefined")
    assert len(page.complaints) == 2
    assert all("Content Security Policy" in told for told in page.complaints)


def test_filters_leave_what_was_asked_for(page: Browser, folder: Path) -> None:
    page.open(folder / "cases.html")
    every = page.eval(f"{VISIBLE}.length")
    assert page.eval("document.querySelector('form').hidden") is False
    choose(page, "verdict", "fail")
    failed = page.eval(f"{VISIBLE}.length")
    assert 0 < failed < every
    assert page.eval(f"{VISIBLE}.every(e => e.querySelector('.mark.fail'))")
    assert page.eval("document.querySelector('output').value") == f"{failed} of {every} rows"
    choose(page, "target", "2")
    assert page.eval(f"{VISIBLE}.length") == 0
    choose(page, "verdict", "pass")
    assert page.eval(f"{VISIBLE}.length") == 1
    heads = "[...document.querySelectorAll('th.target')].filter(e => e.checkVisibility())"
    assert page.eval(f"{heads}.map(e => e.textContent)") == ["another"]
    choose(page, "target", "")
    choose(page, "verdict", "")
    choose(page, "section", "RFC 9293 3.6.1")
    assert page.eval(f"{VISIBLE}.length") == every - 1  # all but the hostile one
    choose(page, "section", "")
    choose(page, "text", "N1")
    assert page.eval(f"{VISIBLE}.length") == 1
    choose(page, "text", "")
    choose(page, "level", "MAY")
    assert page.eval(f"{VISIBLE}.length") == 0
    choose(page, "level", "")
    assert page.eval(f"{VISIBLE}.length") == every
    assert page.complaints == []


def test_the_front_page_is_filtered_by_each_of_the_five(page: Browser, folder: Path) -> None:
    page.open(folder / "index.html")
    every = page.eval(f"{VISIBLE}.length")
    names = "[...document.querySelectorAll('[data-filter]')].map(e => e.dataset.filter)"
    assert page.eval(names) == ["text", "verdict", "section", "level", "target"]
    for name, value in (
        ("text", "another segment came"),
        ("verdict", "fail"),
        ("section", "RFC 9293 3.6.1"),
        ("level", "MUST"),
        ("target", "2"),
    ):
        choose(page, name, value)
        assert 0 < page.eval(f"{VISIBLE}.length") < every, name
        choose(page, name, "")
        assert page.eval(f"{VISIBLE}.length") == every, name
    choose(page, "target", "2")
    choose(page, "verdict", "fail")  # each is there, and never both in one row
    assert page.eval(f"{VISIBLE}.length") == 0


def test_without_a_script_everything_is_shown(page: Browser, folder: Path) -> None:
    page.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        page.open(folder / "index.html")
    finally:
        page.call("Emulation.setScriptExecutionDisabled", value=False)
    assert page.eval("document.querySelector('form').checkVisibility()") is False
    assert page.eval(f"{VISIBLE}.length === document.querySelectorAll('[data-row]').length")


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
def test_no_page_is_wider_than_the_screen(
    width: int, scheme: str, page: Browser, folder: Path
) -> None:
    page.looks(width=width, scheme=scheme)
    for path in some(folder):
        page.open(path)
        assert page.eval("document.documentElement.scrollWidth") <= width, path
        back, ink = page.eval("[getComputedStyle(document.body).backgroundColor,"
                              " getComputedStyle(document.body).color]")  # fmt: skip
        assert (brightness(back) < brightness(ink)) is (scheme == "dark")


def test_no_name_is_torn_into_letters_on_a_small_screen(page: Browser, folder: Path) -> None:
    page.looks(width=360)
    for path in some(folder):
        page.open(path)
        torn = page.eval("[...document.querySelectorAll('tbody th a')].filter(e => "
                         "e.getClientRects().length > 2 && e.getBoundingClientRect().width < 20)"
                         ".map(e => e.textContent)")  # fmt: skip
        assert torn == [], path


def brightness(colour: str) -> int:
    return sum(int(part) for part in colour.removeprefix("rgb(").rstrip(")").split(","))


def test_keys_reach_the_content_and_what_moves_in_itself(page: Browser, folder: Path) -> None:
    page.open(folder / "index.html")
    page.key("Tab")
    assert page.eval("document.activeElement.textContent") == "to the content"
    seen = set()
    for _ in range(40):
        page.key("Tab")
        seen.add(page.eval("document.activeElement.localName"))
    assert {"a", "input", "select", "summary"} <= seen
    assert page.eval("[...document.querySelectorAll('.wide')].every(e => e.tabIndex === 0)")


@pytest.mark.long
def test_every_mark_can_be_read_in_both_lights(page: Browser, folder: Path) -> None:
    for scheme in ("light", "dark"):
        page.looks(width=1280, scheme=scheme)
        page.open(folder / "index.html")
        for pair in page.eval("[...document.querySelectorAll('.legend .mark, .dim, nav a, td')]"
                              ".map(e => { let b = e; while (b && getComputedStyle(b)"
                              ".backgroundColor === 'rgba(0, 0, 0, 0)') b = b.parentElement;"
                              " return [getComputedStyle(e).color,"
                              " getComputedStyle(b).backgroundColor]; })"):  # fmt: skip
            assert contrast(*pair) >= 4.5, (scheme, pair)


def contrast(one: str, other: str) -> float:
    """WCAG 2.1: the ratio of two luminances."""
    bright, dim = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def luminance(colour: str) -> float:
    parts = [int(part) / 255 for part in colour.removeprefix("rgb(").rstrip(")").split(",")]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

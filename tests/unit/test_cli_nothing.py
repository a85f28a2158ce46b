"""Commands that have nothing to do, or judged nothing: they say so, and are no success."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_cli import PASSES, Out, cases, out  # noqa: F401 - fixtures


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--requirement", "rfc5961"], "no case here verifies --requirement rfc5961"),
        (["--requirement", "rfc9293/MUST-50"], "no case here verifies --requirement rfc9293/MUST"),
        (["--level", "MAY"], "no case here verifies a requirement of --level MAY"),
        (["--level", "most"], "'most' is no level; levels are MUST, SHOULD, MAY, event, text"),
        (["-k", "nowhere"], "nothing to play: -k is true of no id"),
        (["-k", "ipv4", "--ip", "6"], "nothing to play: -k is true of no id"),
    ],
)
@pytest.mark.parametrize("command", ["run", "list"])
def test_what_selects_nothing_says_so(
    out: Out,  # noqa: F811
    cases: Path,  # noqa: F811
    command: str,
    words: list[str],
    told: str,
) -> None:
    assert out.reference(command, "cases", *words) == 2
    assert told in out.errors
    assert not out.text


def test_a_run_that_skipped_everything_is_no_success(out: Out, cases: Path) -> None:  # noqa: F811
    needy = PASSES.replace("\nsteps", "\ntarget: {options: {rfc1337: on}}\n\nsteps", 1)
    (cases / "needy.yaml").write_text(needy, encoding="utf-8")
    assert out.reference("run", "cases/needy.yaml") == 2
    assert "2 skipped" in out.text
    assert "nothing was judged: every case was skipped" in out.errors
    assert out.reference("run", "cases/needy.yaml", "cases/passes.yaml") == 0
    assert "nothing was judged" not in out.errors


def test_a_directory_without_a_case_is_checked_in_vain(out: Out, tmp_path: Path) -> None:  # noqa: F811
    assert out("check", str(tmp_path)) == 2
    assert out.errors == "conformance: nothing to check: there is no case here\n"

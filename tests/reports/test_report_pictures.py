"""The README's pictures are what the product draws of the reference today.

Made again by these two, in the root of a checkout:

    conformance run --target reference --ip 4 --slow --record run.jsonl
    conformance report run.jsonl --svg .github/pictures --ladder \
        'rfc9293/3.6-close/closing-lost-ack::reference-ipv4[from=close]'

or sooner by ``WRITE_GOLDEN=1 pytest tests/reports/test_report_pictures.py``.
"""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
import report_samples as samples
import site_pages

from conformance.case.load import load
from conformance.case.model import Case
from conformance.cli import main
from conformance.report.site.model import Site
from conformance.report.site.pictures import ladder_of, matrix
from conformance.report.site.telling import told
from conformance.targets.base import Job
from conformance.targets.kinds.reference import Reference

PICTURES = Path(".github/pictures")
LADDER = "rfc9293/3.6-close/closing-lost-ack::reference-ipv4[from=close]"


@cache
def events() -> Site:
    """The reference's plays of a case for each row of RFC 9293 section 3.10."""
    texts = {path: path.read_text("utf-8") for path in Path("cases").rglob("*.yaml")}
    found, faults = load(sorted(path for path, text in texts.items() if "/EV-" in text))[:2]
    assert not faults
    chosen: dict[str, Case] = {}
    for case in found:
        for id in case.all_verifies:
            if "/EV-" in id:
                chosen.setdefault(id, case)
    made = Site()
    for case in {case.id: case for case in chosen.values()}.values():
        made.put(told(Reference().play(Job(case))))
    return made


def committed(name: str, text: str) -> None:
    """Hold a picture to the one in the README, or with WRITE_GOLDEN=1 write it anew."""
    file = PICTURES / name
    if os.environ.get("WRITE_GOLDEN"):
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text("utf-8")


@pytest.mark.long
def test_the_matrix_is_the_committed_one() -> None:
    committed("matrix.svg", matrix(events()))


def test_the_ladder_is_the_committed_one(tmp_path: Path) -> None:
    record, out = str(tmp_path / "run.jsonl"), tmp_path / "pictures"
    case = "cases/rfc9293/3.6-close/closing-lost-ack.yaml"
    assert main(["run", "--target=reference", "--ip=4", "--slow", "--record", record, case]) == 0
    assert main(["report", record, "--svg", str(out), "--ladder", LADDER]) == 0
    committed("ladder.svg", (out / "ladder.svg").read_text("utf-8"))
    assert (out / "matrix.svg").exists()


def test_a_cell_has_the_gravest_verdict_of_its_cases() -> None:
    """The reference passes everything, so the picture above would not show another order."""
    good, bad, odd = samples.passed(), samples.wrong_segment(), samples.deviates()
    event = ("rfc9293/EV-ESTABLISHED-CLOSE",)
    for number, record in enumerate((good, bad, odd)):
        record.case = replace(record.case, id=f"x/{number}", verifies=event)
    for records, gravest in (([good, bad, odd], "fail"), ([good, odd], "deviates")):
        root = ET.fromstring(matrix(site_pages.collected(records)))
        cells = [one.attrib["class"] for one in root.iter() if one.tag.endswith("}rect")]
        assert cells.count(f"part {gravest}") == 1
        assert cells.count("part hole") == len(cells) - 2  # all but it and the page


def test_a_picture_is_xml_with_its_own_style_and_no_text_of_others_in_it_is_more() -> None:
    nasty = site_pages.renamed(samples.wrong_segment(), "</style><script>x</script>]]>&\x00")
    made = site_pages.collected([nasty])
    (play,) = made.plays()
    for picture in (matrix(made), ladder_of(play)):
        root = ET.fromstring(picture)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert {child.tag.partition("}")[2] for child in root.iter()} <= {
            "svg", "style", "rect", "text", "line", "path",
        }  # fmt: skip
        assert "prefers-color-scheme: dark" in picture


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ([], "without --html DIR, --svg DIR, --junit-xml FILE, "),
        (["--svg=out", "--ladder=x"], "--ladder x: no play of these runs has this id"),
        (["--svg=run.jsonl"], "cannot be written"),
    ],
)
def test_what_cannot_be_drawn_is_a_sentence(
    options: list[str],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    case = str(Path("cases/smoke").resolve())
    monkeypatch.chdir(tmp_path)
    assert main(["run", "--target=reference", "--ip=4", "--record=run.jsonl", case]) == 0
    capsys.readouterr()
    assert main(["report", "run.jsonl", *options]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1

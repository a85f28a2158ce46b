"""scapy comes without its makers, and nobody misses them: each import in its own process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

IMPORT = """
import sys
from conformance.live.frames.scapy_core import without_makers
with without_makers():
    from scapy.utils import checksum
data = sys.modules["scapy.data"]
"""
OUR_OWN = IMPORT + "print('MANUFDB' in vars(data), end=' ')\n"
LATER = """
from scapy.config import conf
print(len(conf.manufdb), conf.manufdb._get_manuf("00:00:0c:00:00:00"))
"""
AGAIN = "with without_makers():\n    pass\nprint('MANUFDB' in vars(data))\n"
REWRITTEN = """
import pickle, sys
import scapy.data
with open(sys.argv[1], "rb") as file:
    table = pickle.load(file)
with open(sys.argv[1], "wb") as file:
    pickle.dump({"id": table["id"], "content": table["content"]}, file)
"""
OTHERS = "print(len(data.IP_PROTOS), len(data.TCP_SERVICES), len(data.ETHER_TYPES))"


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """scapy's tables, as its first import leaves them."""
    said(tmp_path, "import scapy.data")
    return tmp_path / "scapy" / "manufdb.pickle"


def said(folder: Path, code: str, *words: str) -> str:
    surroundings = {**os.environ, "XDG_CACHE_HOME": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        capture_output=True,
        text=True,
        env=surroundings,
        check=True,
    )
    assert not done.stderr
    return done.stdout.strip()


def test_they_are_read_when_somebody_asks(cache: Path) -> None:
    before = cache.read_bytes()
    plain = said(cache.parents[1], LATER)
    assert "Cisco" in plain
    assert said(cache.parents[1], OUR_OWN + LATER) == f"False {plain}"
    assert cache.read_bytes() == before


def test_the_other_tables_are_all_there(cache: Path) -> None:
    plain = said(cache.parents[1], "import scapy.data as data\n" + OTHERS)
    assert said(cache.parents[1], OUR_OWN + OTHERS) == f"False {plain}"


def test_a_name_that_scapy_has_not_is_an_error_as_ever(cache: Path) -> None:
    assert said(cache.parents[1], IMPORT + "print(hasattr(data, 'NOSUCH'))") == "False"


def test_a_first_import_reads_and_keeps_them(tmp_path: Path) -> None:
    plain = said(tmp_path / "other", LATER)
    assert said(tmp_path, OUR_OWN + LATER) == f"True {plain}"
    assert said(tmp_path, OUR_OWN) == "False"


@pytest.mark.parametrize("left", [0, 1, 1000])
def test_a_table_that_was_cut_is_read_again(cache: Path, left: int) -> None:
    plain = said(cache.parents[1], LATER)
    cache.write_bytes(cache.read_bytes()[:left])
    assert said(cache.parents[1], OUR_OWN + LATER) == f"True {plain}"


def test_what_was_imported_before_stays_as_it_is(cache: Path) -> None:
    assert said(cache.parents[1], "import scapy.data\n" + OUR_OWN) == "True"
    assert said(cache.parents[1], OUR_OWN + AGAIN) == "False False"


def test_a_table_in_another_form_is_left_to_scapy(cache: Path) -> None:
    said(cache.parents[1], REWRITTEN, str(cache))
    before = cache.read_bytes()
    assert said(cache.parents[1], OUR_OWN) == "True"
    assert cache.read_bytes() == before

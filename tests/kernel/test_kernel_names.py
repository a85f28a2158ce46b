"""What a kernel may be called: nothing that would leave the cache or could not be asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.cli import main
from conformance.errors import CaseError
from conformance.kernel import source, store

BAD = ["/etc", "a/b", ".", "..", ".x", "host", "6.12,6.1", "-x", "", "a b", "a\n", "é"]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/tcp-conformance/kernels"


@pytest.mark.parametrize("name", BAD)
def test_a_name_that_cannot_be_is_refused_before_anything_starts(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(source.Source, "of", lambda _: pytest.fail("something has started"))
    assert main(["kernel", "build", "6.12", f"--name={name}", "--if-needed"]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"conformance: no kernel can be called {name!r}: a name is letters, ")
    assert said.count("\n") == 1


@pytest.mark.parametrize("name", BAD)
def test_the_store_puts_nothing_outside_itself(name: str, tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    ready.mkdir()
    with pytest.raises(CaseError, match="no kernel can be called"):
        store.put(ready, name)
    assert ready.exists()


@pytest.mark.parametrize("name", ["6.12.117", "mine", "6.19-rc1+", "net_next-2"])
def test_other_names_are_as_good_as_a_release(name: str) -> None:
    store.check_name(name)

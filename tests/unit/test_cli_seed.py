"""What is said of a seed that cannot be heeded."""

from __future__ import annotations

import pytest

from conformance.cli import main

NOTE = "host is the running kernel, which takes no seed: its records differ each time\n"


@pytest.mark.parametrize(
    ("words", "noted"),
    [
        (["--kernel", "host", "--seed", "0"], True),
        (["--kernel", "host"], False),
        (["--target", "reference", "--seed", "1"], False),
    ],
)
def test_the_running_kernel_takes_no_seed(
    words: list[str],
    noted: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("conformance.commands.run.run", lambda _: 0)
    assert main(["run", *words]) == 0
    assert capsys.readouterr().err == (NOTE if noted else "")

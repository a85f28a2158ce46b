"""What a file costs grows with the file: nobody guesses more often than faults are told."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance.case.faults import MOST_FAULTS
from conformance.case.load import load
from conformance.notation import scanner
from conformance.targets.names import vocabulary

HEAD = "title: T\ngiven: established\n"
STEPS = "steps:\n  - expect: ACK\n"
MANY = 1500


def many(text: str, between: str = ", ", count: int = MANY) -> str:
    """The text so often, with its number in the place of @."""
    return between.join(text.replace("@", str(i)) for i in range(count))


FILES = {
    "requirements": f"{HEAD}verifies: [{many('rfc9293/MUXT-@')}]\n{STEPS}",
    "watch rules": f"{HEAD}unwatched: [{many('checksumm@')}]\n{STEPS}",
    "abilities": f"{HEAD}target: {{needs: [{many('CALLX@')}]}}\n{STEPS}",
    "keys of target": f"{HEAD}target: {{{many('need@: x')}}}\n{STEPS}",
    "options": f"{HEAD}target: {{options: {{{many('timestampz@: x')}}}}}\n{STEPS}",
    "sysctls": f"{HEAD}target: {{sysctl: {{{many('net.ipv4.tcp_sackk@: 1')}}}}}\n{STEPS}",
    "keys": HEAD + STEPS + many("titel@: x", "\n") + "\n",
    "siblings": HEAD + STEPS + many("    withinn@: 1s", "\n") + "\n",
    "verbs": f"{HEAD}steps:\n{many('  - exxpect@: ACK', chr(10))}\n",
    "calls": f"{HEAD}steps:\n{many('  - call: clozze@(c)', chr(10))}\n",
    "fragments": f"{HEAD}steps:\n{many('  - include: establishedd@', chr(10))}\n",
    "states": f"{HEAD}steps:\n  - state: CLOSED\n    via: [{many('CLOSSED@')}]\n",
    "settings": f"{HEAD}steps:\n  - set: {{{many('timestampz@: x')}}}\n",
    "keys of a segment": f"{HEAD}steps:\n  - send: {{{many('flagz@: x')}}}\n",
    "keys of an ICMP error": f"{HEAD}steps:\n  - icmp: {{{many('quote@: x')}}}\n",
    "flags of one line": f"{HEAD}steps:\n  - expect: {many('ACKK@', ',')}\n",
    "flags in a mapping": f"{HEAD}steps:\n  - send:\n      flags: {many('ACKK@', ',')}\n",
    "labels of one line": f"{HEAD}steps:\n  - expect: ACK seq={many('lab@.seq', '+', 1300)}\n",
    "keys of a deviation": f"{HEAD}{STEPS}deviations: {{linux: [{{{many('stepp@: x')}}}]}}\n",
    "the same in each combination": (
        f"{HEAD}parameters: {{{many('p@: [a, b]', count=8)}}}\n"
        f"verifies: [{many('rfc9293/MUSD-@', count=60)}]\n{STEPS}"
        f"about: {many('$p@', ' ', 8)}\n"
    ),
}


@pytest.fixture
def guesses(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Every word for which the closest of the known ones was looked for."""
    found: list[str] = []
    closest = difflib.get_close_matches

    def counted(word: str, *rest: Any, **more: Any) -> list[str]:
        found.append(word)
        return closest(word, *rest, **more)

    monkeypatch.setattr(difflib, "get_close_matches", counted)
    scanner._suggested.cache_clear()
    yield found
    scanner._suggested.cache_clear()


@pytest.mark.parametrize("name", FILES)
def test_a_thousand_mistakes_cost_as_many_guesses_as_are_told(
    name: str, tmp_path: Path, guesses: list[str]
) -> None:
    path = tmp_path / "case.yaml"
    path.write_text(FILES[name])
    (tmp_path / "fragments").mkdir()
    fragment = "title: F\nsteps:\n  - expect: ACK\n"
    (tmp_path / "fragments/established.yaml").write_text(fragment)
    _, faults = load([path], None, vocabulary())
    assert faults
    assert len(guesses) <= len(faults) + 10
    assert len(faults) <= MOST_FAULTS


def test_a_word_of_thousands_is_not_guessed_at(guesses: list[str]) -> None:
    assert scanner.suggest("x" * 5000, ("y", *map(str, range(20)))) == ""
    assert not guesses

"""Good texts made bad, with a seed: octets, lines, tokens of JSON, and what they mean."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from typing import Any, Final

# What a stranger may put in the place of any value.
VALUES: Final[tuple[Any, ...]] = (
    None, True, False, 0, -1, 1, 4, 6, 2**31, 2**32, 2**63, -(2**64), 10**30, 0.0, -0.5, 1e308, "",
    "x", "RST", "LISTEN", "CLOSED", "pass", "fail", "ECONNRESET", "0", "zz", "\ud800", "\x00",
    "\x1b[31mPWN", "\u202etxt", "a\nb", "/", "../..", "\u2028", "a" * 3000, [], {}, [[]], [0],
    ["x"], {"x": 1}, [["mss", 70000]], [["nop"]], {"sport": 1},
)  # fmt: skip
TOKENS: Final = (
    "NaN", "Infinity", "-Infinity", "1e999", "9" * 5000, "1.5", "true", "null", "[", "]", "{", "}",
    '"', ",", ":", "\\", "[" * 60_000, '{"a":' * 30_000, "\\ud800", '"\\u0000"', "-", "0x10",
)  # fmt: skip
_JSON: Final = re.compile(r'"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?|[\[\]{},:]|true|false|null')


def octets(dice: random.Random, text: bytes) -> bytes:
    """One to four octets are another, are gone, or are new."""
    found = bytearray(text)
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(found))
        match dice.randrange(4):
            case 0:
                found[at] = dice.randrange(256)
            case 1:
                del found[at : at + dice.choice((1, 1, 7, 400))]
            case 2:
                found[at:at] = bytes([dice.choice((0, 9, 10, 13, 27, 34, 92, 0x80, 0xC3, 0xFF))])
            case _:
                found[at] ^= 1 << dice.randrange(8)
        found = found or bytearray(b"x")
    return bytes(found)


def cut(dice: random.Random, text: bytes) -> bytes:
    """It ends, or begins, anywhere."""
    at = dice.randrange(len(text))
    return text[:at] if dice.random() < 0.7 else text[at:]


def lines(dice: random.Random, text: bytes) -> bytes:
    """Lines are lost, doubled, moved."""
    found = text.splitlines(keepends=True)
    for _ in range(dice.randint(1, 3)):
        at, other = dice.randrange(len(found)), dice.randrange(len(found))
        match dice.randrange(4):
            case 0 if len(found) > 1:
                del found[at]
            case 1:
                found.insert(other, found[at])
            case 2:
                found[at], found[other] = found[other], found[at]
            case _:
                found.insert(at, dice.choice((b"\n", b"{}\n", b"[]\n", b"1\n", b'{"type":"x"}\n')))
    return b"".join(found)


def tokens(dice: random.Random, text: bytes) -> bytes:
    """One token of JSON is another."""
    read = text.decode()
    found = list(_JSON.finditer(read))
    token = dice.choice(found)
    return f"{read[: token.start()]}{dice.choice(TOKENS)}{read[token.end() :]}".encode()


def values(dice: random.Random, text: bytes) -> bytes:
    """One to three values are others, are gone, or stand elsewhere."""
    rows = [json.loads(line) for line in text.splitlines()]
    for _ in range(dice.randint(1, 3)):
        _one_value(dice, dice.choice(rows))
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def _one_value(dice: random.Random, place: Any) -> None:
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            return
        key = dice.choice(keys)
        inner = place[key]
        if isinstance(inner, (dict, list)) and inner and dice.random() < 0.8:
            place = inner
            continue
        if dice.random() < 0.15:
            del place[key]
        elif (
            isinstance(inner, (int, float)) and not isinstance(inner, bool) and dice.random() < 0.6
        ):
            place[key] = dice.choice((inner + 1, inner - 1, inner * 2, -inner, 0, inner + 2**32))
        else:
            place[key] = dice.choice(VALUES)
        return


def meaning(dice: random.Random, text: bytes) -> bytes:
    """Events are of another kind, of another action, at another time; the case is another."""
    rows = [json.loads(line) for line in text.splitlines()]
    events = [row for row in rows if row["type"] not in ("case", "verdict")] or rows
    row, other = dice.choice(events), dice.choice(events)
    match dice.randrange(6):
        case 0:
            row["type"] = other["type"]
        case 1:
            row["number"] = dice.choice((0, 1, 2, 3, 99, -1, other.get("number", 5)))
        case 2:
            row["now"] = row["at"] = dice.choice((0.0, -1e9, 1e17, other.get("at", 1.0)))
        case 3:
            sources = rows[0]["sources"]
            path = dice.choice(list(sources))
            sources[path] = case_text(dice, sources[path].encode()).decode(errors="replace")
        case 4:
            rows[0]["profile"]["abilities"] = dice.choice(([], ["CALLS"], ["STATE", "PATH"]))
        case _:
            sources = rows[0]["sources"]
            del sources[dice.choice(list(sources))]
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


RECORDS: Final[tuple[Callable[[random.Random, bytes], bytes], ...]] = (
    octets, cut, lines, tokens, values, values, meaning, meaning,
)  # fmt: skip

# ---- cases ---------------------------------------------------------------------------------------

WORDS: Final = (
    "ESTABLISHED", "FIN,ACK", "seq=1", "ack=*", "len=70000", "<mss 1>", "SND.NXT+1", "$x", "$",
    "&a", "*a", "!!int 1", "<<: *a", "- ", "? ", "|", ">-", "'", '"', "{", "}", "[", "]", ": ",
    " #", "%", "@", "`", "0x", "1.5s", "9" * 30, "close(c)", "recv(c, 1) = ",
    "data=\"\\ud800\"", '"\\ud800"',
    '"\\x1b]0;x\\a"', '"\\u202e"', '"\\0"', "\u202e", "\x85", "\ufeff", "\ufffe", "\x00", "\t",
    "\r", "\u2028", "---\n", "...\n", "\n", "  ", "given: established", "either: []", "steps: []",
    "include: established", "parameters: {x: [1, 2]}", "for: 2MSL", "within: ..", "~", "null", "é",
)  # fmt: skip


def case_text(dice: random.Random, text: bytes) -> bytes:
    """A case file with something else in it."""
    for _ in range(dice.randint(1, 3)):
        text = dice.choice(CASES)(dice, text) or b"x"
    return text


def _word(dice: random.Random, text: bytes) -> bytes:
    read = text.decode(errors="replace")
    place = dice.choice([*re.finditer(r"\S+", read)] or [*re.finditer(r"\A", read)])
    end = place.end() if dice.random() < 0.6 else place.start()
    new = dice.choice(WORDS).encode(errors="surrogatepass")
    return read[: place.start()].encode() + new + read[end:].encode()


def _indented(dice: random.Random, text: bytes) -> bytes:
    found = text.split(b"\n")
    at = dice.randrange(len(found))
    found[at] = dice.choice((b" ", b"  ", b"\t", b"    ")) + found[at]
    return b"\n".join(found)


CASES: Final[tuple[Callable[[random.Random, bytes], bytes], ...]] = (
    _word, _word, _word, _indented, lines, octets, cut,
)  # fmt: skip

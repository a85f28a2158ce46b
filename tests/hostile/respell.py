"""A case file spelled otherwise, with a seed: the same tree in other YAML."""

from __future__ import annotations

import json
import random
import re
from typing import Final

from conformance.case.nodes import Mapping, Node, Scalar

_SAFE: Final = re.compile(r"[A-Za-z$][A-Za-z0-9_$./()*+ -]*[A-Za-z0-9)*]")
_PRINTABLE: Final = re.compile(r"[\x20-\x7e\xa0-\ud7ff]*")


class Respeller:
    """Writes trees; every choice is the dice's."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._out: list[str] = []

    def text(self, root: Mapping) -> str:
        """The whole file."""
        self._out = []
        if self._chance(0.2):
            self._out.append(self._dice.choice(("--- # begins", "---", "%YAML 1.1\n---")))
        if self._chance(0.05):
            self._out.append(self._flow(root))
        else:
            self._mapping(root, 0, "")
        if self._chance(0.2):
            self._out.append(self._dice.choice(("...", "# the end", "", "\n\n# end\n")))
        text = "\n".join(self._out)
        ended = self._chance(0.2) or text.endswith("+\n")
        text = text.rstrip("\n") if ended and not self._kept() else text + "\n"
        return text.replace("\n", "\r\n") if self._chance(0.15) else text

    def _kept(self) -> bool:
        return bool(self._out) and not self._out[-1].strip()

    def _chance(self, share: float) -> bool:
        return self._dice.random() < share

    def _noise(self, indent: int) -> None:
        """A comment or a blank line between two things."""
        # Blanks alone would go on with a text in a block, and so would a line after |+.
        if self._chance(0.08) and self._out[-1:] != [""]:
            self._out.append(self._dice.choice(("", " " * indent + "# a remark: - x")))

    def _behind(self) -> str:
        return self._dice.choice(("", "", "", "", "  ", " # why", "   #why"))

    def _mapping(self, node: Mapping, indent: int, first: str) -> None:
        for number, (key, value) in enumerate(node.entries):
            begin = first if number == 0 and first else " " * indent
            if not (number == 0 and first):
                self._noise(indent)
            self._value(begin + self._key(key) + ":", value, indent)

    def _key(self, key: Scalar) -> str:
        if _SAFE.fullmatch(key.text) and not self._chance(0.1):
            return key.text
        return json.dumps(key.text) if self._chance(0.5) else self._single(key.text)

    def _value(self, begin: str, node: Node, indent: int) -> None:
        """A key or a dash, and what stands behind or below it."""
        deeper = indent + self._dice.choice((1, 2, 2, 2, 4))
        if isinstance(node, Scalar):
            self._scalar(begin + " " * self._dice.choice((1, 1, 1, 2, 5)), node, deeper)
        elif self._chance(0.12) or not (node.entries if isinstance(node, Mapping) else node.items):
            self._out.append(f"{begin} {self._flow(node)}{self._behind()}")
        elif isinstance(node, Mapping):
            self._out.append(begin + self._behind())
            self._mapping(node, deeper, "")
        else:
            self._out.append(begin + self._behind())
            # A list in a mapping may stand under its key; in a list it may not.
            self._items(node.items, deeper if begin.rstrip().endswith("-") else
                        self._dice.choice((indent, deeper)))  # fmt: skip

    def _items(self, items: tuple[Node, ...], indent: int) -> None:
        for item in items:
            self._noise(indent)
            if isinstance(item, Mapping) and item.entries and not self._chance(0.15):
                blanks = self._dice.choice((1, 1, 1, 2, 3))
                self._mapping(item, indent + 1 + blanks, " " * indent + "-" + " " * blanks)
            else:
                self._value(" " * indent + "-", item, indent)

    # Scalars

    def _scalar(self, begin: str, node: Scalar, indent: int) -> None:
        text, style = node.text, self._dice.choice("pppsdlfmq")
        if style in "lf" and self._can_be_block(text):
            self._block(begin, text, indent, folded=style == "f" and "\n" not in text.rstrip("\n"))
        elif style == "m" and _SAFE.fullmatch(text) and " " in text and "  " not in text:
            self._tall(begin, text, indent, "")
        elif style == "q" and " " in text and "\n" not in text and "  " not in text:
            self._tall(begin, json.dumps(text, ensure_ascii=False), indent, "\\")
        else:
            self._out.append(begin + self._short(text, style) + self._behind())

    def _short(self, text: str, style: str) -> str:
        if style == "p" and _SAFE.fullmatch(text):
            return text
        if style == "s" and "\n" not in text and _PRINTABLE.fullmatch(text):
            return self._single(text)
        return json.dumps(text, ensure_ascii=self._chance(0.5))

    def _single(self, text: str) -> str:
        return "'" + text.replace("'", "''") + "'"

    def _can_be_block(self, text: str) -> bool:
        lines = text.split("\n")
        return bool(text.strip()) and _PRINTABLE.fullmatch(text.replace("\n", "")) is not None and (
            not lines[0].startswith(" ") and bool(lines[0]) and "\t" not in text
            and all(line.strip() or not line for line in lines)
        )  # fmt: skip

    def _block(self, begin: str, text: str, indent: int, *, folded: bool) -> None:
        ends = len(text) - len(text.rstrip("\n"))
        chomp = {0: "-", 1: ""}.get(ends, "+")
        lines = text.rstrip("\n").split("\n")
        if folded and "  " not in text and not text.rstrip("\n").endswith(" "):
            lines = self._torn(lines[0])
        elif folded:
            folded = False
        self._out.append(f"{begin}{'>' if folded else '|'}{chomp}{self._behind()}")
        self._out += [" " * indent + line if line else "" for line in lines]
        self._out += [""] * (ends - 1)

    def _torn(self, text: str) -> list[str]:
        """A line as several, at its blanks; none of them begins as a comment would."""
        lines = [""]
        for word in text.split(" "):
            if lines[-1] and self._chance(0.2) and not word.startswith("#"):
                lines.append(word)
            else:
                lines[-1] += f" {word}" if lines[-1] else word
        return lines

    def _tall(self, begin: str, text: str, indent: int, mark: str) -> None:
        """A plain or a quoted text over several lines."""
        first, *rest = self._torn(text)
        self._out.append(begin + first + (" " if rest and self._chance(0.3) else ""))
        for line in rest:
            blanks = indent + self._dice.choice((0, 0, 1, 3))
            self._out.append(" " * blanks + line + self._dice.choice(("", "", " ")))

    # Flow

    def _flow(self, node: Node) -> str:
        if isinstance(node, Scalar):
            plain = _SAFE.fullmatch(node.text) and self._chance(0.5)
            return node.text if plain else json.dumps(node.text, ensure_ascii=self._chance(0.5))
        blank = self._dice.choice(("", " "))
        if isinstance(node, Mapping):
            parts = [f"{self._flow(key)}: {self._flow(value)}" for key, value in node.entries]
            return "{" + blank + f",{blank or ' '}".join(parts) + blank + "}"
        return "[" + blank + f",{blank or ' '}".join(map(self._flow, node.items)) + blank + "]"

"""What the capture of a case is called: no two cases of a run have one name.

An id is spelt so that it can be read and told back: ``/`` is ``+``, ``::`` is ``@``, what no file
system may be trusted with is ``%`` and its octets in hexadecimal. A name that would be too long
ends with a digest in place of the rest; so does that of a second case of one id, from elsewhere.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from conformance.play.record import Record

SUFFIX: Final = ".pcapng"
_LONGEST: Final = 255 - len(SUFFIX)  # octets
_MARK, _DIGITS = "~", 16
_SPELT: Final = {"::": "@", "/": "+"}
_TO_SPELL: Final = re.compile(r"""::|[/@+%~<>:"\\|?*]|[^ -~]""")


class Captures:
    """The captures of one run, in one directory."""

    def __init__(self, folder: Path) -> None:
        self.folder: Final = folder
        self._cases: dict[str, str] = {}  # names that are taken, by the path of whose case

    def path(self, record: Record) -> Path:
        """Where the capture of a case is; the same each time it is asked for."""
        name, case = file_name(record.id), record.case.path
        if self._cases.setdefault(name, case) != case:
            name = _shortened(name, f"{case}\0{record.id}")
        return self.folder / (name + SUFFIX)


def file_name(id: str) -> str:
    """An id as the name of a file; another id has another name."""
    name = _TO_SPELL.sub(lambda found: _spelt(found[0]), id)
    return name if len(name.encode()) <= _LONGEST else _shortened(name, id)


def _spelt(text: str) -> str:
    if text in _SPELT:
        return _SPELT[text]
    if text.isalnum():  # of any script
        return text
    return "".join(f"%{octet:02X}" for octet in text.encode("utf-8", "surrogatepass"))


def _shortened(name: str, whole: str) -> str:
    from hashlib import sha256  # OpenSSL: for long names alone

    digest = sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]
    kept = name.encode()[: _LONGEST - _DIGITS - len(_MARK)].decode(errors="ignore")
    return f"{kept}{_MARK}{digest}"

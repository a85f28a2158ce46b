"""The socket calls a case may make, as a table: their arguments, and what may come back.

The decoder checks a case against it, and ``arguments`` turns a call into what the agent on the
target is told: a socket's name (or none) and plain JSON values. A stack's author who writes an
agent of their own reads this table.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Final

from conformance.case import messages
from conformance.case.call_rows import Argument, CallSignature, Gives, Takes, signature
from conformance.case.call_words import (
    ADDRESSES,
    ERRNOS,
    MESSAGE_FLAGS,
    NEW_FLAGS,
    PORTS,
    RECV_FLAGS,
    SEND_FLAGS,
    SOCKET_OPTIONS,
    no_errno,
    unknown,
)
from conformance.case.messages import STAMPS
from conformance.notation.bits import EVENTS, ORIGINS, SIGNALS, parts
from conformance.notation.call import CallText, Count, Errno, Placeholder, Received, Result, Word
from conformance.notation.scanner import suggest
from conformance.tcp.states import State

_SOCKET: Final = Argument("socket", Takes.SOCKET, required=True)
_OPTIONAL: Final = Argument("socket", Takes.SOCKET)
_NAME: Final = Argument("name", Takes.WORD, required=True, words=SOCKET_OPTIONS)

_WAITS: Final = Argument("flag", Takes.WORDS, words=("DONTWAIT",))

CALLS: Final = (
    CallSignature(
        "socket",
        "a socket, neither bound nor connected; DUAL: it takes both IP versions",
        (Argument("flag", Takes.WORDS, words=("DUAL",)),),
        gives=Gives.SOCKET,
    ),
    CallSignature(
        "bind",
        "gives a socket its local port, and address",
        (_SOCKET,),
        {"port": Takes.PORT, "address": Takes.WORD},
    ),
    CallSignature(
        "listen",
        "a listening socket, or this one listens",
        (_OPTIONAL,),
        {"port": Takes.PORT, "backlog": Takes.INT},
        Gives.SOCKET,
    ),
    CallSignature(
        "accept",
        "the next connection of a listener",
        (_SOCKET, Argument("flag", Takes.WORDS, words=("DONTWAIT", "BLOCK"))),
        gives=Gives.SOCKET,
    ),
    CallSignature(
        "connect",
        "an active open to the tester, or to an address that no connection can have",
        (_OPTIONAL, _WAITS),
        {"port": Takes.PORT, "local_port": Takes.PORT, "address": Takes.WORD},
        Gives.SOCKET,
    ),
    CallSignature(
        "send",
        "so many octets of the stream, or this text",
        (
            _SOCKET,
            Argument("data", Takes.COUNT_OR_TEXT, required=True),
            Argument("flag", Takes.WORDS, words=SEND_FLAGS),
        ),
    ),
    CallSignature(
        "recv",
        "exactly so many octets unless EOF or an error comes first; whatever is there without a "
        "number; everything until EOF with ALL alone",
        (
            _SOCKET,
            Argument("count", Takes.INT),
            Argument("flag", Takes.WORDS, words=RECV_FLAGS),
        ),
        gives=Gives.OCTETS,
    ),
    CallSignature(
        "sendmsg",
        "as send, and asks when its last octet goes each way",
        (
            _SOCKET,
            Argument("data", Takes.COUNT_OR_TEXT, required=True),
            Argument("flag", Takes.WORDS, words=STAMPS),
        ),
    ),
    CallSignature(
        "recvmsg",
        "what is there, up to so many octets, with the control messages; or of the error queue",
        (
            _SOCKET,
            Argument("count", Takes.INT),
            Argument("flag", Takes.WORDS, words=MESSAGE_FLAGS),
        ),
        gives=Gives.MESSAGE,
    ),
    CallSignature(
        "shutdown",
        "closes one direction, or both",
        (_SOCKET, Argument("how", Takes.WORD, required=True, words=("WR", "RD", "RDWR"))),
    ),
    CallSignature("close", "closes the socket", (_SOCKET,)),
    CallSignature("abort", "closes the socket with a reset", (_SOCKET,)),
    CallSignature(
        "setsockopt",
        "sets a socket option",
        (_SOCKET, _NAME, Argument("value", Takes.WORD_OR_INT, required=True)),
    ),
    CallSignature("getsockopt", "reads a socket option", (_SOCKET, _NAME), gives=Gives.VALUE),
    CallSignature(
        "ao_add",
        "gives a socket a key of TCP-AO for the tester",
        (_SOCKET, Argument("key", Takes.WORD, required=True)),
        {"send": Takes.INT, "recv": Takes.INT},
    ),
    CallSignature(
        "ao_use",
        "chooses the key that it signs with, and the one that it asks for",
        (_SOCKET,),
        {"current": Takes.INT, "rnext": Takes.INT},
    ),
    CallSignature("ao_del", "takes a key away", (_SOCKET,), {"send": Takes.INT, "recv": Takes.INT}),
    CallSignature("ao_keys", "how many keys it has", (_SOCKET,)),
    CallSignature("atmark", "1 at the urgent mark, else 0", (_SOCKET,)),
    CallSignature("pending", "octets that wait to be received", (_SOCKET,)),
    CallSignature("outq", "octets that were written and not acknowledged", (_SOCKET,)),
    CallSignature("unsent", "octets that were written and never sent", (_SOCKET,)),
    CallSignature(
        "poll",
        "what is there now, of IN PRI OUT ERR HUP; with for=, it waits for one of these",
        (_SOCKET, _WAITS),
        {"for": Takes.WORDS},
        Gives.BITS,
        EVENTS,
    ),
    CallSignature("getsockname", "the socket's own port", (_SOCKET,), gives=Gives.PORT),
    CallSignature("getpeername", "the port of the peer", (_SOCKET,), gives=Gives.PORT),
    CallSignature("dup", "a second name for the same socket", (_SOCKET,), gives=Gives.SOCKET),
    CallSignature(
        "signals",
        "the signals that came since it was last asked",
        gives=Gives.BITS,
        bits=SIGNALS,
    ),
    CallSignature("disconnect", "the socket is as it was before connect() or listen()", (_SOCKET,)),
    CallSignature(
        "destroy", "an administrator ends this connection, or the listener", (_OPTIONAL,)
    ),
    CallSignature(
        "errors",
        "whence what was in the error queue came, which is emptied",
        (_SOCKET,),
        gives=Gives.BITS,
        bits=ORIGINS,
    ),
    CallSignature("interrupt", "a signal to the call that blocks on this socket", (_SOCKET,)),
    CallSignature(
        "listed",
        "how many sockets the system's table tells in this state",
        (Argument("state", Takes.WORD, required=True, words=tuple(State.__members__)),),
    ),
    CallSignature(
        "repair", "the connection, moved to a new socket", (_SOCKET,), gives=Gives.SOCKET
    ),
)
BY_NAME: Final = {call.name: call for call in CALLS}
_BITS: Final = {"poll": "event", "signals": "signal", "errors": "origin"}


@lru_cache(maxsize=4096)  # cases repeat a few of them
def problems(call: CallText) -> tuple[tuple[str, str, str], ...]:
    """What is wrong with a call: the word that is wrong, what about it, a hint."""
    row = BY_NAME.get(call.name)
    if row is None:
        return ((call.name, f"unknown call {call.name}", suggest(call.name, BY_NAME)),)
    found: list[tuple[str, str, str]] = []
    seen: set[str] = set()
    for keyword, value in call.args:
        if not keyword:
            continue
        if keyword in seen:
            found.append((keyword, f"{keyword} is written twice", ""))
        elif keyword not in row.keywords:
            hint = suggest(keyword, row.keywords) or f"as in {signature(row)}"
            found.append((keyword, f"{row.name} has no {keyword}=", hint))
        else:
            argument = Argument(keyword, row.keywords[keyword], words=words_of(row, keyword))
            found += _wrong(argument, value)
        seen.add(keyword)
    return (*found, *_positional(row, call), *_result(row, call))


def words_of(row: CallSignature, keyword: str) -> tuple[str, ...]:
    """The only names that a keyword may have; none where it takes any."""
    return {"address": ADDRESSES, "for": tuple(row.bits)}.get(keyword, ())


def is_optional_socket(row: CallSignature) -> bool:
    """Whether it opens a new socket, or goes on with one that it is given."""
    return row.positional[:1] == (_OPTIONAL,)


def _positional(row: CallSignature, call: CallText) -> list[tuple[str, str, str]]:
    hint = f"as in {signature(row)}"
    given = [value for keyword, value in call.args if not keyword]
    placed, over = _place(row, given)
    found = [(_word(value), f"{row.name} has no such argument", hint) for value in over[:1]]
    for argument in row.positional:
        if argument.name in placed:
            found += _wrong(argument, placed[argument.name])
        elif argument.required and not found:
            what = f"{argument.name} ({argument.takes.value})"
            found.append((call.name, f"{row.name} needs its {what}", hint))
    if is_optional_socket(row) and "flag" in placed and "socket" not in placed:
        message = f"{row.name} that does not wait needs its socket, to go on with"
        found.append((call.name, message, f"as in {row.name}(s, DONTWAIT)"))
    return found


def _place(
    row: CallSignature, given: list[Word | Placeholder | int | str]
) -> tuple[dict[str, Word | Placeholder | int | str], list[Word | Placeholder | int | str]]:
    """Each value with the argument it is; an optional argument is passed over by a misfit."""
    placed: dict[str, Word | Placeholder | int | str] = {}
    rest = list(given)
    for argument in row.positional:
        if not rest:
            break
        later = len(row.positional) - row.positional.index(argument) > len(rest)
        if not argument.required and later and _wrong(argument, rest[0]):
            continue
        placed[argument.name] = rest.pop(0)
    return placed, rest


def _wrong(argument: Argument, value: Word | Placeholder | int | str) -> list[tuple[str, str, str]]:
    takes = argument.takes
    match value:
        case Placeholder():
            return []
        case Word(text):
            many = takes is Takes.WORDS
            fits = many or takes in (Takes.SOCKET, Takes.WORD, Takes.WORD_OR_INT)
            fits = fits and (many or "|" not in text)
            if takes is Takes.SOCKET and text in NEW_FLAGS:  # the next argument may take it
                return [(text, f"{text} is a flag, not a socket", "")]
            if fits and argument.words:
                return unknown(argument.name, parts(text) if many else [text], argument.words)
        case int():
            fits = takes in (Takes.INT, Takes.WORD_OR_INT, Takes.COUNT_OR_TEXT)
            fits = fits or takes is Takes.PORT
            most = 65535 if takes is Takes.PORT else (1 << 31) - 1
            least = -most if takes is Takes.WORD_OR_INT else 0  # an option's value alone
            if fits and not least <= value <= most:
                told = f"{argument.name} {value} is out of range"
                return [(str(value), told, f"{least} to {most}")]
        case str():
            fits = takes is Takes.COUNT_OR_TEXT
    return [] if fits else [(_word(value), f"{argument.name} is {takes.value}", "")]


def _result(row: CallSignature, call: CallText) -> list[tuple[str, str, str]]:
    result = call.result
    gives = Gives.NUMBER if is_given(call) else row.gives
    match result:
        case Errno():
            first, *others = result.names
            number = gives is Gives.NUMBER and first.isdecimal()
            names = others if number else result.names
            return [no_errno(name) for name in names if name not in ERRNOS]
        case None | Placeholder():
            return []
    if gives is Gives.BITS and isinstance(result, Word):
        return _bits(row, result)
    fits = {
        Gives.SOCKET: isinstance(result, Word) and "|" not in result.text,
        Gives.NUMBER: isinstance(result, Count),
        Gives.OCTETS: isinstance(result, (Count, str)),
        Gives.VALUE: isinstance(result, (Count, str)),
        Gives.BITS: result == Count(0),
        Gives.MESSAGE: isinstance(result, (Count, Received)),
        Gives.PORT: isinstance(result, Count)
        or (isinstance(result, Word) and result.text in PORTS),
    }[gives]
    for count in _counts(result):
        if count.low < 0 and gives is not Gives.VALUE:
            return [(str(count.low), f"{row.name} returns {gives.value}", "an error is its errno")]
        if count.high is not None and count.low > count.high:
            told = f"{count.low}..{count.high}"
            return [(told, "this range is empty: it ends before it begins", "")]
    if fits:
        return messages.problems(result) if isinstance(result, Received) else []
    return [(_shown(result), f"{row.name} returns {gives.value}, or an errno", "")]


def _counts(result: Result) -> list[Count]:
    if isinstance(result, Received):
        return [result.count, *(one.number for one in result.messages if one.number)]
    return [result] if isinstance(result, Count) else []


def is_given(call: CallText) -> bool:
    """Whether the call opens a socket that it was given: then it returns 0, and no name."""
    return is_optional_socket(BY_NAME[call.name]) and arguments(call)[0] is not None


def _bits(row: CallSignature, result: Word) -> list[tuple[str, str, str]]:
    found = parts(result.text)
    if found[-1] == "...":
        found.pop()
    return unknown(_BITS[row.name], found, tuple(row.bits))


def _shown(result: Result) -> str:
    match result:
        case Word(text):
            return text
        case Count(low) | Received(Count(low)):
            return str(low)
        case str(text):
            return json.dumps(text)
    return ""


def _word(value: Word | Placeholder | int | str) -> str:
    return value.text if isinstance(value, Word) else json.dumps(value) if value != "" else '""'


def arguments(call: CallText) -> tuple[str | None, dict[str, int | str]]:
    """The socket's name and the arguments as the agent is told them.

    Keys: port, local_port, address (a word), backlog, count (octets), text, flag (names joined by
    |), all (1: until so many octets, or until EOF without a count), how, name, value, events (what
    poll waits for), key, send, recv, current, rnext, state.
    The call must have no problems.
    """
    row = BY_NAME[call.name]
    told: dict[str, int | str] = {}
    socket: str | None = None
    placed, _ = _place(row, [value for keyword, value in call.args if not keyword])
    for name, value in (*placed.items(), *((k, v) for k, v in call.args if k)):
        plain = value if isinstance(value, (int, str)) else _name_of(value)
        if name == "socket":
            socket = str(plain)
        elif name == "data":
            told["text" if isinstance(value, str) else "count"] = plain
        elif plain == "ALL":
            told["all"] = 1
        else:
            told["events" if name == "for" else name] = plain
    if call.name == "recv" and "count" in told and "flag" not in told:
        told["all"] = 1
    return socket, told


def _name_of(value: Word | Placeholder) -> str:
    return value.text if isinstance(value, Word) else f"${value.name}"


def names_new_socket(call: CallText) -> str | None:
    """The name that the call's result introduces, or None."""
    row = BY_NAME.get(call.name)
    new = isinstance(call.result, Word) and row is not None and row.gives is Gives.SOCKET
    return call.result.text if new and isinstance(call.result, Word) else None

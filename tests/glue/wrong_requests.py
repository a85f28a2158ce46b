"""What no glue program may fall over: wrong requests, hostile frames and lines, odd JSON."""

from __future__ import annotations

import json
import random

from c_build import accepted
from c_driver import Driver

WRONG = [
    (b"nothing", "EBADMSG"), (b"{}", "EBADMSG"), (b"[1]", "EBADMSG"), (b"\xff\xfe", "EBADMSG"),
    (b'{"id":1,"call":"version"', "EBADMSG"), (b'{"id":1,"call":"version"}}', "EBADMSG"),
    (b'{"id":1.5,"call":"version"}', "EBADMSG"), (b'{"id":01,"call":"version"}', "EBADMSG"),
    (b'{"id":99999999999999999999,"call":"version"}', "EBADMSG"),
    (b'{"id":1,"call":7}', "EBADMSG"), (b'{"id":1,"call":"a\nb"}', "EBADMSG"),
    (b'{"id":1,"call":"\\ud800"}', "EBADMSG"), (b"[" * 5000, "EBADMSG"),
    (b'{"id":1,"call":"nosuch"}', "ENOSYS"), (b'{"id":1,"call":"version\\u0000"}', "ENOSYS"),
    (b'{"id":1,"call":"listen","args":[]}', "EINVAL"),
    (b'{"id":1,"call":"listen","args":{"port":70000}}', "EINVAL"),
    (b'{"id":1,"call":"listen","args":{"port":"x"}}', "EINVAL"),
    (b'{"id":1,"call":"listen","args":{"port":1,"backlog":-1}}', "EINVAL"),
    (b'{"id":1,"call":"listen","args":{}}', "EINVAL"),
    (b'{"id":1,"call":"accept","args":{"socket":7}}', "EBADF"),
    (b'{"id":1,"call":"recv","args":{"socket":0}}', "EBADF"),
    (b'{"id":1,"call":"close"}', "EBADF"),
    (b'{"id":1,"call":"send","args":{"socket":true,"count":1}}', "EBADF"),
    (b'{"id":1,"call":"state","args":{"local":1}}', "EINVAL"),
    (b'{"id":1,"call":"set","args":{"name":"x","value":"1"}}', "ENOPROTOOPT"),
    (b'{"id":1,"call":"use","args":{"target":"192.0.2.2","tester":"x"}}', "EINVAL"),
    (b'{"id":-9,"call":"reset","more":[{"a":[null,true,1e5,"\\u00e9\\n"]}]}', "ENOSYS"),
]  # fmt: skip


def hostile(driver: Driver, dice: random.Random) -> None:
    """Frames and lines of any kind; the program goes on, and answers."""
    for size in [0, 1, 13, 14, 15, 33, 34, 41, 42, 53, 54, 1514, 65535, 65536, 100_000]:
        for kind in (b"\x08\x00\x45", b"\x08\x06", b"\x86\xdd\x60"):
            frame = bytes.fromhex("020000000002020000000001") + kind + dice.randbytes(size)
            driver.wire.send(frame[:size])
            if driver.virtual:
                driver.advance()
    good = json.dumps({"id": 1, "call": "state", "args": {"local": 1, "remote": 2}}).encode()
    for _ in range(300):
        line = bytearray(good)
        for _ in range(dice.randrange(1, 4)):
            line[dice.randrange(len(line))] = dice.choice(b'{}[]":,\\u0-19.eE\x00\xff\n tnf')
        driver.write(bytes(line) + b"\n")
    last = driver.ask("version")
    assert driver.final(last)["value"] == 1
    driver.frames()


def escaped(driver: Driver) -> None:
    """Text is what JSON says that it is, in any order and with any spaces."""
    peer, handle = accepted(driver)
    text = r'"\u00e9\ud83d\ude00\"\\/é"'
    line = f'{{ "args" :{{"text":{text}, "socket": {handle}}}, "call":"send","id":-4}}\r\n'
    driver.write(line.encode())
    assert driver.line()["id"] == -4
    peer.get("A", 'é😀"\\/é'.encode())

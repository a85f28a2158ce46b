"""The words that socket calls are made of, as a case writes them."""

from __future__ import annotations

from typing import Final

from conformance.notation.scanner import suggest

SEND_FLAGS: Final = (
    "OOB", "MORE", "DONTWAIT", "NOSIGNAL", "EOR", "FASTOPEN", "BLOCK", "FILE", "ZEROCOPY", "SPLICE",
)  # fmt: skip
RECV_FLAGS: Final = (
    "OOB", "ALL", "PEEK", "DONTWAIT", "BLOCK", "SPLICE", "WAITALL", "ZEROCOPY",
)  # fmt: skip
MESSAGE_FLAGS: Final = ("ERRQUEUE", "PEEK", "DONTWAIT")
# What a stack need not have of them: it answers ENOSYS, and the case is skipped.
NEW_FLAGS: Final = (
    "PEEK", "DONTWAIT", "NOSIGNAL", "EOR", "FASTOPEN", "BLOCK", "FILE", "SPLICE", "WAITALL",
    "ZEROCOPY", "DUAL",
)  # fmt: skip
PORTS: Final = ("target", "tester")
# Whose address bind() and connect() may name; the second is the target's too.
ADDRESSES: Final = (
    "target", "second", "other", "broadcast", "multicast", "loopback", "unspecified", "nobody",
)  # fmt: skip
# What a stack has not got skips a case; what no stack has is a slip of the pen.
SOCKET_OPTIONS: Final = (
    "CC_INFO", "CONGESTION", "CORK", "DEFER_ACCEPT", "ERROR", "FASTOPEN", "FASTOPEN_CONNECT",
    "FASTOPEN_KEY", "FASTOPEN_NO_COOKIE", "INQ", "KEEPALIVE", "KEEPCNT", "KEEPIDLE", "KEEPINTVL",
    "LINGER", "LINGER2", "LOCAL_PORT_RANGE", "MAXSEG", "MAX_PACING_RATE", "MD5SIG", "MD5SIG_NET",
    "MINTTL", "NODELAY", "NOTSENT_LOWAT", "OOBINLINE", "PEEK_OFF", "PKTOPTIONS", "QUEUE_SEQ",
    "QUICKACK", "RCVBUF", "RCVLOWAT", "RCVTIMEO", "RECVERR", "RECVFLOW", "RECVHOPS", "RECVTCLASS",
    "REPAIR", "REPAIR_QUEUE", "REPAIR_WINDOW", "REUSEADDR", "REUSEPORT", "SAVED_SYN", "SAVE_SYN",
    "SNDBUF", "SNDTIMEO", "STAMP", "STAMPNS", "SYNCNT", "THIN_DUPACK", "THIN_LINEAR_TIMEOUTS",
    "TIMESTAMP", "TIMESTAMPING", "TOS", "TTL", "TX_DELAY", "ULP", "USER_TIMEOUT", "V6ONLY",
    "WINDOW_CLAMP", "ZEROCOPY",
)  # fmt: skip
ERRNOS: Final = (
    "EACCES", "EADDRINUSE", "EADDRNOTAVAIL", "EAFNOSUPPORT", "EAGAIN", "EALREADY", "EBADF",
    "ECANCELED", "ECONNABORTED", "ECONNREFUSED", "ECONNRESET", "EDESTADDRREQ", "EFAULT",
    "EHOSTDOWN", "EHOSTUNREACH", "EINPROGRESS", "EINTR", "EINVAL", "EIO", "EISCONN", "EMFILE",
    "EMSGSIZE", "ENETDOWN", "ENETRESET", "ENETUNREACH", "ENFILE", "ENOBUFS", "ENOENT", "ENOMEM",
    "ENOPROTOOPT", "ENOTCONN", "ENOTSOCK", "EOPNOTSUPP", "EPERM", "EPIPE", "EPROTO",
    "ETIMEDOUT", "EWOULDBLOCK",
)  # fmt: skip


def no_errno(name: str) -> tuple[str, str, str]:
    """What is wrong with a name that is no errno."""
    hint = "the end of a stream is a count of 0" if name == "EOF" else suggest(name, ERRNOS)
    return name, f"unknown errno {name}", hint


def unknown(
    what: str, found: list[str], words: tuple[str, ...], twice: str = "ALL"
) -> list[tuple[str, str, str]]:
    """The words that are none of these, or are written again, or stand alone and do not."""
    wrong = [
        (word, f"unknown {what} {word}", suggest(word, words))
        for word in found
        if word not in words
    ]
    again = [word for at, word in enumerate(found) if word in found[:at]]
    wrong += [(word, f"{word} is written twice", "") for word in again if word in words]
    if twice in found and len(found) > 1 and not wrong:
        wrong.append((twice, f"{twice} stands alone", ""))
    return wrong

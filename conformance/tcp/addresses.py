"""Who a packet may be from and to: the two ends, and the strangers that a case may name.

No class stands here: what makes namespaces reads it in a process of its own, and starts sooner.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# Whom a packet may name in place of its ends, by IP version; none: the target's own address.
# Multicast: all hosts of the link. Nobody, and the second address that a target may have: of the
# documentation addresses (RFC 5737, RFC 3849).
SECOND: Final = "second"
OTHER: Final = "other"  # a third host, on the link of the other two
STRANGERS: Final[Mapping[str, Mapping[int, str]]] = {
    "target": {},
    SECOND: {4: "198.51.100.2", 6: "2001:db8:1::2"},
    OTHER: {4: "192.0.2.254", 6: "2001:db8::fe"},
    "broadcast": {4: "255.255.255.255"},
    "multicast": {4: "224.0.0.1", 6: "ff02::1"},
    "loopback": {4: "127.0.0.1", 6: "::1"},
    "unspecified": {4: "0.0.0.0", 6: "::"},
    "nobody": {4: "203.0.113.254"},  # of IPv6 a host may say so, by an ICMP error
}
# The tester's address and the target's where no wire has others (RFC 5737, RFC 3849).
ENDS: Final[Mapping[int, tuple[str, str]]] = {
    4: ("192.0.2.1", "192.0.2.2"),
    6: ("2001:db8::1", "2001:db8::2"),
}
# Who says that a packet is too big.
ROUTER: Final[Mapping[int, str]] = {4: "192.0.2.253", 6: "2001:db8::fd"}
FROM: Final = (OTHER, "target", SECOND, "broadcast", "multicast", "loopback", "unspecified")
OWN: Final = ("target", SECOND)
TO: Final = ("broadcast", "multicast", "loopback", "nobody", SECOND, OTHER)

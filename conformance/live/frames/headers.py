"""The headers that the codec builds and reads, in scapy's terms: a field list each.

They are spelt here and not taken from ``scapy.layers`` because importing those reads this
machine's interfaces, routes and IPv6 routes, and defines a hundred other protocols: half of what a
short run would cost, more on a host with many interfaces, and nothing that a frame needs. A test
holds each of them to scapy's own layer, octet by octet and field by field.

Lengths, offsets and checksums have no automatic values: the codec says each.
"""

from __future__ import annotations

from scapy.fields import (
    BitField,
    ByteField,
    IntField,
    IP6Field,
    IPField,
    MACField,
    ShortField,
)
from scapy.packet import Packet


class Ethernet(Packet):
    """IEEE 802.3, with a type."""

    fields_desc = (MACField("dst", None), MACField("src", None), ShortField("type", 0))


class Ip4(Packet):
    """RFC 791, 3.1, without options; ``flags``: 1 more fragments, 2 don't fragment."""

    fields_desc = (
        BitField("version", 4, 4),
        BitField("ihl", 5, 4),
        ByteField("tos", 0),
        ShortField("len", 0),
        ShortField("id", 0),
        BitField("flags", 2, 3),
        BitField("frag", 0, 13),
        ByteField("ttl", 64),
        ByteField("proto", 6),
        ShortField("chksum", 0),
        IPField("src", "0.0.0.0"),
        IPField("dst", "0.0.0.0"),
    )


class Ip6(Packet):
    """RFC 8200, 3."""

    fields_desc = (
        BitField("version", 6, 4),
        BitField("tc", 0, 8),
        BitField("fl", 0, 20),
        ShortField("plen", 0),
        ByteField("nh", 6),
        ByteField("hlim", 64),
        IP6Field("src", "::"),
        IP6Field("dst", "::"),
    )


class Tcp(Packet):
    """RFC 9293, 3.1, without options."""

    fields_desc = (
        ShortField("sport", 0),
        ShortField("dport", 0),
        IntField("seq", 0),
        IntField("ack", 0),
        BitField("dataofs", 5, 4),
        BitField("reserved", 0, 3),
        BitField("flags", 0, 9),
        ShortField("window", 0),
        ShortField("chksum", 0),
        ShortField("urgptr", 0),
    )

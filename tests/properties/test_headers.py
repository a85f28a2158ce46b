"""The codec's headers are scapy's own: the same octets, the same fields, whatever they hold."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.fields import BitField
from scapy.layers.inet import IP, TCP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether

from conformance.live.frames.headers import Ethernet, Ip4, Ip6, Tcp

PAIRS = ((Ethernet, Ether, 14), (Ip4, IP, 20), (Ip6, IPv6, 40), (Tcp, TCP, 20))


@pytest.mark.parametrize(("ours", "theirs", "size"), PAIRS)
def test_a_header_has_scapys_fields_in_scapys_order(ours: Any, theirs: Any, size: int) -> None:
    def widths(layer: Any) -> list[tuple[str, float]]:
        fields = (field for field in layer.fields_desc if field.name != "options")
        return [(f.name, f.size / 8 if isinstance(f, BitField) else f.sz) for f in fields]

    assert widths(ours) == widths(theirs)
    assert sum(width for _, width in widths(ours)) == size


@given(st.data())
@pytest.mark.parametrize(("ours", "theirs", "size"), PAIRS)
def test_a_header_reads_and_builds_as_scapys_does(
    ours: Any, theirs: Any, size: int, data: st.DataObject
) -> None:
    octets = bytearray(data.draw(st.binary(min_size=size, max_size=size)))
    if theirs is IP:
        octets[0] = octets[0] & 0xF0 | 5  # scapy's takes what follows the header for options
    if theirs is TCP:
        octets[12] = octets[12] & 0x0F | 5 << 4
    mine, other = ours(), theirs()
    mine.do_dissect(bytes(octets))
    other.do_dissect(bytes(octets))
    for name, value in mine.fields.items():
        told = other.getfieldval(name)
        assert value == (int(told) if isinstance(value, int) else told), name
    for layer in (mine, other):
        layer.raw_packet_cache = None  # build it of its fields, not of what was read
    assert mine.self_build() == bytes(octets) == other.self_build()

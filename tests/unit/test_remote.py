"""``ssh:HOST``: what its options mean, what is refused, what a frame on a shared link is."""

from __future__ import annotations

import socket
import struct
from pathlib import Path

import pytest
from scapy.layers.l2 import Ether
from scapy.utils import checksum

from conformance.errors import CaseError
from conformance.live.frames.arp_nd import claims, question
from conformance.live.frames.checksum_offload import finished, segment_of
from conformance.live.frames.codec import FrameCodec, WireEnds
from conformance.live.interface.host_wire import reset_for
from conformance.play.profile import Ability
from conformance.targets import Wanted, full_name, open_target
from conformance.targets.files.model import ResetKind, WireKind
from conformance.targets.files.reader import decode
from conformance.targets.files.ssh import described
from conformance.targets.kinds.remote import unworn
from conformance.tcp.flags import Flags
from conformance.tcp.segment import Segment

NEEDED = ("ssh:box", "eth1", ["192.0.2.2"], ["192.0.2.1"])
ENDS = {
    4: WireEnds(4, "192.0.2.1", "192.0.2.2", "02:00:00:00:00:01", "02:00:00:00:00:02"),
    6: WireEnds(6, "2001:db8::1", "2001:db8::2", "02:00:00:00:00:01", "02:00:00:00:00:02"),
}


def test_the_options_are_a_target_file() -> None:
    file = described(*NEEDED)
    assert (file.name, file.ssh, file.wire) == ("ssh:box", "box", WireKind.INTERFACE)
    assert (file.interface, file.reset) == ("eth1", ResetKind.CALL)
    assert (file.addresses[4].target, file.addresses[4].tester) == ("192.0.2.2", "192.0.2.1")
    assert file.command[0] == "ssh"
    assert file.command[-3:-1] == ("--", "box")
    assert Ability.IPV6 not in file.abilities


def test_both_versions() -> None:
    file = described(
        "ssh:me@box", "eth1", ["2001:db8::2/48", "10.0.0.2/8"], ["10.9.9.9", "2001:db8:0:1::1"]
    )
    assert Ability.IPV6 in file.abilities
    assert (file.addresses[6].prefix, file.addresses[4].prefix) == (48, 8)
    assert file.command[-2] == "me@box"


@pytest.mark.parametrize(
    ("name", "interface", "targets", "testers", "words"),
    [
        ("ssh:box", "", ["192.0.2.2"], ["192.0.2.1"], "needs --interface"),
        ("ssh:box", "eth1", [], [], "needs --address"),
        ("ssh:box", "eth1", ["192.0.2.2"], [], "--tester-address"),
        ("ssh:box", "eth1", ["192.0.2.2"], ["2001:db8::1"], "--tester-address"),
        ("ssh:box", "eth1", ["192.0.2.2"], ["192.0.2.1", "2001:db8::1"], "--tester-address"),
        ("ssh:box", "eth1", ["192.0.2.2", "192.0.2.3"], ["192.0.2.1"], "one --address"),
        ("ssh:box", "eth1", ["2001:db8::2"], ["2001:db8::1"], "for IPv4 at least"),
        ("ssh:box", "eth1", ["192.0.2.2"], ["192.0.3.1"], "not on the network"),
        ("ssh:box", "eth1", ["192.0.2.2"], ["192.0.2.2"], "both 192.0.2.2"),
        ("ssh:box", "eth1", ["192.0.2"], ["192.0.2.1"], "no IP address"),
        ("ssh:box", "eth1", ["127.0.0.1"], ["127.0.0.2"], "no address of one host"),
        ("ssh:", "eth1", ["192.0.2.2"], ["192.0.2.1"], "no host for ssh"),
        ("ssh:-oProxyCommand=x", "eth1", ["192.0.2.2"], ["192.0.2.1"], "no host for ssh"),
        ("ssh:a b", "eth1", ["192.0.2.2"], ["192.0.2.1"], "no host for ssh"),
    ],
)
def test_what_is_refused(
    name: str, interface: str, targets: list[str], testers: list[str], words: str
) -> None:
    with pytest.raises(CaseError, match=words):
        described(name, interface, targets, testers)


def test_the_user_has_to_allow_it() -> None:
    assert full_name("ssh:box") == "ssh:box"
    wanted = Wanted(interface="eth1", addresses=("192.0.2.2",), testers=("192.0.2.1",))
    with pytest.raises(CaseError, match="--own-network"):
        open_target("ssh:box", wanted)


def test_the_ports_begin_elsewhere_each_time() -> None:
    ports = range(1024, 65472, 64)
    assert sorted(unworn(ports)) == list(ports)


# ---- a target file -------------------------------------------------------------------------------

FILE = """\
target: lab-box
ssh: me@box
wire: interface eth1
addresses: {ipv4: {target: 192.0.2.2, tester: 192.0.2.1}}
"""


def test_a_file_says_the_same() -> None:
    file, faults = decode(FILE, Path("box.yaml"))
    assert not faults
    assert file is not None
    assert file.command == described("ssh:me@box", *NEEDED[1:]).command
    assert (file.reset, file.msl, file.min_rto) == (ResetKind.CALL, 30.0, 0.2)
    assert file.abilities == {Ability.CALLS, Ability.STATE, Ability.ACTIVE_OPEN}


def test_a_file_may_say_more() -> None:
    more = "profile: {msl: 1s}\nabilities: [CALLS]\n"
    file, faults = decode(FILE + more, Path("box.yaml"))
    assert not faults
    assert file is not None
    assert file.msl == 1.0
    assert file.abilities == {Ability.CALLS}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("me@box", "-x", "no host for ssh"),
        ("wire: interface eth1", "wire: fd", "wire: interface"),
        ("ssh: me@box", "ssh: box\ncommand: [x]", "no place for command:"),
        ("addresses: {ipv4: {target: 192.0.2.2, tester: 192.0.2.1}}", "about: x", "addresses:"),
        ("ssh: me@box", "ssh: box\ncontrol: none", "control: none"),
    ],
)
def test_faults_of_a_file(old: str, new: str, words: str) -> None:
    _, faults = decode(FILE.replace(old, new), Path("box.yaml"))
    assert any(words in fault.message + fault.hint for fault in faults)


# ---- frames --------------------------------------------------------------------------------------


@pytest.mark.parametrize("ip", [4, 6])
@pytest.mark.parametrize("wrong", [0, 1])
def test_a_checksum_that_was_left_to_hardware_is_filled_in_as_hardware_would(
    ip: int, wrong: int
) -> None:
    """The field holds the sum of the pseudo-header: one that is wrong stays wrong."""
    right = FrameCodec(ENDS[ip]).encode(Segment(80, 1024, Flags.ACK, 7, 9, 500, payload=b"odd"))
    found = segment_of(right)
    assert found is not None
    assert found.ports == (80, 1024)
    pair = right[26:34] if ip == 4 else right[22:54]
    seed = 0xFFFF - checksum(pair + struct.pack("!II", len(found.body), 6)) + wrong
    at = found.at + 16
    partial = right[:at] + struct.pack("!H", seed) + right[at + 2 :]
    assert (finished(partial) == right) is not bool(wrong)
    assert finished(right[:at]) == right[:at]  # cut off: nothing to fill in


def test_what_an_unknown_connection_is_told() -> None:
    with_ack = reset_for(Segment(80, 1024, Flags.ACK, 7, 9, 500, payload=b"odd"))
    assert with_ack == Segment(1024, 80, Flags.RST, 9)
    without = reset_for(Segment(80, 1024, Flags.SYN, 7))
    assert without == Segment(1024, 80, Flags.RST | Flags.ACK, 0, 8)


@pytest.mark.parametrize("ip", [4, 6])
def test_a_probe_names_no_sender(ip: int) -> None:
    ends = ENDS[ip]
    tester = socket.inet_pton(socket.AF_INET if ip == 4 else socket.AF_INET6, ends.tester)
    probe = question(ends, ends.tester, named=False, everybody=True)
    asked = question(ends, ends.target, everybody=True)
    assert not claims(probe, tester)
    assert claims(asked, tester) is (ip == 4)  # an ARP question tells who asks
    group = "ff:ff:ff:ff:ff:ff" if ip == 4 else "33:33:ff:00:00:"
    assert Ether(asked).dst.startswith(group)
    if ip == 6:
        for frame in (probe, asked):
            body = frame[54:]
            pseudo = frame[22:54] + struct.pack("!II", len(body), 58)
            assert checksum(pseudo + body) == 0
        assert len(asked) == len(probe) + 8  # RFC 4861 4.3: no option when nobody asks

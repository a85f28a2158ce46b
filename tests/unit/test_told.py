"""The names of what is told: one table in the language, one in the agent, one of the kernel's."""

from __future__ import annotations

import platform
import re
import struct
import sys
from pathlib import Path

import pytest

from conformance.agent import agent
from conformance.case import told
from conformance.reference.machine import Config, Returned, Stack
from conformance.targets.settings.counters import near


def test_the_agent_tells_the_fields_of_the_language() -> None:
    assert {*agent.INFO, *agent.INFO_HALVES} == set(told.FIELDS)
    assert agent.CA_STATES == told.CA_STATES
    assert set(agent.INFO_MILLISECONDS) <= told.TIMES


def test_the_fields_neither_overlap_nor_leave_octets_out() -> None:
    """But what is no field of ours: the state, the bits of octets 6 and 7, last_ack_sent."""
    taken = [at + n for at, size in agent.INFO.values() for n in range(size)]
    assert len(taken) == len(set(taken))
    assert set(range(248)) - set(taken) == {0, 6, 7, *range(48, 52)}


def test_a_struct_is_decoded_field_by_field() -> None:
    raw = bytearray(248)
    raw[1], raw[2] = 3, 1
    raw[6] = 0x74 if sys.byteorder == "little" else 0x47
    struct.pack_into("=I", raw, 44, 1500)  # last_data_sent, ms
    struct.pack_into("=I", raw, 68, 20_000)  # rtt
    struct.pack_into("=I", raw, 80, 10)  # snd_cwnd
    struct.pack_into("=Q", raw, 104, (1 << 64) - 1)  # pacing_rate
    struct.pack_into("=H", raw, 242, 5)  # total_rto_recoveries
    found = agent.decoded(bytes(raw))
    assert {name: value for name, value in found.items() if value} == {
        "ca-state": "recovery",
        "retransmits": 1,
        "snd-wscale": 4,
        "rcv-wscale": 7,
        "last-data-sent": 1_500_000,
        "rtt": 20_000,
        "cwnd": 10,
        "pacing-rate": (1 << 64) - 1,
        "total-rto-recoveries": 5,
    }


@pytest.mark.parametrize("length", [104, 192, 232, 240, 248, 300])
def test_an_older_kernel_tells_less_and_a_newer_one_no_more(length: int) -> None:
    found = agent.decoded(bytes(length))
    assert set(found) - set(agent.INFO_HALVES) == {
        name for name, (at, size) in agent.INFO.items() if at + size <= length
    }


def test_what_congestion_avoidance_has_no_name_for_is_its_number() -> None:
    assert agent.decoded(bytes((0, 9)) + bytes(246))["ca-state"] == "9"


def test_every_counter_of_the_running_kernel_is_known() -> None:
    """Of TCP, IP, ICMP and MPTCP."""
    release = re.match(r"(\d+)\.(\d+)", platform.release())
    if release is None or tuple(map(int, release.groups())) > (6, 18):
        pytest.skip("a newer kernel than those that we know may have another")
    unknown = []
    for name in ("snmp", "netstat"):
        lines = Path("/proc/net", name).read_text().splitlines()
        for names in lines[::2]:
            group, *each = names.split()
            if not group.startswith(("Udp", "IcmpMsg", "Xfrm")):
                unknown += [group[:-1] + one for one in each if near(group[:-1] + one) is not None]
    assert unknown == []


@pytest.mark.parametrize("name", ["TCPChallengeACK", "TcpExtTCPChallengeACK", "RetransSegs",
                                  "TcpRetransSegs", "IpExtInCEPkts", "TCPPrequeued",
                                  "IcmpMsgInType3", "MPTcpExtMPJoinSynRx"])  # fmt: skip
def test_a_counter_that_some_kernel_has_is_none_too_near(name: str) -> None:
    assert near(name) is None


def test_a_counter_of_another_group_needs_it() -> None:
    assert near("InCEPkts") is not None
    assert near("MPJoinSynRx") is not None


def test_the_reference_tells_fields_of_the_language_of_a_connection_alone() -> None:
    stack = Stack(Config())
    stack.call(1, "socket", {}, 0.0)
    stack.call(2, "info", {"socket": 1}, 0.0)
    stack.call(3, "connect", {"socket": 1, "port": 9}, 0.0)
    stack.call(4, "info", {"socket": 1}, 0.0)
    returned = {one.number: one for one in stack.outputs() if isinstance(one, Returned)}
    assert returned[2].errno == "ENOTCONN"
    words = dict(word.split("=") for word in returned[4].text.split())
    assert set(words) <= set(told.FIELDS)
    assert words["ca-state"] == "open"
    assert words["unacked"] == "1"
    assert words["ssthresh"] == str(0x7FFFFFFF)

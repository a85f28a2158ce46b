"""The names of counters that Linux has had, to tell a slip of the pen from what a kernel lacks.

A kernel that has not got a counter yet, or no more, skips the cases that look at it. A name that
no kernel ever had would skip them everywhere, and nobody would see it. The names are those of
/proc/net/snmp and /proc/net/netstat of 6.12 and 6.18, and what older kernels had besides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_GROUPS: Final[Mapping[str, str]] = {
    "Tcp": """\
ActiveOpens AttemptFails CurrEstab EstabResets InCsumErrors InErrs InSegs MaxConn OutRsts OutSegs
PassiveOpens RetransSegs RtoAlgorithm RtoMax RtoMin
""",
    "TcpExt": """\
ArpFilter BeyondWindow BusyPollRxPackets DelayedACKLocked DelayedACKLost DelayedACKs EmbryonicRsts
IPReversePathFilter ListenDrops ListenOverflows LockDroppedIcmps LowLatencyRxPackets OfoPruned
OutOfWindowIcmps PAWSActive PAWSEstab PAWSOldAck PAWSPassive PAWSTimewait PFMemallocDrop
PruneCalled RcvPruned SyncookiesFailed SyncookiesRecv SyncookiesSent TCPACKSkippedChallenge
TCPACKSkippedFinWait2 TCPACKSkippedPAWS TCPACKSkippedSeq TCPACKSkippedSynRecv
TCPACKSkippedTimeWait TCPAOBad TCPAODroppedIcmps TCPAOGood TCPAOKeyNotFound TCPAORequired
TCPAbortFailed TCPAbortOnClose TCPAbortOnData TCPAbortOnLinger TCPAbortOnMemory TCPAbortOnSyn
TCPAbortOnTimeout TCPAckCompressed TCPAutoCorking TCPBacklogCoalesce TCPBacklogDrop
TCPChallengeACK TCPDSACKIgnoredDubious TCPDSACKIgnoredNoUndo TCPDSACKIgnoredOld TCPDSACKOfoRecv
TCPDSACKOfoSent TCPDSACKOldSent TCPDSACKRecv TCPDSACKRecvSegs TCPDSACKUndo TCPDeferAcceptDrop
TCPDelivered TCPDeliveredCE TCPDirectCopyFromBacklog TCPDirectCopyFromPrequeue TCPFACKReorder
TCPFastOpenActive TCPFastOpenActiveFail TCPFastOpenBlackhole TCPFastOpenCookieReqd
TCPFastOpenListenOverflow TCPFastOpenPassive TCPFastOpenPassiveAltKey TCPFastOpenPassiveFail
TCPFastRetrans TCPForwardRetrans TCPFromZeroWindowAdv TCPFullUndo TCPHPAcks TCPHPHits
TCPHPHitsToUser TCPHystartDelayCwnd TCPHystartDelayDetect TCPHystartTrainCwnd
TCPHystartTrainDetect TCPKeepAlive TCPLoss TCPLossFailures TCPLossProbeRecovery TCPLossProbes
TCPLossUndo TCPLostRetransmit TCPMD5Failure TCPMD5NotFound TCPMD5Unexpected TCPMTUPFail
TCPMTUPSuccess TCPMemoryPressures TCPMemoryPressuresChrono TCPMigrateReqFailure
TCPMigrateReqSuccess TCPMinTTLDrop TCPOFODrop TCPOFOMerge TCPOFOQueue TCPOrigDataSent TCPPLBRehash
TCPPartialUndo TCPPrequeueDropped TCPPrequeued TCPPureAcks TCPRcvCoalesce TCPRcvCollapsed
TCPRcvQDrop TCPRenoFailures TCPRenoRecovery TCPRenoRecoveryFail TCPRenoReorder
TCPReqQFullDoCookies TCPReqQFullDrop TCPRetransFail TCPSACKDiscard TCPSACKReneging TCPSACKReorder
TCPSYNChallenge TCPSackFailures TCPSackMerged TCPSackRecovery TCPSackRecoveryFail
TCPSackShiftFallback TCPSackShifted TCPSchedulerFailed TCPSlowStartRetrans TCPSpuriousRTOs
TCPSpuriousRtxHostQueues TCPSynRetrans TCPTSReorder TCPTimeWaitOverflow TCPTimeouts
TCPToZeroWindowAdv TCPWantZeroWindowAdv TCPWinProbe TCPWqueueTooBig TCPZeroWindowDrop
TSEcrRejected TW TWKilled TWRecycled TcpDuplicateDataRehash TcpTimeoutRehash
""",
    "Ip": """\
DefaultTTL ForwDatagrams Forwarding FragCreates FragFails FragOKs InAddrErrors InDelivers
InDiscards InHdrErrors InReceives InUnknownProtos OutDiscards OutNoRoutes OutRequests OutTransmits
ReasmFails ReasmOKs ReasmReqds ReasmTimeout
""",
    "IpExt": """\
InBcastOctets InBcastPkts InCEPkts InCsumErrors InECT0Pkts InECT1Pkts InMcastOctets InMcastPkts
InNoECTPkts InNoRoutes InOctets InTruncatedPkts OutBcastOctets OutBcastPkts OutMcastOctets
OutMcastPkts OutOctets ReasmOverlaps
""",
    "Udp": """\
IgnoredMulti InCsumErrors InDatagrams InErrors MemErrors NoPorts OutDatagrams RcvbufErrors
SndbufErrors
""",
    "MPTcpExt": """\
AddAddr AddAddrDrop AddAddrTx AddAddrTxDrop Blackhole DSSCorruptionFallback DSSCorruptionReset
DSSNoMatchTCP DSSNotMatching DataCsumErr DssFallback DuplicateData EchoAdd EchoAddTx EchoAddTxDrop
FallbackFailed InfiniteMapRx InfiniteMapTx MD5SigFallback MPCapableACKRX MPCapableDataFallback
MPCapableEndpAttempt MPCapableFallbackACK MPCapableFallbackSYNACK MPCapableSYNACKRX MPCapableSYNRX
MPCapableSYNTX MPCapableSYNTXDisabled MPCapableSYNTXDrop MPCurrEstab MPFailRx MPFailTx
MPFallbackTokenInit MPFastcloseRx MPFastcloseTx MPJoinAckHMacFailure MPJoinAckRx
MPJoinNoTokenFound MPJoinPortAckRx MPJoinPortSynAckRx MPJoinPortSynRx MPJoinRejected
MPJoinSynAckBackupRx MPJoinSynAckHMacFailure MPJoinSynAckRx MPJoinSynBackupRx MPJoinSynRx
MPJoinSynTx MPJoinSynTxBindErr MPJoinSynTxConnectErr MPJoinSynTxCreatSkErr MPPrioRx MPPrioTx
MPRstRx MPRstTx MPTCPRetrans MismatchPortAckRx MismatchPortSynRx NoDSSInWindow OFOMerge OFOQueue
OFOQueueTail PortAdd RcvPruned RcvWndConflict RcvWndConflictUpdate RcvWndShared RmAddr RmAddrDrop
RmAddrTx RmAddrTxDrop RmSubflow SimultConnectFallback SndWndShared SubflowRecover SubflowStale
WinProbe
""",
    "Icmp": """\
InAddrMaskReps InAddrMasks InCsumErrors InDestUnreachs InEchoReps InEchos InErrors InMsgs
InParmProbs InRedirects InSrcQuenchs InTimeExcds InTimestampReps InTimestamps OutAddrMaskReps
OutAddrMasks OutDestUnreachs OutEchoReps OutEchos OutErrors OutMsgs OutParmProbs
OutRateLimitGlobal OutRateLimitHost OutRedirects OutSrcQuenchs OutTimeExcds OutTimestampReps
OutTimestamps
""",
}
_BARE: Final = ("Tcp", "TcpExt")  # whose names need no group before them
_WHOLE: Final = frozenset(
    f"{group}{name}" for group, names in _GROUPS.items() for name in names.split()
)
_SHORT: Final = frozenset(name for group in _BARE for name in _GROUPS[group].split())
# Of one type of message each, and there only once it was seen.
_OF_TYPES: Final = ("IcmpMsgInType", "IcmpMsgOutType")


def near(name: str) -> tuple[str, ...] | None:
    """The names among which a slip of the pen was meant; None for one that some Linux has."""
    if name in _SHORT or name in _WHOLE or name.startswith(_OF_TYPES):
        return None
    return tuple(sorted(_SHORT | _WHOLE))

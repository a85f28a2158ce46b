"""The names of sysctls that Linux has had, to tell a slip of the pen from what a kernel lacks.

A kernel that has not got a sysctl yet, or no more, skips the cases that set it. A name that no
kernel ever had would skip them everywhere, and nobody would see it. The names are those of 6.12 and
6.18, and what older kernels had besides. A kernel of one's own may have others, which the case then
says: ``needs: [net.ipv4.mine]``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_IPV4: Final = """\
cipso_cache_bucket_size cipso_cache_enable cipso_rbm_optfmt cipso_rbm_strictvalid
fib_multipath_hash_fields fib_multipath_hash_policy fib_multipath_hash_seed
fib_multipath_use_neigh fib_notify_on_flag_change fib_sync_mem fwmark_reflect
icmp_echo_enable_probe icmp_echo_ignore_all icmp_echo_ignore_broadcasts
icmp_errors_use_inbound_ifaddr icmp_ignore_bogus_error_responses icmp_msgs_burst
icmp_msgs_per_sec icmp_ratelimit icmp_ratemask igmp_link_local_mcast_reports
igmp_max_memberships igmp_max_msf igmp_qrv inet_peer_gc_maxtime inet_peer_gc_mintime
inet_peer_maxttl inet_peer_minttl inet_peer_threshold ip_autobind_reuse ip_default_ttl
ip_dynaddr ip_early_demux ip_forward ip_forward_update_priority ip_forward_use_pmtu
ip_local_port_range ip_local_reserved_ports ip_no_pmtu_disc ip_nonlocal_bind
ip_unprivileged_port_start ipfrag_high_thresh ipfrag_low_thresh ipfrag_max_dist
ipfrag_secret_interval ipfrag_time nexthop_compat_mode ping_group_range raw_l3mdev_accept
route.error_burst route.error_cost route.flush route.gc_elasticity route.gc_interval
route.gc_min_interval route.gc_min_interval_ms route.gc_thresh route.gc_timeout route.max_size
route.min_adv_mss route.min_pmtu route.mtu_expires route.redirect_load route.redirect_number
route.redirect_silence tcp_abc tcp_abort_on_overflow tcp_adv_win_scale
tcp_allowed_congestion_control tcp_app_win tcp_autocorking tcp_available_congestion_control
tcp_available_ulp tcp_backlog_ack_defer tcp_base_mss tcp_bic tcp_bpf_bypass_getsockopt
tcp_challenge_ack_limit tcp_child_ehash_entries tcp_comp_sack_delay_ns tcp_comp_sack_nr
tcp_comp_sack_rtt_percent tcp_comp_sack_slack_ns tcp_congestion_control tcp_cookie_size
tcp_default_win_scale tcp_dma_copybreak tcp_dsack tcp_early_demux tcp_early_retrans tcp_ecn
tcp_ecn_fallback tcp_ecn_option tcp_ecn_option_beacon tcp_ehash_entries tcp_fack tcp_fastopen
tcp_fastopen_blackhole_timeout_sec tcp_fastopen_key tcp_fin_timeout tcp_frto tcp_frto_response
tcp_fwmark_accept tcp_invalid_ratelimit tcp_keepalive_intvl tcp_keepalive_probes
tcp_keepalive_time tcp_l3mdev_accept tcp_limit_output_bytes tcp_low_latency tcp_max_orphans
tcp_max_reordering tcp_max_ssthresh tcp_max_syn_backlog tcp_max_tw_buckets tcp_mem
tcp_migrate_req tcp_min_rtt_wlen tcp_min_snd_mss tcp_min_tso_segs tcp_moderate_rcvbuf
tcp_mtu_probe_floor tcp_mtu_probing tcp_no_metrics_save tcp_no_ssthresh_metrics_save
tcp_notsent_lowat tcp_orphan_retries tcp_pacing_ca_ratio tcp_pacing_ss_ratio tcp_pingpong_thresh
tcp_plb_cong_thresh tcp_plb_enabled tcp_plb_idle_rehash_rounds tcp_plb_rehash_rounds
tcp_plb_suspend_rto_sec tcp_probe_interval tcp_probe_threshold tcp_rcvbuf_low_rtt tcp_recovery
tcp_reflect_tos tcp_reordering tcp_retrans_collapse tcp_retries1 tcp_retries2 tcp_rfc1337
tcp_rmem tcp_rto_max_ms tcp_rto_min_us tcp_rx_skb_cache tcp_sack tcp_shrink_window
tcp_slow_start_after_idle tcp_stdurg tcp_syn_linear_timeouts tcp_syn_retries tcp_synack_retries
tcp_syncookies tcp_thin_dupack tcp_thin_linear_timeouts tcp_timestamps tcp_tso_rtt_log
tcp_tso_win_divisor tcp_tw_recycle tcp_tw_reuse tcp_tw_reuse_delay tcp_tx_skb_cache
tcp_vegas_cong_avoid tcp_westwood tcp_window_scaling tcp_wmem tcp_workaround_signed_windows
udp_child_hash_entries udp_early_demux udp_hash_entries udp_l3mdev_accept udp_mem udp_rmem_min
udp_wmem_min xfrm4_gc_thresh
"""
_IPV6: Final = """\
anycast_src_echo_reply auto_flowlabels bindv6only calipso_cache_bucket_size calipso_cache_enable
fib_multipath_hash_fields fib_multipath_hash_policy fib_notify_on_flag_change
flowlabel_consistency flowlabel_reflect flowlabel_state_ranges fwmark_reflect
icmp.echo_ignore_all icmp.echo_ignore_anycast icmp.echo_ignore_multicast
icmp.error_anycast_as_unicast icmp.ratelimit icmp.ratemask idgen_delay idgen_retries ioam6_id
ioam6_id_wide ip6frag_high_thresh ip6frag_low_thresh ip6frag_secret_interval ip6frag_time
ip_nonlocal_bind max_dst_opts_length max_dst_opts_number max_hbh_length max_hbh_opts_number
mld_max_msf mld_qrv route.flush route.gc_elasticity route.gc_interval route.gc_min_interval
route.gc_min_interval_ms route.gc_thresh route.gc_timeout route.max_size route.min_adv_mss
route.mtu_expires route.skip_notify_on_dev_down seg6_flowlabel xfrm6_gc_thresh
"""
_CORE: Final = """\
bpf_jit_enable bpf_jit_harden bpf_jit_kallsyms bpf_jit_limit busy_poll busy_read default_qdisc
dev_weight dev_weight_rx_bias dev_weight_tx_bias devconf_inherit_init_net
fb_tunnels_only_for_init_net flow_limit_cpu_bitmap flow_limit_table_len gro_normal_batch
high_order_alloc_disable max_skb_frags mem_pcpu_rsv message_burst message_cost netdev_budget
netdev_budget_usecs netdev_max_backlog netdev_rss_key netdev_tstamp_prequeue
netdev_unregister_timeout_secs optmem_max rmem_default rmem_max rps_default_mask
rps_sock_flow_entries skb_defer_max somaxconn tstamp_allow_data txrehash warnings wmem_default
wmem_max xfrm_acq_expires xfrm_aevent_etime xfrm_aevent_rseqth xfrm_larval_drop
"""
_MPTCP: Final = """\
add_addr_timeout allow_join_initial_addr_port available_path_managers available_schedulers
blackhole_timeout checksum_enabled close_timeout enabled path_manager pm_type scheduler
stale_loss_cnt syn_retrans_before_tcp_fallback
"""
# Of one interface, or of all.
_IPV4_CONF: Final = """\
accept_local accept_redirects accept_source_route arp_accept arp_announce arp_evict_nocarrier
arp_filter arp_ignore arp_notify bc_forwarding bootp_relay disable_policy disable_xfrm
drop_gratuitous_arp drop_unicast_in_l2_multicast force_igmp_version forwarding
igmpv2_unsolicited_report_interval igmpv3_unsolicited_report_interval
ignore_routes_with_linkdown log_martians mc_forwarding medium_id promote_secondaries proxy_arp
proxy_arp_pvlan route_localnet rp_filter secure_redirects send_redirects shared_media
src_valid_mark tag
"""
_IPV4_NEIGH: Final = """\
anycast_delay app_solicit base_reachable_time base_reachable_time_ms delay_first_probe_time
gc_interval gc_stale_time gc_thresh1 gc_thresh2 gc_thresh3 interval_probe_time_ms locktime
mcast_resolicit mcast_solicit proxy_delay proxy_qlen retrans_time retrans_time_ms ucast_solicit
unres_qlen unres_qlen_bytes
"""
_IPV6_CONF: Final = """\
accept_dad accept_ra accept_ra_defrtr accept_ra_from_local accept_ra_min_hop_limit
accept_ra_min_lft accept_ra_mtu accept_ra_pinfo accept_ra_rt_info_max_plen
accept_ra_rt_info_min_plen accept_ra_rtr_pref accept_redirects accept_source_route
accept_untracked_na addr_gen_mode autoconf dad_transmits disable_ipv6 disable_policy
drop_unicast_in_l2_multicast drop_unsolicited_na enhanced_dad force_forwarding force_mld_version
force_tllao forwarding hop_limit ignore_routes_with_linkdown ioam6_enabled ioam6_id
ioam6_id_wide keep_addr_on_down max_addresses max_desync_factor mc_forwarding
mldv1_unsolicited_report_interval mldv2_unsolicited_report_interval mtu ndisc_evict_nocarrier
ndisc_notify ndisc_tclass optimistic_dad proxy_ndp ra_defrtr_metric ra_honor_pio_life
ra_honor_pio_pflag regen_max_retry regen_min_advance router_probe_interval
router_solicitation_delay router_solicitation_interval router_solicitation_max_interval
router_solicitations rpl_seg_enabled seg6_enabled seg6_require_hmac stable_secret
suppress_frag_ndisc temp_prefered_lft temp_valid_lft use_oif_addrs_only use_optimistic
use_tempaddr
"""
_IPV6_NEIGH: Final = """\
anycast_delay app_solicit base_reachable_time base_reachable_time_ms delay_first_probe_time
gc_interval gc_stale_time gc_thresh1 gc_thresh2 gc_thresh3 interval_probe_time_ms locktime
mcast_resolicit mcast_solicit proxy_delay proxy_qlen retrans_time retrans_time_ms ucast_solicit
unres_qlen unres_qlen_bytes
"""
_TREES: Final[Mapping[str, frozenset[str]]] = {
    "net.ipv4": frozenset(_IPV4.split()),
    "net.ipv6": frozenset(_IPV6.split()),
    "net.core": frozenset(_CORE.split()),
    "net.mptcp": frozenset(_MPTCP.split()),
}
_EACH: Final[Mapping[str, frozenset[str]]] = {
    "net.ipv4.conf": frozenset(_IPV4_CONF.split()),
    "net.ipv4.neigh": frozenset(_IPV4_NEIGH.split()),
    "net.ipv6.conf": frozenset(_IPV6_CONF.split()),
    "net.ipv6.neigh": frozenset(_IPV6_NEIGH.split()),
}
_OTHERS: Final = ("net.bridge.", "net.netfilter.", "net.unix.", "net.mpls.", "net.sctp.")
_OF_ONE: Final = re.compile(r"(net\.ipv[46]\.(?:conf|neigh))\.(.+)\.([a-z0-9_]+)")
ALL: Final = frozenset(f"{tree}.{name}" for tree, names in _TREES.items() for name in names)


def near(name: str) -> tuple[str, ...] | None:
    """The names among which a slip of the pen was meant; None for one that some Linux has."""
    tree, names, of_one = "", ALL, _OF_ONE.fullmatch(name)
    if of_one is not None:
        tree, names = f"{of_one[1]}.{of_one[2]}.", _EACH[of_one[1]]
    if name.removeprefix(tree) in names or name.startswith(_OTHERS):
        return None
    return tuple(tree + one for one in sorted(names))

//! @NAME@ in the conformance harness. conformance_glue.rs, beside this file, explains each function.
//!
//!     rustc -O --edition=2021 -o @NAME@ @NAME@.rs
//!
//! This compiles and runs as it is, on a toy that answers ARP and resets every connection that is
//! asked for. Put your stack in its place, one TODO after the other; `conformance target check
//! @NAME@.yaml` says what is still missing.
//!
//! SPDX-License-Identifier: MIT
//! SPDX-FileCopyrightText: 2026 The tcp-conformance authors
mod conformance_glue;

use conformance_glue::{octets_of, Errno, Flags, Host, Lab, Socket, Stack};

// ---- the toy; TODO: remove it, and use your stack's crate or modules here ---------------------------

fn sum16(data: &[u8], start: u32) -> [u8; 2] {
    let words = data.chunks(2).map(|two| u32::from(two[0]) << 8 | u32::from(*two.get(1).unwrap_or(&0)));
    let mut sum = start + words.sum::<u32>();
    while sum >> 16 != 0 {
        sum = (sum & 0xFFFF) + (sum >> 16);
    }
    (!sum as u16).to_be_bytes()
}

fn toy_arp(lab: &Lab, frame: &[u8]) -> Option<Vec<u8>> {
    if frame.len() < 42 || frame[21] != 1 || frame[38..42] != octets_of(lab.target)[..] {
        return None;
    }
    let mut reply = [&frame[6..12], &lab.target_mac, &frame[12..20], &[0, 2], &lab.target_mac].concat();
    reply.extend(octets_of(lab.target));
    reply.extend(&frame[22..32]);
    Some(reply)
}

/// <SEQ=0><ACK=SEG.SEQ+1><CTL=RST,ACK> to a SYN: RFC 9293 3.10.7.1.
fn toy_reset(lab: &Lab, frame: &[u8]) -> Option<Vec<u8>> {
    let ip = frame.get(14..34)?;
    let tcp = frame.get(14 + 4 * usize::from(ip[0] & 15)..)?;
    if ip[0] & 15 < 5 || tcp.len() < 20 || ip[9] != 6 || ip[16..] != octets_of(lab.target)[..] || tcp[13] & 0x17 != 2 {
        return None;
    }
    let mut header = [&[0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0], &ip[16..20], &ip[12..16]].concat();
    let sum = sum16(&header, 0);
    header[10..12].copy_from_slice(&sum);
    let ack = u32::from_be_bytes([tcp[4], tcp[5], tcp[6], tcp[7]]).wrapping_add(1).to_be_bytes();
    let mut reset = [&tcp[2..4], &tcp[..2], &[0; 4], &ack, &[0x50, 0x14], &[0; 6]].concat();
    let sum = sum16(&[&header[12..], &reset].concat(), 6 + 20);
    reset[16..18].copy_from_slice(&sum);
    Some([&frame[6..12], &lab.target_mac, &frame[12..14], &header, &reset].concat())
}

// ---- the stack ---------------------------------------------------------------------------------------

struct Wired; // TODO: your stack, and what you keep of each Socket

impl Stack for Wired {
    fn text(&self) -> String {
        "@NAME@".to_string() // TODO: and its version
    }

    fn abilities(&self) -> &str {
        "CALLS STATE" // TODO: ACTIVE-OPEN, IPV6, ICMP, OPTIONS, as it can
    }

    fn open(&mut self, host: &mut Host) -> Result<(), Errno> {
        // TODO: start your stack and give its interface the target_mac, target, prefix and mtu of
        // host.lab(). Its driver sends with host.frame(); its clock is host.now(), in nanoseconds. Tell
        // it that the tester is at tester_mac, if it can be told, else by arp_of_tester().
        if host.lab().target.is_ipv6() {
            return Err("EAFNOSUPPORT");
        }
        Ok(())
    }

    fn input(&mut self, host: &mut Host, frame: &[u8]) {
        // TODO: hand the frame to your stack.
        let reply = match frame[12..14] {
            [8, 6] => toy_arp(host.lab(), frame),
            [8, 0] => toy_reset(host.lab(), frame),
            _ => None,
        };
        if let Some(reply) = reply {
            host.frame(&reply);
        }
    }

    fn next_timer(&mut self, _host: &Host) -> Option<i64> {
        None // TODO: when your next timer is due, in nanoseconds on the clock of host.now()
    }

    fn run_timers(&mut self, _host: &mut Host) {
        // TODO: run the timers that are due at host.now().
    }

    fn listen(&mut self, _host: &mut Host, _s: Socket, _port: u16, _backlog: usize) -> Result<(), Errno> {
        // TODO: listen, and keep your listener under _s. Where your stack reports a connection that is
        // ESTABLISHED, call host.accepted(_s), which gives the new connection's socket: pass that one to
        // host.data, host.eof and host.error from then on.
        Ok(())
    }

    fn connect(&mut self, _host: &mut Host, _s: Socket, _local: u16, _port: u16) -> Result<(), Errno> {
        // TODO: send a SYN to _port of the tester (_local 0: choose one). Call host.connected(_s) when it
        // is ESTABLISHED, host.error(_s, Some("ECONNRESET")) when it is reset, ETIMEDOUT when you give up.
        Err("ENOSYS")
    }

    fn write(&mut self, _host: &mut Host, _s: Socket, _data: &[u8], _flags: Flags) -> Result<usize, Errno> {
        Err("EPIPE") // TODO: take what your send buffer has room for, say how much, and send.
    }

    fn received(&mut self, _host: &mut Host, _s: Socket, _n: usize) {
        // TODO: the application has read n octets of what you gave to host.data: open the window.
    }

    fn shutdown(&mut self, _host: &mut Host, _s: Socket, _how: u8) -> Result<(), Errno> {
        // TODO: how & WR: a FIN behind what is queued. how & RD: nobody will read.
        Err("ENOTCONN")
    }

    fn close(&mut self, _host: &mut Host, _s: Socket, _reset: bool) -> Result<(), Errno> {
        // TODO: reset: send a RST and forget the connection. Else close it in good order: it goes on by
        // itself. Never name _s again.
        Ok(())
    }

    fn state(&mut self, _local: u16, _remote: u16) -> Result<Option<&'static str>, Errno> {
        // TODO: the state of the connection between these ports, by its name in RFC 9293 3.3.2
        // ("SYN-RECEIVED", "TIME-WAIT"), from your table of connections; None for none.
        Ok(None)
    }
}

fn main() {
    conformance_glue::run(Wired);
}

//! The least that can be called a TCP, over IPv4, behind conformance_glue.rs: no retransmission, no
//! options but MSS, text in order only. It shows that an author's part is the stack alone.
#[path = "../../conformance/glue/conformance_glue.rs"]
mod conformance_glue;

use conformance_glue::{octets_of, Errno, Flags, Host, Socket, Stack, SECOND, WR};
use std::collections::BTreeMap;

const TICKING: u16 = 9; // while somebody listens there a timer is due each microsecond
const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;
const ACK: u8 = 16;
const ROOM: usize = 8000;

#[derive(Default)]
struct Connection {
    state: &'static str,
    socket: Option<Socket>,
    listener: Option<Socket>,
    una: u32,
    nxt: u32,
    window: usize,
    rcv: u32,
    unread: usize,
    unsent: Vec<u8>,
    fin: bool,
    ends: Option<i64>, // when TIME-WAIT is over
}

#[derive(Default)]
struct Tiny {
    listeners: BTreeMap<u16, Socket>,
    connections: BTreeMap<(u16, u16), Connection>,
}

fn sum16(data: &[u8], start: u32) -> [u8; 2] {
    let words = data.chunks(2).map(|two| u32::from(two[0]) << 8 | u32::from(*two.get(1).unwrap_or(&0)));
    let mut sum = start + words.sum::<u32>();
    while sum >> 16 != 0 {
        sum = (sum & 0xFFFF) + (sum >> 16);
    }
    (!sum as u16).to_be_bytes()
}

fn long(octets: &[u8]) -> u32 {
    octets.iter().fold(0, |sum, octet| sum << 8 | u32::from(*octet))
}

fn send(host: &mut Host, ports: (u16, u16), flags: u8, seq: u32, ack: u32, window: usize, text: &[u8]) {
    let lab = host.lab().clone();
    let options: &[u8] = if flags & SYN != 0 { &[2, 4, 5, 180] } else { &[] };
    let length = 40 + options.len() + text.len();
    let mut ip = [&[0x45, 0][..], &(length as u16).to_be_bytes(), &[0, 0, 0x40, 0, 64, 6, 0, 0]].concat();
    ip.extend(octets_of(lab.target));
    ip.extend(octets_of(lab.tester));
    let sum = sum16(&ip, 0);
    ip[10..12].copy_from_slice(&sum);
    let mut tcp = [&ports.0.to_be_bytes()[..], &ports.1.to_be_bytes(), &seq.to_be_bytes(), &ack.to_be_bytes()].concat();
    tcp.extend([0x50 + 4 * options.len() as u8, flags]);
    tcp.extend((window as u16).to_be_bytes());
    tcp.extend([0; 4]);
    tcp.extend(options);
    tcp.extend(text);
    let sum = sum16(&[&ip[12..], &tcp].concat(), 6 + tcp.len() as u32);
    tcp[16..18].copy_from_slice(&sum);
    host.frame(&[&lab.tester_mac[..], &lab.target_mac, &[8, 0], &ip, &tcp].concat());
}

impl Connection {
    fn ack(&self, host: &mut Host, ports: (u16, u16), flags: u8) {
        send(host, ports, ACK | flags, self.nxt, self.rcv, ROOM - self.unread, &[]);
    }

    /// Send what the window has room for, and the FIN behind it.
    fn push(&mut self, host: &mut Host, ports: (u16, u16)) {
        while !self.unsent.is_empty() {
            let flight = self.nxt.wrapping_sub(self.una) as usize;
            let n = self.unsent.len().min(1460).min(self.window.saturating_sub(flight));
            if n == 0 {
                return;
            }
            let text: Vec<u8> = self.unsent.drain(..n).collect();
            send(host, ports, ACK, self.nxt, self.rcv, ROOM - self.unread, &text);
            self.nxt = self.nxt.wrapping_add(n as u32);
        }
        let next = match self.state {
            "ESTABLISHED" => "FIN-WAIT-1",
            "CLOSE-WAIT" => "LAST-ACK",
            _ => return,
        };
        if self.fin {
            self.ack(host, ports, FIN);
            self.nxt = self.nxt.wrapping_add(1);
            self.state = next;
        }
    }

    /// The connection is past its SYNs; false if it is over.
    fn takes(&mut self, host: &mut Host, ports: (u16, u16), flags: u8, seq: u32, ack: u32, text: &[u8]) -> bool {
        let all = ack == self.nxt;
        self.una = ack;
        self.state = match (self.state, all) {
            ("FIN-WAIT-1", true) => "FIN-WAIT-2",
            ("CLOSING", true) => "TIME-WAIT",
            ("LAST-ACK", true) => return false,
            (state, _) => state,
        };
        if seq == self.rcv && text.len() + self.unread <= ROOM {
            self.rcv = self.rcv.wrapping_add(text.len() as u32);
            if let Some(s) = self.socket {
                host.data(s, text);
                self.unread += text.len();
            }
            if flags & FIN != 0 {
                self.rcv = self.rcv.wrapping_add(1);
                self.socket.map(|s| host.eof(s));
                self.state = match self.state {
                    "ESTABLISHED" => "CLOSE-WAIT",
                    "FIN-WAIT-1" => "CLOSING",
                    "FIN-WAIT-2" => "TIME-WAIT",
                    state => state,
                };
            }
        }
        if self.state == "TIME-WAIT" {
            self.ends = Some(host.now() + 240 * SECOND);
        }
        if !text.is_empty() || flags & FIN != 0 {
            self.ack(host, ports, 0);
        }
        self.push(host, ports);
        true
    }
}

impl Tiny {
    fn of(&mut self, s: Socket) -> Option<(&(u16, u16), &mut Connection)> {
        self.connections.iter_mut().find(|(_, one)| one.socket == Some(s))
    }

    fn tcp(&mut self, host: &mut Host, tcp: &[u8]) {
        let ports = (long(&tcp[2..4]) as u16, long(&tcp[..2]) as u16);
        let (seq, ack, flags) = (long(&tcp[4..8]), long(&tcp[8..12]), tcp[13]);
        let text = &tcp[4 * usize::from(tcp[12] >> 4)..];
        if !self.connections.contains_key(&ports) && flags & (SYN | ACK | RST) == SYN {
            if let Some(listener) = self.listeners.get(&ports.0) {
                let new = Connection {
                    state: "SYN-RECEIVED", listener: Some(*listener), una: 1000, nxt: 1001,
                    rcv: seq.wrapping_add(1), ..Connection::default()
                };
                send(host, ports, SYN | ACK, 1000, new.rcv, ROOM, &[]);
                self.connections.insert(ports, new);
                return;
            }
        }
        let one = match self.connections.get_mut(&ports) {
            Some(one) => one,
            None if flags & RST != 0 => return,
            None if flags & ACK != 0 => return send(host, ports, RST, ack, 0, 0, &[]),
            None => {
                let after = seq.wrapping_add(text.len() as u32 + u32::from(flags & SYN != 0) + u32::from(flags & FIN));
                return send(host, ports, RST | ACK, 0, after, 0, &[]);
            }
        };
        one.window = long(&tcp[14..16]) as usize;
        let mut lives = flags & RST == 0;
        match one.state {
            _ if !lives => {
                one.socket.map(|s| host.error(s, Some("ECONNRESET")));
            }
            "SYN-SENT" if flags & (SYN | ACK) == SYN | ACK && ack == one.nxt => {
                (one.state, one.una, one.rcv) = ("ESTABLISHED", ack, seq.wrapping_add(1));
                one.ack(host, ports, 0);
                one.socket.map(|s| host.connected(s));
            }
            "SYN-RECEIVED" if flags & ACK != 0 && ack == one.nxt => {
                one.socket = one.listener.and_then(|listener| host.accepted(listener));
                one.state = "ESTABLISHED";
                lives = one.socket.is_some() && one.takes(host, ports, flags, seq, ack, text);
            }
            "SYN-SENT" | "SYN-RECEIVED" => {}
            _ if flags & ACK != 0 => lives = one.takes(host, ports, flags, seq, ack, text),
            _ => {}
        }
        if !lives {
            self.connections.remove(&ports);
        }
    }
}

impl Stack for Tiny {
    fn text(&self) -> String {
        "tiny".to_string()
    }

    fn abilities(&self) -> &str {
        "CALLS STATE ACTIVE-OPEN"
    }

    fn open(&mut self, host: &mut Host) -> Result<(), Errno> {
        if host.lab().target.is_ipv6() {
            return Err("EAFNOSUPPORT");
        }
        Ok(())
    }

    fn input(&mut self, host: &mut Host, frame: &[u8]) {
        let target = octets_of(host.lab().target);
        if frame.len() >= 42 && frame[12..14] == [8, 6] && frame[21] == 1 && frame[38..42] == target[..] {
            let own = host.lab().target_mac;
            let reply = [&frame[6..12], &own, &frame[12..20], &[0, 2], &own, &target, &frame[22..32]].concat();
            return host.frame(&reply);
        }
        if frame.len() < 54 || frame[12..15] != [8, 0, 0x45] || frame[23] != 6 || frame[30..34] != target[..] {
            return;
        }
        let end = 14 + long(&frame[16..18]) as usize;
        let header = 4 * usize::from(frame[46] >> 4);
        if end <= frame.len() && header >= 20 && 34 + header <= end {
            self.tcp(host, &frame[34..end]);
        }
    }

    fn next_timer(&mut self, host: &Host) -> Option<i64> {
        if self.listeners.contains_key(&TICKING) {
            return Some(host.now() + 1000);
        }
        self.connections.values().filter_map(|one| one.ends).min()
    }

    fn run_timers(&mut self, host: &mut Host) {
        let now = host.now();
        self.connections.retain(|_, one| one.ends.map_or(true, |ends| ends > now));
    }

    fn listen(&mut self, _host: &mut Host, s: Socket, port: u16, _backlog: usize) -> Result<(), Errno> {
        if self.listeners.contains_key(&port) {
            return Err("EADDRINUSE");
        }
        self.listeners.insert(port, s);
        Ok(())
    }

    fn connect(&mut self, host: &mut Host, s: Socket, local: u16, port: u16) -> Result<(), Errno> {
        let ports = (if local == 0 { 50000 } else { local }, port);
        let new = Connection { state: "SYN-SENT", socket: Some(s), una: 1000, nxt: 1001, ..Connection::default() };
        self.connections.insert(ports, new);
        send(host, ports, SYN, 1000, 0, ROOM, &[]);
        Ok(())
    }

    fn write(&mut self, host: &mut Host, s: Socket, data: &[u8], _flags: Flags) -> Result<usize, Errno> {
        let (ports, one) = self.of(s).ok_or("EPIPE")?;
        let n = data.len().min(ROOM - one.unsent.len());
        one.unsent.extend(&data[..n]);
        one.push(host, *ports);
        Ok(n)
    }

    fn received(&mut self, _host: &mut Host, s: Socket, n: usize) {
        if let Some((_, one)) = self.of(s) {
            one.unread -= n;
        }
    }

    fn shutdown(&mut self, host: &mut Host, s: Socket, how: u8) -> Result<(), Errno> {
        let (ports, one) = self.of(s).ok_or("ENOTCONN")?;
        one.fin |= how & WR != 0;
        one.push(host, *ports);
        Ok(())
    }

    fn close(&mut self, host: &mut Host, s: Socket, reset: bool) -> Result<(), Errno> {
        self.listeners.retain(|_, listener| *listener != s);
        self.connections.retain(|_, one| one.listener != Some(s) || one.state != "SYN-RECEIVED");
        let (ports, one) = match self.of(s) {
            Some(found) => found,
            None => return Ok(()),
        };
        let ports = *ports;
        if reset || one.state == "SYN-SENT" || one.unread > 0 {
            if one.state != "SYN-SENT" {
                one.ack(host, ports, RST);
            }
            self.connections.remove(&ports);
        } else {
            (one.socket, one.fin) = (None, true);
            one.push(host, ports);
        }
        Ok(())
    }

    fn state(&mut self, local: u16, remote: u16) -> Result<Option<&'static str>, Errno> {
        Ok(self.connections.get(&(local, remote)).map(|one| one.state))
    }

    fn reset(&mut self) -> Result<(), Errno> {
        *self = Tiny::default();
        Ok(())
    }
}

fn main() {
    conformance_glue::run(Tiny::default());
}

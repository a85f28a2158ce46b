//! conformance_glue.rs: wires a TCP stack written in Rust into the conformance harness. One file, no
//! crates, Rust 1.63 or later, Linux.
//!
//! How to write a glue (`conformance target new NAME --lang rust` writes the frame of one):
//!
//! 1. `mod conformance_glue;`, implement `Stack`, and end with `conformance_glue::run(MyStack::new())`.
//!    It reads the requests, answers them, keeps handles, buffers and both clocks, and calls you, from
//!    one thread. Nothing but `text`, `abilities` and `reset` is called before `open`.
//! 2. `open` configures your one interface; `input` gives you an Ethernet frame, your driver's output
//!    is `host.frame()`. Your clock is `host.now()`, in nanoseconds: a stack that keeps to it runs in
//!    virtual time too. `next_timer` says when your next timer is due on that clock, `run_timers` runs
//!    those that are. A coarse clock rounds up. The tester never changes: tell your stack where it is
//!    (`host.lab().tester_mac`), for good; `arp_of_tester` is a frame that does.
//! 3. A `Socket` is a name for one end of a connection, or a listener; keep your own object under it.
//!    `write` takes what your send buffer has room for and says how much; it is asked again after every
//!    event. `received` says that the application has read n octets: open the window. A stack that is
//!    asked for its data says `reads` and has `read` instead. After `close` the socket is no more.
//! 4. A function fails with the name of an errno; what you leave out is answered with ENOSYS, an option
//!    of yours with ENOPROTOOPT.
//! 5. Tell what happens, as soon as it does: `host.accepted(listener)`: a new connection is ESTABLISHED
//!    (None: nobody has room for it, refuse it); `host.connected(s)`; `host.data(s, octets)`;
//!    `host.eof(s)`: the peer's FIN came, behind all data; `host.error(s, Some("ECONNRESET"))`: the
//!    connection is gone, None: in good order.
//! 6. `state` answers for two ports, from your tables of connections, not of sockets: half-open ones,
//!    those whose application has closed, TIME-WAIT. None: there is none.
//! 7. `work`, if your stack does not act at once: do and send all that can be done now.
//!
//! stdout belongs to the protocol, version 1: one JSON object a line, see the harness's glue/README.md.
//!
//! SPDX-License-Identifier: MIT
//! SPDX-FileCopyrightText: 2026 The tcp-conformance authors
#![allow(dead_code)]

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::os::raw::{c_int, c_ulong, c_void};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

pub const SECOND: i64 = 1_000_000_000;
pub const RD: u8 = 1; // how to shut down
pub const WR: u8 = 2;
const BEGINNING: i64 = 1000 * SECOND; // of the virtual clock
const FRAME: usize = 65535; // octets of the largest frame
const MOST: i64 = 1 << 24; // of a line, a send, a recv: an error eats no memory
const QUEUED: usize = 4096; // frames that nobody reads: one more is lost
const ROUNDS: usize = 100_000; // of timers at one instant: they never end, then
const LONGEST: Duration = Duration::from_millis(500); // of work before an advance answers how far it got
const DEPTH: usize = 32; // of JSON in JSON

/// The name of an errno, as "ECONNRESET".
pub type Errno = &'static str;

/// One end of a connection, or a listener.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Socket(u64);

/// Who is who on the wire.
#[derive(Clone, Debug)]
pub struct Lab {
    pub target: IpAddr,
    pub tester: IpAddr,
    pub prefix: u8,
    pub mtu: usize,
    pub target_mac: [u8; 6],
    pub tester_mac: [u8; 6],
}

impl Lab {
    /// An ARP reply from the tester (IPv4): for a stack that cannot be told its neighbours.
    pub fn arp_of_tester(&self) -> Vec<u8> {
        let mut frame = [self.target_mac, self.tester_mac].concat();
        frame.extend([8, 6, 0, 1, 8, 0, 6, 4, 0, 2]);
        frame.extend(self.tester_mac);
        frame.extend(octets_of(self.tester));
        frame.extend(self.target_mac);
        frame.extend(octets_of(self.target));
        frame
    }
}

/// The octets of an address, 4 or 16.
pub fn octets_of(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(four) => four.octets().to_vec(),
        IpAddr::V6(six) => six.octets().to_vec(),
    }
}

/// How to write: what is sent may wait for the next; the last octet is urgent.
#[derive(Clone, Copy, Default, Debug)]
pub struct Flags {
    pub more: bool,
    pub oob: bool,
}

/// One stack; what it cannot do it leaves out.
pub trait Stack {
    /// Name and version.
    fn text(&self) -> String;
    /// Words as "CALLS STATE ACTIVE-OPEN IPV6".
    fn abilities(&self) -> &str;
    /// Configure the one interface (`host.lab()`); once, and once after each reset.
    fn open(&mut self, host: &mut Host) -> Result<(), Errno>;
    fn input(&mut self, host: &mut Host, frame: &[u8]);
    fn next_timer(&mut self, _host: &Host) -> Option<i64> {
        None
    }
    fn run_timers(&mut self, _host: &mut Host) {}
    fn work(&mut self, _host: &mut Host) {}
    fn listen(&mut self, _host: &mut Host, _s: Socket, _port: u16, _backlog: usize) -> Result<(), Errno> {
        Err("ENOSYS")
    }
    fn connect(&mut self, _host: &mut Host, _s: Socket, _local: u16, _port: u16) -> Result<(), Errno> {
        Err("ENOSYS")
    }
    fn write(&mut self, _host: &mut Host, _s: Socket, _data: &[u8], _flags: Flags) -> Result<usize, Errno> {
        Err("ENOSYS")
    }
    fn received(&mut self, _host: &mut Host, _s: Socket, _n: usize) {}
    fn reads(&self) -> bool {
        false
    }
    fn read(&mut self, _host: &mut Host, _s: Socket, _into: &mut [u8]) -> Result<usize, Errno> {
        Ok(0)
    }
    fn shutdown(&mut self, _host: &mut Host, _s: Socket, _how: u8) -> Result<(), Errno> {
        Err("ENOSYS")
    }
    fn close(&mut self, _host: &mut Host, _s: Socket, _reset: bool) -> Result<(), Errno> {
        Err("ENOSYS")
    }
    fn setsockopt(&mut self, _host: &mut Host, _s: Socket, _name: &str, _value: i64) -> Result<(), Errno> {
        Err("ENOPROTOOPT")
    }
    fn getsockopt(&mut self, _host: &mut Host, _s: Socket, _name: &str) -> Result<i64, Errno> {
        Err("ENOPROTOOPT")
    }
    /// What TCP knows of the connection (ability INFO): "cwnd=10 ca-state=open".
    fn info(&mut self, _s: Socket) -> Result<String, Errno> {
        Err("ENOSYS")
    }
    fn state(&mut self, _local: u16, _remote: u16) -> Result<Option<&'static str>, Errno> {
        Err("ENOSYS")
    }
    fn set(&mut self, _name: &str, _value: &str) -> Result<(), Errno> {
        Err("ENOPROTOOPT")
    }
    /// Forget everything, and send nothing; the clock goes on.
    fn reset(&mut self) -> Result<(), Errno> {
        Err("ENOSYS")
    }
}

// ---- the machine ----------------------------------------------------------------------------------

#[repr(C)]
struct PollFd {
    fd: c_int,
    events: i16,
    revents: i16,
}

const POLLIN: i16 = 1;
const POLLOUT: i16 = 4;
const POLLERR: i16 = 8;
const POLLHUP: i16 = 16;
const POLLNVAL: i16 = 32;

extern "C" {
    fn poll(fds: *mut PollFd, n: c_ulong, timeout: c_int) -> c_int;
    fn fcntl(fd: c_int, command: c_int, ...) -> c_int;
    fn dup(fd: c_int) -> c_int;
    fn dup2(from: c_int, to: c_int) -> c_int;
    fn read(fd: c_int, data: *mut c_void, room: usize) -> isize;
    fn write(fd: c_int, data: *const c_void, length: usize) -> isize;
    fn socket(family: c_int, kind: c_int, protocol: c_int) -> c_int;
    fn bind(fd: c_int, address: *const c_void, length: u32) -> c_int;
    fn setsockopt(fd: c_int, level: c_int, name: c_int, value: *const c_void, length: u32) -> c_int;
    fn if_nametoindex(name: *const u8) -> u32;
}

fn over() -> bool {
    let error = std::io::Error::last_os_error();
    !matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::Interrupted)
}

fn last_errno() -> i32 {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

fn unblock(fd: c_int) {
    const GET: c_int = 3;
    const SET: c_int = 4;
    const NONBLOCK: c_int = 0o4000;
    unsafe { fcntl(fd, SET, fcntl(fd, GET) | NONBLOCK) };
}

fn wait_for(fds: &mut [PollFd], milliseconds: c_int) -> c_int {
    unsafe { poll(fds.as_mut_ptr(), fds.len() as c_ulong, milliseconds) }
}

/// A packet socket on an interface of our network namespace.
fn interface(name: &str) -> Option<c_int> {
    let all = 3u16.to_be(); // ETH_P_ALL
    let name = [name.as_bytes(), &[0]].concat();
    unsafe {
        let index = if_nametoindex(name.as_ptr());
        let wire = socket(17, 3, all as c_int); // AF_PACKET, SOCK_RAW
        let mut place = [0u8; 20]; // struct sockaddr_ll
        place[..2].copy_from_slice(&17u16.to_ne_bytes());
        place[2..4].copy_from_slice(&all.to_ne_bytes());
        place[4..8].copy_from_slice(&(index as i32).to_ne_bytes());
        let one: c_int = 1; // SOL_PACKET, PACKET_IGNORE_OUTGOING
        let fits = wire >= 0
            && index != 0
            && bind(wire, place.as_ptr() as *const c_void, 20) == 0
            && setsockopt(wire, 263, 23, &one as *const c_int as *const c_void, 4) == 0;
        fits.then_some(wire)
    }
}

fn open_wire() -> Option<c_int> {
    match (std::env::var("CONFORMANCE_WIRE_FD"), std::env::var("CONFORMANCE_INTERFACE")) {
        (Ok(number), _) => number.parse().ok().filter(|fd| *fd >= 0 && unsafe { fcntl(*fd, 1) } >= 0),
        (_, Ok(name)) => interface(&name),
        _ => None,
    }
}

fn clock() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |passed| passed.as_nanos() as i64)
}

fn die(text: &str, status: i32) -> ! {
    eprintln!("{}", text);
    std::process::exit(status)
}

// ---- what the glue keeps --------------------------------------------------------------------------

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Fresh,
    Listening,
    Connecting,
    Connected,
    Over,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Accept,
    Recv,
    Connect,
    Send,
    Shutdown,
    Close,
}

/// A call that waits, or may have to.
struct Call {
    kind: Kind,
    id: i64,
    started: i64,
    pending: bool,
    all: bool,
    own: bool, // it made the socket itself
    how: u8,
    flags: Flags,
    left: usize, // octets that are not generated or read yet
    taken: usize,
    data: Vec<u8>,
}

struct End {
    phase: Phase,
    handle: i64,
    port: u16, // that it was bound to; 0 for none
    backlog: usize,
    eof: bool,
    shut: u8,
    lingers_not: bool,
    error: Option<Errno>, // that nobody was told yet
    received: VecDeque<u8>,
    sent: u32, // octets of the stream function
    reading: VecDeque<Call>,
    writing: VecDeque<Call>,
    listener: Option<Socket>,
}

struct Out {
    wire: bool,
    done: usize,
    data: Vec<u8>,
}

/// What a stack is given: the clock, the wire, its sockets.
pub struct Host {
    virtual_clock: bool,
    now: i64,
    lab: Option<Lab>,
    wire: c_int,
    sink: c_int,
    out: VecDeque<Out>,
    queued: usize,
    written: u64,
    gone: bool, // nobody reads the answers: we end
    sockets: BTreeMap<Socket, End>,
    last: u64,
    handle: i64,
}

impl Host {
    /// The clock, in nanoseconds.
    pub fn now(&self) -> i64 {
        if self.virtual_clock {
            self.now
        } else {
            clock()
        }
    }

    /// Who is who on the wire.
    pub fn lab(&self) -> &Lab {
        self.lab.as_ref().expect("no stack is called before there are addresses")
    }

    /// Your driver sends a frame.
    pub fn frame(&mut self, frame: &[u8]) {
        if !frame.is_empty() && frame.len() <= FRAME {
            self.queue(true, frame);
        }
    }

    /// A listener has a new connection: its socket, or None if the accept queue is full.
    pub fn accepted(&mut self, listener: Socket) -> Option<Socket> {
        let waiting = self.sockets.values().filter(|end| end.listener == Some(listener)).count();
        let (backlog, port) = self.sockets.get(&listener).map(|end| (end.backlog, end.port))?;
        if waiting >= backlog {
            return None;
        }
        let s = self.fresh();
        let end = self.end(s);
        (end.phase, end.port, end.listener) = (Phase::Connected, port, Some(listener));
        Some(s)
    }

    /// The connection that `connect` began is ESTABLISHED.
    pub fn connected(&mut self, s: Socket) {
        if let Some(end) = self.sockets.get_mut(&s).filter(|end| end.phase == Phase::Connecting) {
            end.phase = Phase::Connected;
        }
    }

    /// Octets came, in order; they are copied.
    pub fn data(&mut self, s: Socket, data: &[u8]) {
        if let Some(end) = self.sockets.get_mut(&s) {
            end.received.extend(data);
        }
    }

    /// The peer will send no more.
    pub fn eof(&mut self, s: Socket) {
        if let Some(end) = self.sockets.get_mut(&s) {
            end.eof = true;
        }
    }

    /// The connection is gone, by an error or (None) in good order.
    pub fn error(&mut self, s: Socket, error: Option<Errno>) {
        if let Some(end) = self.sockets.get_mut(&s).filter(|end| end.phase != Phase::Over) {
            let refused = end.phase == Phase::Connecting && error == Some("ECONNRESET");
            end.error = if refused { Some("ECONNREFUSED") } else { error };
            end.phase = Phase::Over;
            end.eof = true;
        }
    }

    fn fresh(&mut self) -> Socket {
        self.last += 1;
        let end = End {
            phase: Phase::Fresh, handle: 0, port: 0, backlog: 0, eof: false, shut: 0, lingers_not: false,
            error: None, received: VecDeque::new(), sent: 0, reading: VecDeque::new(),
            writing: VecDeque::new(), listener: None,
        };
        self.sockets.insert(Socket(self.last), end);
        Socket(self.last)
    }

    fn end(&mut self, s: Socket) -> &mut End {
        self.sockets.get_mut(&s).expect("the socket is there")
    }

    fn number(&mut self, s: Socket) -> i64 {
        if self.end(s).handle == 0 {
            self.handle += 1;
            let handle = self.handle;
            self.end(s).handle = handle;
        }
        self.end(s).handle
    }

    /// Forget a socket and end what waits on it.
    fn free(&mut self, s: Socket, error: Option<Errno>) {
        if let Some(end) = self.sockets.remove(&s) {
            for call in end.reading.into_iter().chain(end.writing) {
                if let Some(error) = error {
                    self.answer(call.id, call.started, Err(error));
                }
            }
        }
    }

    // out: one queue, so that a frame never overtakes an answer or the other way round

    /// Octets that went out; None: nothing goes now, or (of an answer) ever.
    fn give(&mut self, wire: bool, data: &[u8]) -> Option<usize> {
        if wire && self.wire < 0 {
            return Some(data.len());
        }
        let fd = if wire { self.wire } else { self.sink };
        let given = unsafe { write(fd, data.as_ptr() as *const c_void, data.len()) };
        if given >= 0 {
            return Some(if wire { data.len() } else { given as usize });
        }
        if !over() {
            return None;
        }
        self.gone |= !wire;
        wire.then_some(data.len())
    }

    fn write_out(&mut self) {
        while let Some(mut out) = self.out.pop_front() {
            let given = if self.gone { None } else { self.give(out.wire, &out.data[out.done..]) };
            out.done += given.unwrap_or(0);
            if out.done < out.data.len() {
                self.out.push_front(out);
                return;
            }
            self.queued -= usize::from(out.wire);
        }
    }

    fn queue(&mut self, wire: bool, data: &[u8]) {
        self.written += 1;
        self.write_out();
        if wire && self.out.is_empty() && self.give(true, data).is_some() {
            return;
        }
        if wire && self.queued >= QUEUED {
            return;
        }
        self.queued += usize::from(wire);
        self.out.push_back(Out { wire, done: 0, data: data.to_vec() });
        self.write_out();
    }

    fn answer(&mut self, id: i64, started: i64, result: Result<String, Errno>) {
        let said = result.unwrap_or_else(|error| format!("\"errno\":\"{}\"", error));
        let ended = self.now();
        let line = format!("{{\"id\":{},\"started\":{},\"ended\":{},{}}}\n", id, started, ended, said);
        self.queue(false, line.as_bytes());
    }

    /// One frame; None for nothing yet.
    fn take_frame(&mut self, room: &mut [u8]) -> Option<usize> {
        if self.wire < 0 {
            return None;
        }
        let got = unsafe { read(self.wire, room.as_mut_ptr() as *mut c_void, room.len()) };
        if got == 0 {
            // a frame of no octets, or the other end is closed
            let mut one = [PollFd { fd: self.wire, events: POLLIN, revents: 0 }];
            if wait_for(&mut one, 0) == 1 && one[0].revents & (POLLHUP | POLLERR) != 0 {
                self.wire = -1;
                return None;
            }
        }
        const MSGSIZE: i32 = 90;
        const NETDOWN: i32 = 100;
        if got < 0 && over() && last_errno() != MSGSIZE && last_errno() != NETDOWN {
            self.wire = -1;
        }
        (got >= 0).then_some(got as usize)
    }

    /// Wait for something to take, or to give, until this time; None: for ever.
    fn wait(&mut self, until: Option<i64>, wire: bool) {
        let give = self.out.front().map_or(-1, |out| if out.wire { self.wire } else { self.sink });
        let wire = if wire { self.wire } else { -1 };
        let mut all = [
            PollFd { fd: 0, events: POLLIN, revents: 0 },
            PollFd { fd: wire, events: POLLIN, revents: 0 },
            PollFd { fd: give, events: POLLOUT, revents: 0 },
        ];
        let left = until.map_or(-1, |until| (until - clock()).clamp(0, 1000 * SECOND));
        wait_for(&mut all, if left < 0 { -1 } else { ((left + 999_999) / 1_000_000) as c_int });
        let came = all[1].revents;
        if wire >= 0 && came & (POLLERR | POLLNVAL) != 0 && came & POLLIN == 0 {
            self.wire = -1; // or we would never sleep again
        }
    }
}

// ---- in: JSON -------------------------------------------------------------------------------------

enum Json {
    Int(i64),
    Text(String),
    Truth(bool),
    Object(Vec<(String, Json)>),
    Other,
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> u8 {
        self.text.get(self.at).copied().unwrap_or(0)
    }

    fn blank(&mut self) {
        while matches!(self.peek(), b' ' | b'\t' | b'\r' | b'\n') {
            self.at += 1;
        }
    }

    fn next(&mut self, octet: u8) -> Option<()> {
        self.blank();
        (self.peek() == octet).then(|| self.at += 1)
    }

    fn hex4(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 4)?;
        self.at += 4;
        let fits = digits.iter().all(u8::is_ascii_hexdigit);
        fits.then(|| u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok())?
    }

    fn escape(&mut self) -> Option<char> {
        let octet = self.peek();
        self.at += 1;
        Some(match octet {
            b'"' | b'\\' | b'/' => octet as char,
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let high = self.hex4()?;
                if !(0xD800..0xE000).contains(&high) {
                    return char::from_u32(high);
                }
                if self.text.get(self.at..self.at + 2)? != b"\\u" {
                    return None;
                }
                self.at += 2;
                let low = self.hex4()?;
                if high > 0xDBFF || !(0xDC00..0xE000).contains(&low) {
                    return None;
                }
                return char::from_u32(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00));
            }
            _ => return None,
        })
    }

    /// A string behind its first quote.
    fn string(&mut self) -> Option<String> {
        let mut out = Vec::new();
        loop {
            let octet = *self.text.get(self.at)?;
            self.at += 1;
            match octet {
                b'"' => return String::from_utf8(out).ok(),
                0..=31 => return None,
                b'\\' => out.extend(self.escape()?.encode_utf8(&mut [0; 4]).as_bytes()),
                _ => out.push(octet),
            }
        }
    }

    fn digits(&mut self) -> Option<usize> {
        let from = self.at;
        while self.peek().is_ascii_digit() {
            self.at += 1;
        }
        (self.at > from).then_some(self.at - from)
    }

    /// A number; only an integer of 64 bits has a value.
    fn numeral(&mut self) -> Option<Json> {
        let from = self.at;
        self.at += usize::from(self.peek() == b'-');
        let first = self.peek();
        if self.digits()? > 1 && first == b'0' {
            return None;
        }
        let mut whole = true;
        if self.peek() == b'.' {
            whole = false;
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), b'e' | b'E') {
            whole = false;
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), b'+' | b'-'));
            self.digits()?;
        }
        let text = std::str::from_utf8(&self.text[from..self.at]).ok()?;
        Some(text.parse().ok().filter(|_| whole).map_or(Json::Other, Json::Int))
    }

    fn word(&mut self, word: &str, value: Json) -> Option<Json> {
        let fits = self.text[self.at..].starts_with(word.as_bytes());
        self.at += word.len();
        fits.then_some(value)
    }

    /// An object behind its brace.
    fn object(&mut self) -> Option<Json> {
        let mut members = Vec::new();
        if self.next(b'}').is_some() {
            return Some(Json::Object(members));
        }
        loop {
            self.next(b'"')?;
            let key = self.string()?;
            self.next(b':')?;
            members.push((key, self.value()?));
            if self.next(b',').is_none() {
                self.next(b'}')?;
                return Some(Json::Object(members));
            }
        }
    }

    fn array(&mut self) -> Option<Json> {
        if self.next(b']').is_some() {
            return Some(Json::Other);
        }
        loop {
            self.value()?;
            if self.next(b',').is_none() {
                self.next(b']')?;
                return Some(Json::Other);
            }
        }
    }

    fn value(&mut self) -> Option<Json> {
        self.blank();
        if self.depth >= DEPTH {
            return None;
        }
        match self.peek() {
            b'"' => {
                self.at += 1;
                self.string().map(Json::Text)
            }
            b'-' | b'0'..=b'9' => self.numeral(),
            b't' => self.word("true", Json::Truth(true)),
            b'f' => self.word("false", Json::Truth(false)),
            b'n' => self.word("null", Json::Other),
            open @ (b'{' | b'[') => {
                self.at += 1;
                self.depth += 1;
                let found = if open == b'{' { self.object() } else { self.array() };
                self.depth -= 1;
                found
            }
            _ => None,
        }
    }
}

struct Request {
    id: i64,
    call: String,
    started: i64,
    args: Vec<(String, Json)>,
    wrong: bool,
}

fn find<'a>(members: &'a [(String, Json)], name: &str) -> Option<&'a Json> {
    members.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value)
}

/// Take a line apart; None if it is no request.
fn parse(line: &[u8]) -> Option<Request> {
    let mut reader = Reader { text: line, at: 0, depth: 0 };
    let mut members = match reader.value()? {
        Json::Object(members) => members,
        _ => return None,
    };
    reader.blank();
    if reader.at < line.len() {
        return None;
    }
    let (id, call) = match (find(&members, "id")?, find(&members, "call")?) {
        (Json::Int(id), Json::Text(call)) => (*id, call.clone()),
        _ => return None,
    };
    let place = members.iter().rposition(|(key, _)| key == "args");
    let (args, wrong) = match place.map(|place| members.swap_remove(place).1) {
        None => (Vec::new(), false),
        Some(Json::Object(args)) => (args, false),
        Some(_) => (Vec::new(), true),
    };
    Some(Request { id, call, started: 0, args, wrong })
}

impl Request {
    fn find(&self, name: &str) -> Option<&Json> {
        find(&self.args, name)
    }

    /// An argument that is an integer in low..=high; `otherwise` if it is not there.
    fn number(&self, name: &str, otherwise: Option<i64>, low: i64, high: i64) -> Result<i64, Errno> {
        let value = match self.find(name) {
            None => return otherwise.ok_or("EINVAL"),
            Some(Json::Int(value)) => *value,
            Some(Json::Truth(truth)) => i64::from(*truth),
            Some(_) => return Err("EINVAL"),
        };
        (low..=high).contains(&value).then_some(value).ok_or("EINVAL")
    }

    fn port(&self, name: &str, otherwise: Option<i64>) -> Result<u16, Errno> {
        self.number(name, otherwise, 0, 65535).map(|port| port as u16)
    }

    fn text(&self, name: &str, otherwise: Option<&'static str>) -> Result<&str, Errno> {
        match self.find(name) {
            None => otherwise.ok_or("EINVAL"),
            Some(Json::Text(text)) if !text.contains('\0') => Ok(text),
            Some(_) => Err("EINVAL"),
        }
    }

    fn mac(&self, name: &str, otherwise: &'static str) -> Result<[u8; 6], Errno> {
        let text = self.text(name, Some(otherwise))?;
        let mut mac = [0; 6];
        let parts: Vec<&str> = text.split(':').collect();
        if parts.len() != 6 || parts.iter().any(|part| part.len() != 2 || part.starts_with('+')) {
            return Err("EINVAL");
        }
        for (octet, part) in mac.iter_mut().zip(parts) {
            *octet = u8::from_str_radix(part, 16).map_err(|_| "EINVAL")?;
        }
        Ok(mac)
    }

    fn as_call(&self, kind: Kind) -> Call {
        Call {
            kind, id: self.id, started: self.started, pending: false, all: false, own: false, how: 0,
            flags: Flags::default(), left: 0, taken: 0, data: Vec::new(),
        }
    }
}

/// Text between quotes; what JSON cannot bear becomes a question mark.
fn quote(text: &str) -> String {
    let plain = |c: char| if (' '..='~').contains(&c) && c != '"' && c != '\\' { c } else { '?' };
    format!("\"{}\"", text.chars().map(plain).collect::<String>())
}

const ERRNOS: [(i64, Errno); 24] = [
    (9, "EBADF"), (11, "EAGAIN"), (12, "ENOMEM"), (22, "EINVAL"), (32, "EPIPE"), (38, "ENOSYS"),
    (71, "EPROTO"), (90, "EMSGSIZE"), (92, "ENOPROTOOPT"), (95, "EOPNOTSUPP"), (98, "EADDRINUSE"),
    (99, "EADDRNOTAVAIL"), (100, "ENETDOWN"), (101, "ENETUNREACH"), (103, "ECONNABORTED"),
    (104, "ECONNRESET"), (105, "ENOBUFS"), (106, "EISCONN"), (107, "ENOTCONN"), (110, "ETIMEDOUT"),
    (111, "ECONNREFUSED"), (112, "EHOSTDOWN"), (113, "EHOSTUNREACH"), (125, "ECANCELED"),
]; // Linux's numbers: what the harness reads in SO_ERROR

// ---- calls that may have to wait --------------------------------------------------------------------

#[derive(PartialEq, Eq)]
enum Turn {
    Waits,
    Answered,
    Gone, // and the socket with it
}

/// A call's fields, or that it has to wait, or its errno.
type Tried = Result<Option<String>, Errno>;
/// What a request answers; None: it has answered, or waits.
type Said = Result<Option<String>, Errno>;

fn value(number: i64) -> String {
    format!("\"value\":{}", number)
}

struct Glue<S: Stack> {
    host: Host,
    stack: S,
}

impl<S: Stack> Glue<S> {
    fn work(&mut self) {
        if self.host.lab.is_some() {
            self.stack.work(&mut self.host);
        }
    }

    fn try_accept(&mut self, s: Socket) -> Tried {
        if self.host.end(s).phase != Phase::Listening {
            return Err("EINVAL");
        }
        let oldest = self.host.sockets.iter().find(|(_, end)| end.listener == Some(s)).map(|(one, _)| *one);
        Ok(oldest.map(|one| {
            self.host.end(one).listener = None;
            value(self.host.number(one))
        }))
    }

    /// The next octets for the application, from our buffer or from the stack's.
    fn pull(&mut self, s: Socket, into: &mut Vec<u8>, most: usize) -> Result<usize, Errno> {
        let end = self.host.end(s);
        let phase = end.phase;
        let got = end.received.len().min(most);
        if got > 0 {
            into.extend(end.received.drain(..got));
            if phase != Phase::Over {
                self.stack.received(&mut self.host, s, got);
            }
            return Ok(got);
        }
        if !self.stack.reads() || phase != Phase::Connected {
            return Ok(0);
        }
        let mut room = vec![0; most.min(65536)];
        let got = self.stack.read(&mut self.host, s, &mut room)?;
        into.extend(&room[..got]);
        Ok(got)
    }

    fn try_recv(&mut self, s: Socket, call: &mut Call) -> Tried {
        if matches!(self.host.end(s).phase, Phase::Fresh | Phase::Listening) {
            return Err("ENOTCONN");
        }
        while call.left > 0 && (call.all || call.taken == 0) {
            let got = self.pull(s, &mut call.data, call.left)?;
            let end = self.host.end(s);
            if got == 0 {
                if let Some(error) = end.error.take() {
                    return Err(error);
                }
                if end.eof || end.shut & RD != 0 {
                    break;
                }
                return Ok(None);
            }
            call.taken += got;
            call.left -= got;
        }
        let hex: String = call.data.iter().map(|octet| format!("{:02x}", octet)).collect();
        Ok(Some(format!("\"value\":{},\"data\":\"{}\"", call.taken, hex)))
    }

    fn try_send(&mut self, s: Socket, call: &mut Call) -> Tried {
        while call.left > 0 || !call.data.is_empty() {
            let end = self.host.end(s);
            if let Some(error) = end.error.take() {
                return Err(error);
            }
            if end.phase != Phase::Connected || end.shut & WR != 0 {
                return Err("EPIPE");
            }
            if call.data.is_empty() {
                let n = call.left.min(65536);
                let offsets = (0..n as u32).map(|i| end.sent.wrapping_add(i));
                call.data = offsets.map(|i| (i ^ i >> 8 ^ i >> 16) as u8).collect();
                call.left -= n;
            }
            let taken = self.stack.write(&mut self.host, s, &call.data, call.flags)?;
            call.data.drain(..taken);
            call.taken += taken;
            let end = self.host.end(s);
            end.sent = end.sent.wrapping_add(taken as u32);
            if taken == 0 {
                return Ok(None);
            }
        }
        Ok(Some(value(call.taken as i64)))
    }

    fn try_connect(&mut self, s: Socket) -> Tried {
        let end = self.host.end(s);
        match end.phase {
            Phase::Connecting => Ok(None),
            Phase::Over => Err(end.error.take().unwrap_or("ECONNABORTED")),
            _ => Ok(Some(value(self.host.number(s)))),
        }
    }

    fn try_shutdown(&mut self, s: Socket, how: u8) -> Tried {
        let end = self.host.end(s);
        if end.phase != Phase::Connected {
            return Err("ENOTCONN");
        }
        let how = how & !end.shut;
        if how != 0 {
            self.stack.shutdown(&mut self.host, s, how)?;
        }
        self.host.end(s).shut |= how;
        Ok(Some(value(0)))
    }

    /// End a socket, and with a listener the connections that nobody has accepted.
    fn try_close(&mut self, s: Socket, reset: bool) -> Tried {
        let sockets = self.host.sockets.iter();
        let unaccepted: Vec<_> = sockets.filter(|(_, end)| end.listener == Some(s)).map(|(one, _)| *one).collect();
        for one in unaccepted {
            if self.host.end(one).phase == Phase::Connected {
                self.stack.close(&mut self.host, one, true)?;
            }
            self.host.free(one, None);
        }
        if !matches!(self.host.end(s).phase, Phase::Over | Phase::Fresh) {
            self.stack.close(&mut self.host, s, reset)?;
        }
        Ok(Some(value(0)))
    }

    fn queue_of(&mut self, s: Socket, reading: bool) -> &mut VecDeque<Call> {
        let end = self.host.end(s);
        if reading {
            &mut end.reading
        } else {
            &mut end.writing
        }
    }

    /// Try the first call of a queue.
    fn turn(&mut self, s: Socket, reading: bool) -> Turn {
        let mut call = match self.queue_of(s, reading).pop_front() {
            Some(call) => call,
            None => return Turn::Waits,
        };
        let tried = match call.kind {
            Kind::Accept => self.try_accept(s),
            Kind::Recv => self.try_recv(s, &mut call),
            Kind::Connect => self.try_connect(s),
            Kind::Send => self.try_send(s, &mut call),
            Kind::Shutdown => self.try_shutdown(s, call.how),
            Kind::Close => self.try_close(s, call.how != 0),
        };
        let result = match tried {
            Ok(None) => {
                self.queue_of(s, reading).push_front(call);
                return Turn::Waits;
            }
            Ok(Some(said)) => Ok(said),
            Err(error) => Err(error),
        };
        let ends = match call.kind {
            Kind::Close => result.is_ok(),
            Kind::Connect => result.is_err() && call.own,
            _ => false,
        };
        self.work();
        if ends {
            self.host.free(s, Some("ECANCELED"));
        }
        self.host.answer(call.id, call.started, result);
        if ends {
            Turn::Gone
        } else {
            Turn::Answered
        }
    }

    /// An error ends all that waits on the socket, not only the first that looks.
    fn spread(&mut self, s: Socket) {
        let end = self.host.end(s);
        let error = match end.error {
            Some(error) if end.writing.front().map(|call| call.kind) != Some(Kind::Connect) => error,
            _ => return,
        };
        let mut told = Vec::new();
        if end.received.is_empty() && end.reading.front().map_or(false, |call| call.pending) {
            told.extend(end.reading.drain(..));
        }
        while end.writing.front().map(|call| call.kind) == Some(Kind::Send) {
            told.extend(end.writing.pop_front());
        }
        if !told.is_empty() {
            end.error = None;
        }
        for call in told {
            self.host.answer(call.id, call.started, Err(error));
        }
    }

    /// Something happened: answer whatever can be answered now.
    fn settle(&mut self) {
        self.work();
        let mut moved = true;
        while moved {
            moved = false;
            let sockets: Vec<Socket> = self.host.sockets.keys().copied().collect();
            for s in sockets {
                if !self.host.sockets.contains_key(&s) {
                    continue; // its listener was closed
                }
                self.spread(s);
                for reading in [true, false] {
                    if self.host.sockets.contains_key(&s) {
                        moved |= self.turn(s, reading) != Turn::Waits;
                    }
                }
            }
        }
    }

    // ---- calls

    fn socket_of(&self, q: &Request) -> Result<Socket, Errno> {
        match q.find("socket") {
            Some(Json::Int(handle)) if *handle > 0 => {
                let mut sockets = self.host.sockets.iter();
                sockets.find(|(_, end)| end.handle == *handle).map(|(s, _)| *s).ok_or("EBADF")
            }
            _ => Err("EBADF"),
        }
    }

    fn enqueue(&mut self, s: Socket, call: Call) -> Said {
        let reading = matches!(call.kind, Kind::Accept | Kind::Recv);
        let (id, started) = (call.id, call.started);
        let queue = self.queue_of(s, reading);
        queue.push_back(call);
        if queue.len() == 1 && self.turn(s, reading) != Turn::Waits {
            return Ok(None);
        }
        if let Some(call) = self.queue_of(s, reading).back_mut() {
            call.pending = true;
        }
        self.work();
        let line = format!("{{\"id\":{},\"started\":{},\"pending\":true}}\n", id, started);
        self.host.queue(false, line.as_bytes());
        Ok(None)
    }

    fn call_version(&mut self) -> Said {
        let mut words: Vec<String> = self.stack.abilities().split_whitespace().map(quote).collect();
        words.extend(self.host.virtual_clock.then(|| quote("VIRTUAL-TIME")));
        let text = quote(&self.stack.text());
        Ok(Some(format!("\"value\":1,\"text\":{},\"abilities\":[{}]", text, words.join(","))))
    }

    fn call_use(&mut self, q: &Request) -> Said {
        let address = |name| -> Result<IpAddr, Errno> { q.text(name, None)?.parse().map_err(|_| "EINVAL") };
        let (target, tester) = (address("target")?, address("tester")?);
        let (otherwise, high) = if target.is_ipv6() { (64, 128) } else { (24, 32) };
        if target.is_ipv6() != tester.is_ipv6() {
            return Err("EINVAL");
        }
        let lab = Lab {
            target,
            tester,
            prefix: q.number("prefix", Some(otherwise), 1, high)? as u8,
            mtu: q.number("mtu", Some(1500), 68, FRAME as i64 - 14)? as usize,
            target_mac: q.mac("target_mac", "02:00:00:00:00:02")?,
            tester_mac: q.mac("tester_mac", "02:00:00:00:00:01")?,
        };
        if self.host.lab.is_some() {
            return Err("EALREADY");
        }
        self.host.lab = Some(lab);
        if let Err(error) = self.stack.open(&mut self.host) {
            self.host.lab = None;
            return Err(error);
        }
        Ok(Some(value(0)))
    }

    /// The socket that the arguments name, if it is fresh; else a new one.
    fn fresh(&mut self, q: &Request) -> Result<(Socket, bool), Errno> {
        if q.find("socket").is_none() {
            return Ok((self.host.fresh(), true));
        }
        let s = self.socket_of(q)?;
        match self.host.end(s).phase {
            Phase::Fresh => Ok((s, false)),
            Phase::Listening => Err("EINVAL"),
            Phase::Connecting => Err("EALREADY"),
            _ => Err("EISCONN"),
        }
    }

    fn call_bind(&mut self, q: &Request) -> Said {
        let s = self.socket_of(q)?;
        let port = q.port("port", None)?;
        let mut others = self.host.sockets.values();
        let taken = port != 0 && others.any(|end| end.phase == Phase::Listening && end.port == port);
        let end = self.host.end(s);
        if end.phase != Phase::Fresh || end.port != 0 {
            return Err("EINVAL");
        }
        if taken {
            return Err("EADDRINUSE");
        }
        end.port = port; // kept until listen or connect asks the stack for it
        Ok(Some(value(0)))
    }

    fn call_listen(&mut self, q: &Request) -> Said {
        let backlog = q.number("backlog", Some(8), 0, MOST)?.max(1) as usize;
        let port = q.port("port", q.find("socket").map(|_| 0))?;
        let (s, own) = self.fresh(q).map_err(|error| match error {
            "EISCONN" | "EALREADY" => "EINVAL", // connected, or about to be
            error => error,
        })?;
        let port = Some(self.host.end(s).port).filter(|bound| *bound != 0).unwrap_or(port);
        self.host.end(s).backlog = backlog;
        let done = if port == 0 { Err("EINVAL") } else { self.stack.listen(&mut self.host, s, port, backlog) };
        if let Err(error) = done {
            if own {
                self.host.free(s, None);
            }
            return Err(error);
        }
        let end = self.host.end(s);
        (end.phase, end.port) = (Phase::Listening, port);
        Ok(Some(value(self.host.number(s))))
    }

    fn call_connect(&mut self, q: &mut Request) -> Said {
        let port = q.number("port", None, 1, 65535)? as u16;
        let local = q.port("local_port", Some(0))?;
        let (s, own) = self.fresh(q)?;
        let end = self.host.end(s);
        let local = if local != 0 { local } else { end.port };
        end.phase = Phase::Connecting;
        q.started = self.host.now();
        if let Err(error) = self.stack.connect(&mut self.host, s, local, port) {
            if own {
                self.host.free(s, None);
            } else {
                self.host.end(s).phase = Phase::Fresh;
            }
            return Err(error);
        }
        self.enqueue(s, Call { own, ..q.as_call(Kind::Connect) })
    }

    fn call_recv(&mut self, q: &Request) -> Said {
        let s = self.socket_of(q)?;
        let left = q.number("count", Some(65536), 0, MOST)? as usize;
        let all = q.number("all", Some(0), 0, 1)? == 1;
        match q.text("flag", Some(""))? {
            "" => self.enqueue(s, Call { left, all, ..q.as_call(Kind::Recv) }),
            "OOB" => Err("EOPNOTSUPP"),
            _ => Err("EINVAL"),
        }
    }

    fn call_send(&mut self, q: &Request) -> Said {
        let s = self.socket_of(q)?;
        let flags = match q.text("flag", Some(""))? {
            "" | "NOSIGNAL" => Flags::default(), // there are no signals
            "MORE" => Flags { more: true, oob: false },
            "OOB" => Flags { more: false, oob: true },
            _ => return Err("EINVAL"),
        };
        let (left, data) = match q.find("text") {
            Some(Json::Text(text)) => (0, text.as_bytes().to_vec()),
            Some(_) => return Err("EINVAL"),
            None => (q.number("count", None, 0, MOST)? as usize, Vec::new()),
        };
        self.enqueue(s, Call { flags, left, data, ..q.as_call(Kind::Send) })
    }

    /// A shutdown or close waits for the sends before it (RFC 9293 3.10.4).
    fn end_call(&mut self, q: &Request, kind: Kind, how: u8) -> Said {
        let s = self.socket_of(q)?;
        let closes = kind == Kind::Close;
        let how = if closes && self.host.end(s).lingers_not { 1 } else { how };
        let sends = self.host.end(s).writing.front().map(|call| call.kind) == Some(Kind::Send);
        if sends && !(closes && how != 0) {
            return self.enqueue(s, Call { how, ..q.as_call(kind) });
        }
        let said = if closes { self.try_close(s, how != 0)? } else { self.try_shutdown(s, how)? };
        if closes {
            self.work();
            self.host.free(s, Some("ECANCELED"));
        }
        Ok(said)
    }

    fn call_shutdown(&mut self, q: &Request) -> Said {
        let how = match q.text("how", Some("WR"))? {
            "RD" => RD,
            "WR" => WR,
            "RDWR" => RD | WR,
            _ => return Err("EINVAL"),
        };
        self.end_call(q, Kind::Shutdown, how)
    }

    fn call_pending(&mut self, q: &Request) -> Said {
        let s = self.socket_of(q)?;
        if self.stack.reads() {
            return Err("ENOSYS"); // the stack keeps what came
        }
        Ok(Some(value(self.host.end(s).received.len() as i64)))
    }

    fn call_setsockopt(&mut self, q: &Request) -> Said {
        let s = self.socket_of(q)?;
        let (name, number) = (q.text("name", None)?, q.number("value", None, -MOST, 1 << 40)?);
        let end = self.host.end(s);
        if name == "LINGER" && number <= 0 {
            end.lingers_not = number == 0; // close is a reset
        } else if end.phase == Phase::Over {
            return Err("EINVAL");
        } else {
            self.stack.setsockopt(&mut self.host, s, name, number)?;
        }
        Ok(Some(value(0)))
    }

    fn call_getsockopt(&mut self, q: &Request) -> Said {
        let s = self.socket_of(q)?;
        let name = q.text("name", None)?;
        let end = self.host.end(s);
        let number = match name {
            "ERROR" => end.error.take().map_or(0, |error| {
                ERRNOS.iter().find(|(_, name)| *name == error).map_or(5, |(number, _)| *number)
            }),
            "LINGER" => i64::from(end.lingers_not) - 1,
            _ if end.phase == Phase::Over => return Err("EINVAL"),
            _ => self.stack.getsockopt(&mut self.host, s, name)?,
        };
        Ok(Some(value(number)))
    }

    fn call_info(&mut self, q: &Request) -> Said {
        let s = self.socket_of(q)?;
        if self.host.end(s).phase == Phase::Over {
            return Err("ENOTCONN");
        }
        Ok(Some(format!("\"value\":0,\"text\":{}", quote(&self.stack.info(s)?))))
    }

    fn call_state(&mut self, q: &Request) -> Said {
        let (local, remote) = (q.port("local", None)?, q.port("remote", None)?);
        let mut ends = self.host.sockets.values();
        let listens = ends.any(|end| end.phase == Phase::Listening && end.port == local);
        let otherwise = if listens { "LISTEN" } else { "CLOSED" };
        let state = self.stack.state(local, remote)?.unwrap_or(otherwise);
        Ok(Some(format!("\"value\":0,\"text\":{}", quote(state))))
    }

    fn call_set(&mut self, q: &Request) -> Said {
        self.stack.set(q.text("name", None)?, q.text("value", None)?)?;
        Ok(Some(value(0)))
    }

    fn call_reset(&mut self) -> Said {
        self.stack.reset()?;
        let sockets: Vec<Socket> = self.host.sockets.keys().copied().collect();
        for s in sockets {
            self.host.free(s, Some("ECANCELED"));
        }
        self.host.lab = None;
        self.host.handle = 2;
        Ok(Some(value(0)))
    }

    /// Give the stack the frames that wait; what is no frame is dropped, as any card does.
    fn take_frames(&mut self, most: usize) {
        let mut frame = vec![0; FRAME + 1];
        for _ in 0..most {
            let length = match self.host.take_frame(&mut frame) {
                Some(length) => length,
                None => return,
            };
            if (14..=FRAME).contains(&length) && self.host.lab.is_some() {
                self.stack.input(&mut self.host, &frame[..length]);
                self.settle();
            }
        }
    }

    fn next_timer(&mut self) -> Option<i64> {
        self.host.lab.as_ref()?;
        self.stack.next_timer(&self.host)
    }

    /// Let virtual time pass, up to the first instant at which something comes out.
    fn call_advance(&mut self, q: &Request) -> Said {
        if !self.host.virtual_clock {
            return Err("ENOSYS");
        }
        let until = q.number("until", None, self.host.now, i64::MAX)?;
        let (before, began) = (self.host.written, Instant::now());
        let (mut rounds, mut spent) = (0, false);
        while let Some(due) = self.next_timer().filter(|due| *due <= until) {
            if self.host.written != before || spent {
                break;
            }
            rounds = if due > self.host.now { 0 } else { rounds + 1 };
            if rounds > ROUNDS {
                die("run_timers leaves a timer due: time cannot pass", 1);
            }
            self.host.now = self.host.now.max(due);
            self.stack.run_timers(&mut self.host);
            self.settle();
            spent = began.elapsed() > LONGEST; // days of timers: the harness asks again
        }
        if self.host.written == before && !spent {
            self.host.now = until;
            self.take_frames(usize::MAX);
        }
        let now = self.host.now;
        let next = self.next_timer().map_or("null".to_string(), |due| due.max(now).to_string());
        Ok(Some(format!("\"value\":0,\"now\":{},\"next\":{}", now, next)))
    }

    // ---- the loop

    fn dispatch(&mut self, q: &mut Request) -> Said {
        const EARLY: [&str; 4] = ["version", "use", "reset", "advance"];
        const LATE: [&str; 16] = [
            "socket", "bind", "listen", "accept", "connect", "send", "recv", "shutdown", "close", "abort",
            "pending", "setsockopt", "getsockopt", "state", "info", "set",
        ];
        let name = q.call.clone();
        if !EARLY.contains(&name.as_str()) && !LATE.contains(&name.as_str()) {
            return Err("ENOSYS");
        }
        if q.wrong {
            return Err("EINVAL");
        }
        let need_not = ["PEEK", "DONTWAIT", "EOR", "FASTOPEN"];
        if q.text("flag", Some(""))?.split('|').any(|flag| need_not.contains(&flag)) {
            return Err("ENOSYS"); // here nobody has them
        }
        if LATE.contains(&name.as_str()) && self.host.lab.is_none() {
            return Err("ENETDOWN");
        }
        match name.as_str() {
            "version" => self.call_version(),
            "use" => self.call_use(q),
            "socket" => {
                let s = self.host.fresh();
                Ok(Some(value(self.host.number(s))))
            }
            "bind" => self.call_bind(q),
            "listen" => self.call_listen(q),
            "accept" => {
                let s = self.socket_of(q)?;
                self.enqueue(s, q.as_call(Kind::Accept))
            }
            "connect" => self.call_connect(q),
            "send" => self.call_send(q),
            "recv" => self.call_recv(q),
            "shutdown" => self.call_shutdown(q),
            "close" => self.end_call(q, Kind::Close, 0),
            "abort" => self.end_call(q, Kind::Close, 1),
            "pending" => self.call_pending(q),
            "setsockopt" => self.call_setsockopt(q),
            "getsockopt" => self.call_getsockopt(q),
            "info" => self.call_info(q),
            "state" => self.call_state(q),
            "set" => self.call_set(q),
            "reset" => self.call_reset(),
            _ => self.call_advance(q),
        }
    }

    fn serve(&mut self, line: &[u8]) {
        let mut q = match parse(line) {
            Some(q) => q,
            None => return self.host.queue(false, b"{\"id\":null,\"errno\":\"EBADMSG\"}\n"),
        };
        q.started = self.host.now();
        let result = match self.dispatch(&mut q) {
            Ok(None) => return,
            Ok(Some(said)) => Ok(said),
            Err(error) => Err(error),
        };
        self.work();
        self.host.answer(q.id, q.started, result);
    }

    /// Take requests; false at their end.
    fn take_requests(&mut self, kept: &mut Vec<u8>) -> bool {
        let mut piece = vec![0; 65536];
        let got = unsafe { read(0, piece.as_mut_ptr() as *mut c_void, piece.len()) };
        if got < 0 && !over() {
            return true;
        }
        let seen = kept.len();
        kept.extend(&piece[..got.max(0) as usize]);
        let (mut from, mut look) = (0, seen);
        while let Some(n) = kept[look..].iter().position(|octet| *octet == b'\n') {
            let line = kept[from..look + n].to_vec();
            if !line.iter().all(|octet| matches!(octet, b' ' | b'\t' | b'\r')) {
                self.serve(&line);
                self.settle();
            }
            from = look + n + 1;
            look = from;
        }
        kept.drain(..from);
        got > 0 && kept.len() <= MOST as usize
    }
}

/// Answer until the requests end, or nobody reads the answers.
pub fn run<S: Stack>(stack: S) {
    let virtual_clock = match std::env::var("CONFORMANCE_CLOCK").as_deref() {
        Ok("virtual") => true,
        Ok("real") | Err(_) => false,
        Ok(_) => die("CONFORMANCE_CLOCK is neither real nor virtual", 2),
    };
    let wire = match open_wire() {
        Some(wire) => wire,
        None => die("neither CONFORMANCE_WIRE_FD nor CONFORMANCE_INTERFACE is a wire", 2),
    };
    let sink = unsafe { dup(1) };
    if sink < 0 || unsafe { dup2(2, 1) } < 0 {
        die("no stdout or no stderr", 2); // whatever else prints, prints to stderr
    }
    for fd in [0, wire, sink] {
        unblock(fd);
    }
    let host = Host {
        virtual_clock, now: BEGINNING, lab: None, wire, sink, out: VecDeque::new(), queued: 0, written: 0,
        gone: false, sockets: BTreeMap::new(), last: 0, handle: 2,
    };
    let mut glue = Glue { host, stack };
    let (mut open, mut kept) = (true, Vec::new());
    while open && !glue.host.gone {
        let due = if virtual_clock { None } else { glue.next_timer() };
        glue.host.wait(due, !virtual_clock);
        glue.host.write_out();
        if !virtual_clock {
            if glue.next_timer().map_or(false, |due| due <= glue.host.now()) {
                glue.stack.run_timers(&mut glue.host);
                glue.settle();
            }
            glue.take_frames(64);
        }
        open = glue.take_requests(&mut kept);
    }
    // Whoever closed only his writing end may still read the last answers.
    let end = clock() + SECOND;
    while !glue.host.out.is_empty() && !glue.host.gone && clock() < end {
        glue.host.write_out();
        let mut one = [PollFd { fd: sink, events: POLLOUT, revents: 0 }];
        wait_for(&mut one, 10);
    }
}

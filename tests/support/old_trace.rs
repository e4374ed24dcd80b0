//! Traces of the format that Go 1.11 to 1.21 wrote, made up.

use super::random::Random;
use super::varint::varint;

/// Event types by number, from 1.
const NAMES: [&str; 49] = [
    "Batch",
    "Frequency",
    "Stack",
    "Gomaxprocs",
    "ProcStart",
    "ProcStop",
    "GCStart",
    "GCDone",
    "STWStart",
    "STWDone",
    "SweepStart",
    "SweepDone",
    "GoCreate",
    "GoStart",
    "GoEnd",
    "GoStop",
    "GoSched",
    "GoPreempt",
    "GoSleep",
    "GoBlock",
    "GoUnblock",
    "GoBlockSend",
    "GoBlockRecv",
    "GoBlockSelect",
    "GoBlockSync",
    "GoBlockCond",
    "GoBlockNet",
    "GoSysCall",
    "GoSysExit",
    "GoSysBlock",
    "GoWaiting",
    "GoInSyscall",
    "HeapAlloc",
    "HeapGoal",
    "TimerGoroutine",
    "FutileWakeup",
    "String",
    "GoStartLocal",
    "GoUnblockLocal",
    "GoSysExitLocal",
    "GoStartLabel",
    "GoBlockGC",
    "AssistStart",
    "AssistDone",
    "TaskCreate",
    "TaskEnd",
    "Region",
    "Log",
    "CPUSample",
];

/// Writes the events of a text, one a line: its name, its arguments, and a
/// text in quotes if it has one. The first line is the version, `Go 1.11`.
pub(crate) fn encode(text: &str) -> Vec<u8> {
    let mut lines = text.lines().map(str::trim).filter(|l| !l.is_empty());
    let version = lines.next().and_then(|l| l.strip_prefix("Go "));
    let mut bytes = header(version.expect("a version"));
    for line in lines {
        let (words, text) = line.split_once('"').unwrap_or((line, ""));
        let mut words = words.split_whitespace();
        let name = words.next().expect("an event");
        let args: Vec<u64> = words.map(number).collect();
        event(&mut bytes, name, &args, text.trim_end_matches('"'));
    }
    bytes
}

fn number(word: &str) -> u64 {
    let value: i64 = word
        .parse()
        .unwrap_or_else(|_| panic!("{word} is no number"));
    value as u64
}

fn header(version: &str) -> Vec<u8> {
    let mut bytes = format!("go {version} trace").into_bytes();
    bytes.resize(16, 0);
    bytes
}

fn event(out: &mut Vec<u8>, name: &str, args: &[u64], text: &str) {
    let number = NAMES.iter().position(|n| *n == name);
    let kind = number.unwrap_or_else(|| panic!("unknown event {name}")) as u8 + 1;
    let mut data = Vec::new();
    args.iter().for_each(|&arg| varint(&mut data, arg));
    if name == "String" {
        out.push(kind);
    } else if let n @ 1..=3 = args.len() {
        out.push(kind | (n as u8 - 1) << 6);
    } else {
        out.push(kind | 3 << 6);
        varint(out, data.len() as u64);
    }
    out.extend(data);
    if name == "String" || name == "Log" {
        varint(out, text.len() as u64);
        out.extend(text.as_bytes());
    }
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Runnable,
    Running,
    Waiting,
    /// Blocked in a syscall since.
    Syscall(u64),
    Dead,
}

struct Goroutine {
    state: State,
    seq: u64,
    /// The P on which it took its last step.
    last: usize,
}

#[derive(Default)]
struct Proc {
    /// The batch that is being written, and the time of its last event.
    batch: Vec<u8>,
    time: u64,
    running: Option<usize>,
    in_syscall: bool,
}

/// A program that does things at random, on Ps whose clocks often show the
/// same.
struct Program {
    random: Random,
    out: Vec<u8>,
    now: u64,
    ps: Vec<Proc>,
    /// Goroutine `i` has the number `i + 1`.
    gs: Vec<Goroutine>,
}

/// A trace of a program that does so many things at random.
pub(crate) fn random(seed: u64, version: &str, steps: usize) -> Vec<u8> {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let procs = 1 + random.below(6);
    let mut program = Program {
        random,
        out: header(version),
        now: 1_000,
        ps: (0..procs).map(|_| Proc::default()).collect(),
        gs: Vec::new(),
    };
    program.start();
    for _ in 0..steps {
        program.step();
    }
    program.finish()
}

impl Program {
    /// Writes an event of a P; `args` do not include the time.
    fn event(&mut self, p: usize, name: &str, args: &[u64]) {
        let now = self.now;
        let proc = &mut self.ps[p];
        if proc.batch.is_empty() {
            event(&mut proc.batch, "Batch", &[p as u64, now], "");
            proc.time = now;
        }
        let mut all = vec![now - proc.time];
        all.extend(args);
        event(&mut proc.batch, name, &all, "some text");
        proc.time = now;
        if self.random.below(40) == 0 {
            self.flush(p);
        }
    }

    fn flush(&mut self, p: usize) {
        let batch = std::mem::take(&mut self.ps[p].batch);
        self.out.extend(batch);
    }

    fn start(&mut self) {
        for id in 1..=8u64 {
            self.event(0, "GoCreate", &[id, id % 2, 0]);
            let (state, name) = match id % 4 {
                0 => (State::Waiting, Some("GoWaiting")),
                1 => (State::Syscall(self.now), Some("GoInSyscall")),
                _ => (State::Runnable, None),
            };
            if let Some(name) = name {
                self.event(0, name, &[id]);
            }
            let seq = 1 + u64::from(name.is_some());
            self.gs.push(Goroutine {
                state,
                seq,
                last: 0,
            });
        }
        self.event(0, "ProcStart", &[7]);
        self.event(0, "Gomaxprocs", &[self.ps.len() as u64, 0]);
        for p in 1..self.ps.len() {
            self.event(p, "ProcStart", &[p as u64]);
        }
    }

    fn pick(&mut self, wanted: impl Fn(State) -> bool) -> Option<usize> {
        let from = self.random.below(self.gs.len());
        let all = 0..self.gs.len();
        all.map(|i| (i + from) % self.gs.len())
            .find(|&i| wanted(self.gs[i].state))
    }

    /// Writes a step of a goroutine, as local where it took the last one here.
    fn ordered(&mut self, p: usize, g: usize, name: &str, rest: &[u64]) {
        let goroutine = &mut self.gs[g];
        let local = goroutine.last == p;
        let seq = goroutine.seq;
        goroutine.seq += 1;
        goroutine.last = p;
        let mut args = vec![g as u64 + 1];
        if !local {
            args.push(seq);
        }
        args.extend(rest);
        let local = if local { "Local" } else { "" };
        self.event(p, &format!("{name}{local}"), &args);
    }

    fn step(&mut self) {
        self.now += [0, 0, 1, 1, 2, 50][self.random.below(6)];
        let p = self.random.below(self.ps.len());
        let stack = self.random.below(2) as u64;
        let Some(g) = self.ps[p].running else {
            return self.idle(p);
        };
        let id = g as u64 + 1;
        if self.ps[p].in_syscall {
            self.ps[p].in_syscall = false;
            if self.random.below(2) == 0 {
                self.event(p, "GoSysBlock", &[]);
                self.gs[g].state = State::Syscall(self.now);
                self.gs[g].last = usize::MAX;
                self.ps[p].running = None;
                return;
            }
        }
        match self.random.below(16) {
            0..=3 => {
                let names = [
                    "GoBlockSend",
                    "GoBlockRecv",
                    "GoBlockSync",
                    "GoBlockNet",
                    "GoSleep",
                ];
                let name = names[self.random.below(names.len())];
                self.event(p, name, &[stack]);
                self.leave(p, g, State::Waiting);
            }
            4 => {
                self.event(p, "GoPreempt", &[stack]);
                self.leave(p, g, State::Runnable);
            }
            5 if self.gs.len() > 3 => {
                self.event(p, "GoEnd", &[]);
                self.leave(p, g, State::Dead);
            }
            6 => {
                self.gs.push(Goroutine {
                    state: State::Runnable,
                    seq: 1,
                    last: p,
                });
                let new = self.gs.len() as u64;
                self.event(p, "GoCreate", &[new, stack, stack]);
            }
            7..=9 => {
                if let Some(other) = self.pick(|s| s == State::Waiting) {
                    self.gs[other].state = State::Runnable;
                    self.ordered(p, other, "GoUnblock", &[stack]);
                }
            }
            10..=12 => {
                self.event(p, "GoSysCall", &[stack]);
                self.ps[p].in_syscall = true;
            }
            13 => self.event(p, "HeapAlloc", &[id * 1000]),
            14 => self.event(p, "Log", &[id, 1, stack]),
            _ => {
                self.event(p, "Region", &[id, 0, 2, stack]);
                self.event(p, "Region", &[id, 1, 2, stack]);
            }
        }
    }

    fn leave(&mut self, p: usize, g: usize, state: State) {
        self.gs[g].state = state;
        // Who stops does so without a number.
        self.gs[g].last = p;
        self.ps[p].running = None;
    }

    fn idle(&mut self, p: usize) {
        if self.random.below(3) == 0
            && let Some(g) = self.pick(|s| matches!(s, State::Syscall(_)))
            && let State::Syscall(since) = self.gs[g].state
        {
            self.gs[g].state = State::Runnable;
            // Some left the syscall earlier than it is written.
            let left = match self.random.below(3) {
                0 => 0,
                _ => since + self.random.below((self.now - since + 1) as usize) as u64,
            };
            self.gs[g].last = usize::MAX;
            self.ordered(p, g, "GoSysExit", &[left]);
        }
        if let Some(g) = self.pick(|s| s == State::Runnable) {
            self.gs[g].state = State::Running;
            self.ps[p].running = Some(g);
            self.ordered(p, g, "GoStart", &[]);
        }
    }

    fn finish(mut self) -> Vec<u8> {
        for p in (0..self.ps.len()).rev() {
            self.flush(p);
        }
        let tables = "Go 1.11
            Frequency 15625003
            Batch 0 1
            String 1 \"category\"
            String 2 \"region\"
            String 3 \"main.go\"
            Stack 1 2 77 1 3 5 78 2 3 6";
        self.out.extend_from_slice(&encode(tables)[16..]);
        self.out
    }
}

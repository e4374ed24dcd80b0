//! Stacks that outlive their generation, and what they tell at a glance.
//!
//! A generation's tables are gone when the next one starts, while waits go on.
//! Each stack that matters is therefore entered here once for the whole trace,
//! by its program counters, and classified when it is first seen: which frame
//! a person would go and change, whether it waits for a lock, whose goroutine
//! it is.

use std::collections::HashMap;
use std::ops::Range;

use crate::trace::{StackId, Tables};

type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// A stack of the trace. The default is no stack.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct StackKey(u32);

/// A frame of the trace: function, file and line. The default is unknown.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct FrameKey(u32);

impl StackKey {
    /// No stack.
    pub const NONE: Self = Self(0);

    /// Whether there is a stack.
    #[inline]
    pub fn is_some(self) -> bool {
        self.0 != 0
    }

    /// A dense number, 0 for no stack.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl FrameKey {
    /// Whether the frame is known.
    pub fn is_some(self) -> bool {
        self.0 != 0
    }
}

/// Whose goroutine a stack belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Owner {
    /// The program's.
    #[default]
    Program,
    /// The runtime's own: garbage collection workers, finalizers.
    Runtime,
    /// The execution tracer's, which would not be there without the trace.
    Tracer,
}

/// What a stack tells.
#[derive(Clone, Copy, Debug, Default)]
pub struct Traits {
    /// Waits for a `sync.Mutex` or `sync.RWMutex`.
    pub locks: bool,
    /// Releases a `sync.Mutex` or `sync.RWMutex`.
    pub unlocks: bool,
    /// Is a thread that the runtime parks in a "syscall" of its own: signal
    /// delivery, the CPU profile's reader, the timers of old versions.
    pub parked: bool,
    /// Whose goroutine it is, as far as this stack tells.
    pub owner: Owner,
    /// The frame that a person would go and change.
    pub place: FrameKey,
    /// Some frame of that function, the same for all its lines: where a
    /// goroutine was preempted says nothing about the line.
    pub function: FrameKey,
    /// The outermost frame: the function the goroutine was started with.
    pub root: FrameKey,
}

/// A frame with its texts.
#[derive(Clone, Copy, Debug)]
pub struct FrameText<'a> {
    /// Function with its package path.
    pub function: &'a str,
    /// Source file.
    pub file: &'a str,
    /// Line, 0 if unknown.
    pub line: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Frame {
    function: u32,
    file: u32,
    line: u64,
}

/// All stacks of a trace that were needed.
#[derive(Debug)]
pub struct Stacks {
    texts: Vec<Box<str>>,
    by_text: Map<Box<str>, u32>,
    frames: Vec<Frame>,
    by_frame: Map<Frame, FrameKey>,
    /// The first frame seen of each function.
    by_function: Map<u32, FrameKey>,
    /// Frames of all stacks, one after the other.
    flat: Vec<FrameKey>,
    stacks: Vec<(Range<u32>, Traits)>,
    by_pcs: Map<Box<[u64]>, StackKey>,
    /// Keys of the current generation's stacks; 0 is not entered yet.
    current: Vec<StackKey>,
    pcs: Vec<u64>,
}

impl Default for Stacks {
    fn default() -> Self {
        let nothing = Frame {
            function: 0,
            file: 0,
            line: 0,
        };
        Self {
            texts: vec!["".into()],
            by_text: Map::from_iter([("".into(), 0)]),
            frames: vec![nothing],
            by_frame: Map::from_iter([(nothing, FrameKey(0))]),
            by_function: Map::from_iter([(0, FrameKey(0))]),
            flat: Vec::new(),
            stacks: vec![(0..0, Traits::default())],
            by_pcs: Map::default(),
            current: Vec::new(),
            pcs: Vec::new(),
        }
    }
}

impl Stacks {
    /// To be called when a generation's tables are replaced.
    pub fn start_generation(&mut self, tables: &Tables) {
        self.current.clear();
        self.current
            .resize(tables.stacks() + 1, StackKey::default());
    }

    /// The key of a stack of the current generation.
    #[inline]
    pub fn key(&mut self, id: StackId, tables: &Tables) -> StackKey {
        match self.current.get(id.index()) {
            Some(&key) if key.is_some() || id == StackId::NONE => key,
            _ => self.enter(id, tables),
        }
    }

    #[cold]
    fn enter(&mut self, id: StackId, tables: &Tables) -> StackKey {
        self.pcs.clear();
        self.pcs.extend(tables.stack(id).map(|f| f.pc));
        if self.pcs.is_empty() {
            return StackKey::default();
        }
        let key = match self.by_pcs.get(&self.pcs[..]) {
            Some(&key) => key,
            None => {
                let key = self.add(id, tables);
                self.by_pcs.insert(self.pcs[..].into(), key);
                key
            }
        };
        if let Some(slot) = self.current.get_mut(id.index()) {
            *slot = key;
        }
        key
    }

    fn add(&mut self, id: StackId, tables: &Tables) -> StackKey {
        let start = self.flat.len() as u32;
        for f in tables.stack(id) {
            let frame = Frame {
                function: self.text(tables.string(f.func)),
                file: self.text(tables.string(f.file)),
                line: f.line,
            };
            let key = self.frame(frame);
            self.flat.push(key);
        }
        let range = start..self.flat.len() as u32;
        let traits = self.classify(range.clone());
        self.stacks.push((range, traits));
        StackKey((self.stacks.len() - 1) as u32)
    }

    fn text(&mut self, bytes: &[u8]) -> u32 {
        let text = String::from_utf8_lossy(bytes);
        if let Some(&i) = self.by_text.get(&*text) {
            return i;
        }
        let i = self.texts.len() as u32;
        self.texts.push(text.as_ref().into());
        self.by_text.insert(text.as_ref().into(), i);
        i
    }

    fn frame(&mut self, frame: Frame) -> FrameKey {
        let next = FrameKey(self.frames.len() as u32);
        let key = *self.by_frame.entry(frame).or_insert(next);
        if key == next {
            self.frames.push(frame);
            self.by_function.entry(frame.function).or_insert(key);
        }
        key
    }

    fn classify(&self, range: Range<u32>) -> Traits {
        let frames = &self.flat[range.start as usize..range.end as usize];
        let functions: Vec<&str> = frames.iter().map(|&f| self.get(f).function).collect();
        let root = functions.last().copied().unwrap_or_default();
        let lock = functions.iter().rposition(|f| is_lock_wait(f));
        let unlock = functions.iter().rposition(|f| is_unlock(f));
        // Once holds a mutex while its function runs: waiting for that is
        // waiting for the function.
        let of_once = |at: usize| {
            let callers = functions[at..].iter().take(3);
            callers.into_iter().any(|f| f.starts_with("sync.(*Once)."))
        };
        let place = place(&functions).map_or(FrameKey::default(), |i| frames[i]);
        let function = self.frames[place.0 as usize].function;
        Traits {
            locks: lock.is_some_and(|at| !of_once(at)),
            unlocks: unlock.is_some_and(|at| !of_once(at)),
            parked: functions.iter().any(|f| PARKED.contains(f)),
            owner: owner(root),
            place,
            function: self.by_function[&function],
            root: frames.last().copied().unwrap_or_default(),
        }
    }

    /// What a stack tells.
    #[inline]
    pub fn traits(&self, key: StackKey) -> &Traits {
        &self.stacks[key.index()].1
    }

    /// A stack's frames, innermost first.
    pub fn frames(&self, key: StackKey) -> impl Iterator<Item = FrameText<'_>> {
        let range = &self.stacks[key.index()].0;
        let frames = &self.flat[range.start as usize..range.end as usize];
        frames.iter().map(|&f| self.get(f))
    }

    /// A frame's texts.
    pub fn get(&self, key: FrameKey) -> FrameText<'_> {
        let f = self.frames[key.0 as usize];
        FrameText {
            function: &self.texts[f.function as usize],
            file: &self.texts[f.file as usize],
            line: f.line,
        }
    }
}

/// Functions in which a goroutine waits for a lock, of all Go versions since
/// 1.11: the lock itself may have been inlined away, its slow path never is.
fn is_lock_wait(function: &str) -> bool {
    let Some(name) = function
        .strip_prefix("sync.")
        .or_else(|| function.strip_prefix("internal/sync."))
    else {
        return false;
    };
    matches!(
        name,
        "(*Mutex).Lock"
            | "(*Mutex).lockSlow"
            | "(*RWMutex).Lock"
            | "(*RWMutex).RLock"
            | "(*rlocker).Lock"
            | "runtime_SemacquireMutex"
            | "runtime_SemacquireRWMutex"
            | "runtime_SemacquireRWMutexRLock"
    )
}

fn is_unlock(function: &str) -> bool {
    let Some(name) = function
        .strip_prefix("sync.")
        .or_else(|| function.strip_prefix("internal/sync."))
    else {
        return false;
    };
    matches!(
        name,
        "(*Mutex).Unlock"
            | "(*Mutex).unlockSlow"
            | "(*RWMutex).Unlock"
            | "(*RWMutex).RUnlock"
            | "(*RWMutex).rUnlockSlow"
            | "(*rlocker).Unlock"
    )
}

/// Functions in which the runtime parks threads.
const PARKED: [&str; 4] = [
    "os/signal.signal_recv",
    "runtime/pprof.readProfile",
    "runtime.(*profBuf).read",
    "runtime.notetsleepg",
];

/// Whose goroutine it is, by the function it was started with.
fn owner(root: &str) -> Owner {
    let tracer = ["runtime/trace.", "runtime.trace", "runtime.(*trace"];
    if tracer.iter().any(|t| root.starts_with(t)) {
        return Owner::Tracer;
    }
    match root.strip_prefix("runtime.") {
        // Both start with the program's own code below them.
        Some("main" | "goexit") | None => Owner::Program,
        Some(_) => Owner::Runtime,
    }
}

/// The first elements of the standard library's package paths.
const STANDARD: [&str; 55] = [
    "archive",
    "arena",
    "bufio",
    "bytes",
    "cmp",
    "compress",
    "container",
    "context",
    "crypto",
    "database",
    "debug",
    "embed",
    "encoding",
    "errors",
    "expvar",
    "flag",
    "fmt",
    "go",
    "hash",
    "html",
    "image",
    "index",
    "internal",
    "io",
    "iter",
    "log",
    "maps",
    "math",
    "mime",
    "net",
    "os",
    "path",
    "plugin",
    "reflect",
    "regexp",
    "runtime",
    "simd",
    "slices",
    "sort",
    "strconv",
    "strings",
    "structs",
    "sync",
    "syscall",
    "testing",
    "text",
    "time",
    "unicode",
    "unique",
    "unsafe",
    "uuid",
    "vendor",
    "weak",
    "type:",
    "_cgo",
];

fn is_standard(function: &str) -> bool {
    let end = function.find(['/', '.']).unwrap_or(function.len());
    let first = match function[end..].chars().next() {
        // A dot before the first slash belongs to a host name, unless no slash
        // follows in the package path.
        Some('.')
            if function[end..]
                .find('/')
                .is_some_and(|s| !function[end..end + s].contains(['(', '['])) =>
        {
            return false;
        }
        _ => &function[..end],
    };
    first.is_empty() || STANDARD.contains(&first)
}

/// Below these nothing is the program's doing.
fn is_plumbing(function: &str) -> bool {
    ["runtime.", "sync.", "internal/", "syscall."]
        .iter()
        .any(|p| function.starts_with(p))
        || function.is_empty()
}

/// The index of the frame that a person would go and change: the innermost one
/// outside the standard library, else the innermost outside its plumbing.
fn place(functions: &[&str]) -> Option<usize> {
    let own = functions.iter().position(|f| !is_standard(f));
    let outside = || functions.iter().position(|f| !is_plumbing(f));
    let any = || functions.iter().position(|f| !f.is_empty());
    own.or_else(outside).or_else(any)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_the_program_s_own_innermost_frame() {
        let at = |stack: &[&str]| place(stack).map(|i| stack[i].to_owned());
        let lock = [
            "sync.(*Mutex).Lock",
            "log.(*Logger).output",
            "example.com/shop/cart.(*Cart).Add",
        ];
        assert_eq!(
            at(&lock).as_deref(),
            Some("example.com/shop/cart.(*Cart).Add")
        );
        let server = [
            "internal/poll.(*FD).Read",
            "net.(*conn).Read",
            "net/http.(*conn).serve",
        ];
        assert_eq!(at(&server).as_deref(), Some("net.(*conn).Read"));
        assert_eq!(
            at(&["runtime.gcBgMarkWorker"]).as_deref(),
            Some("runtime.gcBgMarkWorker")
        );
        assert_eq!(at(&["", "main.main"]).as_deref(), Some("main.main"));
        assert_eq!(at(&[""]), None);
    }

    #[test]
    fn the_standard_library_is_told_from_modules() {
        for std in [
            "net/http.(*conn).serve",
            "fmt.Println",
            "vendor/golang.org/x/net/http2/hpack.x",
            "slices.SortFunc[go.shape.struct { a/b.C }]",
        ] {
            assert!(is_standard(std), "{std}");
        }
        for own in [
            "main.main",
            "go.uber.org/zap.New",
            "github.com/a/b.F",
            "corpus/workloads.X",
            "net.example/x.Y",
        ] {
            assert!(!is_standard(own), "{own}");
        }
    }

    #[test]
    fn goroutines_belong_to_program_runtime_or_tracer() {
        assert_eq!(owner("runtime.gcBgMarkWorker"), Owner::Runtime);
        assert_eq!(owner("runtime.main"), Owner::Program);
        assert_eq!(owner("runtime/trace.Start.func1"), Owner::Tracer);
        assert_eq!(
            owner("runtime.(*traceAdvancerState).start.func1"),
            Owner::Tracer
        );
        assert_eq!(owner("runtime.traceStartReadCPU.func1"), Owner::Tracer);
        assert_eq!(owner("main.worker"), Owner::Program);
    }
}

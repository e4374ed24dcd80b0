//! Stacks that outlive their generation, with their classification.
//!
//! The tables of a generation are replaced when the next one starts, while waits continue. So each stack that is
//! needed gets a key for the whole trace, by its program counters. It is classified when it is first seen: place,
//! lock, owner.

use std::collections::HashMap;
use std::ops::Range;

use foldhash::fast::RandomState;
use indexmap::IndexSet;

use super::classify::{self, Lock, Outside, Owner};
use super::place;
use super::waiting::StackWaits;
use crate::trace::internal::{growing, of_map, of_vec};
use crate::trace::{StackId, StringId, Tables};

/// Maximum number of frames that the runtime records for a stack.
const DEEPEST: usize = 128;

/// Memory of a text beside its bytes: the text, its hash, and its place in the table.
const TEXT: usize = size_of::<(Box<str>, u64)>() + 2 * size_of::<usize>();

type Map<K, V> = HashMap<K, V, RandomState>;

/// Key of a stack. The default is no stack.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct StackKey(u32);

/// Key of a frame: function, file and line. The default is unknown.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct FrameKey(u32);

impl StackKey {
    /// No stack.
    pub const NONE: Self = Self(0);

    /// Whether this is a stack.
    #[inline]
    pub fn is_some(self) -> bool {
        self.0 != 0
    }

    /// Dense number, 0 for no stack.
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

/// Classification of a stack.
#[derive(Clone, Copy, Debug, Default)]
pub struct Traits {
    /// Type of the lock that it waits for.
    pub lock: Option<Lock>,
    /// Releases a lock.
    pub unlocks: bool,
    /// Belongs to a thread that the runtime parks in a "syscall": signal delivery, the CPU profile's reader, the
    /// timers of old versions.
    pub parked: bool,
    /// Process or device that ends the system call at its top.
    pub outside: Outside,
    /// Belongs to the goroutine that writes a CPU profile.
    pub profiler: bool,
    /// Is the end of a goroutine.
    pub ends: bool,
    /// Receives from a channel, so a goroutine that it wakes was sending.
    pub receives: bool,
    /// Is blocked, not computing.
    pub blocks: bool,
    /// Waits for another coroutine (`iter.Pull`).
    pub coroutine: bool,
    /// Objects of waits with this stack, by the runtime's reason.
    pub waits: StackWaits,
    /// Owner of the goroutine, as far as this stack shows it.
    pub owner: Owner,
    /// Frame to show for the stack.
    pub place: FrameKey,
    /// Frame that creates a goroutine, if the stack does that.
    pub creation: FrameKey,
    /// Has a frame of the program.
    pub own: bool,
    /// Is an allocation of the program.
    pub allocates: bool,
    /// A frame of `place`'s function, the same for all lines: a preemption may happen at any line.
    pub function: FrameKey,
    /// Outermost frame: the start function.
    pub root: FrameKey,
    /// A frame of the start function, the same for all lines. Unknown if the stack may lack its outermost frames.
    pub start: FrameKey,
}

/// Texts of a frame.
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

/// Stacks of a trace that were needed.
#[derive(Debug)]
pub struct Stacks {
    texts: IndexSet<Box<str>, RandomState>,
    /// Numbers of the texts of the current generation's strings; 0 if not entered yet.
    by_string: Vec<u32>,
    frames: Vec<Frame>,
    /// Whether each frame is one of the program.
    own: Vec<bool>,
    by_frame: Map<Frame, FrameKey>,
    /// First frame seen of each function.
    by_function: Map<u32, FrameKey>,
    /// Frames of all stacks, concatenated.
    flat: Vec<FrameKey>,
    stacks: Vec<(Range<u32>, Traits)>,
    by_pcs: Map<Box<[u64]>, StackKey>,
    /// Keys of the current generation's stacks; 0 if not entered yet.
    current: Vec<StackKey>,
    pcs: Vec<u64>,
    /// Bytes of all texts.
    text_bytes: u64,
}

impl Default for Stacks {
    fn default() -> Self {
        let nothing = Frame {
            function: 0,
            file: 0,
            line: 0,
        };
        Self {
            texts: IndexSet::from_iter(["".into()]),
            by_string: Vec::new(),
            frames: vec![nothing],
            own: vec![false],
            by_frame: Map::from_iter([(nothing, FrameKey(0))]),
            by_function: Map::from_iter([(0, FrameKey(0))]),
            flat: Vec::new(),
            stacks: vec![(0..0, Traits::default())],
            by_pcs: Map::default(),
            current: Vec::new(),
            pcs: Vec::new(),
            text_bytes: 0,
        }
    }
}

impl Stacks {
    /// Must be called when a generation's tables are replaced.
    pub fn start_generation(&mut self, tables: &Tables) {
        self.by_string.clear();
        self.current.clear();
        self.current
            .resize(tables.stacks() + 1, StackKey::default());
    }

    /// Key of a stack of the current generation.
    #[inline]
    pub fn key(&mut self, id: StackId, tables: &Tables) -> StackKey {
        match self.current.get(id.index()) {
            Some(&key) if key.is_some() || id == StackId::NONE => key,
            _ => self.enter(id, tables),
        }
    }

    /// Key of a stack of the current generation if it has one already.
    pub fn known_key(&self, id: StackId) -> StackKey {
        self.current.get(id.index()).copied().unwrap_or_default()
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
                function: self.string(f.func, tables),
                file: self.string(f.file, tables),
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

    fn string(&mut self, id: StringId, tables: &Tables) -> u32 {
        match self.by_string.get(id.index()) {
            Some(&known) if known > 0 => known,
            _ => {
                let text = self.text(tables.string(id));
                if self.by_string.len() <= tables.strings() {
                    self.by_string.resize(tables.strings() + 1, 0);
                }
                if let Some(slot) = self.by_string.get_mut(id.index()) {
                    *slot = text;
                }
                text
            }
        }
    }

    fn text(&mut self, bytes: &[u8]) -> u32 {
        let text = String::from_utf8_lossy(bytes);
        if let Some(known) = self.texts.get_index_of(&*text) {
            return known as u32;
        }
        self.text_bytes += text.len() as u64;
        let (new, _) = self.texts.insert_full(text.into());
        new as u32
    }

    fn frame(&mut self, frame: Frame) -> FrameKey {
        let next = FrameKey(self.frames.len() as u32);
        let key = *self.by_frame.entry(frame).or_insert(next);
        if key == next {
            self.frames.push(frame);
            let texts = self.get(key);
            self.own.push(place::is_own(texts.function, texts.file));
            self.by_function.entry(frame.function).or_insert(key);
        }
        key
    }

    fn classify(&self, range: Range<u32>) -> Traits {
        let frames = &self.flat[range.start as usize..range.end as usize];
        let functions: Vec<&str> = frames.iter().map(|&f| self.get(f).function).collect();
        let frame = |at: Option<usize>| at.map_or(FrameKey::default(), |i| frames[i]);
        let own = place::own(&functions, |i| self.own[frames[i].0 as usize]);
        let place = frame(place::place(&functions, own));
        let function = self.frames[place.0 as usize].function;
        Traits {
            lock: classify::lock(&functions),
            unlocks: classify::unlocks(&functions),
            parked: classify::is_parked(&functions),
            outside: classify::outside(&functions),
            profiler: functions.contains(&classify::PROFILER),
            ends: functions
                .first()
                .is_some_and(|f| f.starts_with("runtime.goexit")),
            receives: functions.first().is_some_and(|f| classify::is_receive(f)),
            blocks: functions.first().is_some_and(|f| classify::is_blocking(f)),
            coroutine: functions.iter().any(|f| f.starts_with("runtime.coro")),
            waits: StackWaits::of(&functions),
            owner: classify::owner(functions.last().copied().unwrap_or_default()),
            place,
            creation: frame(place::creation(&functions, own)),
            own: own.is_some(),
            allocates: own.is_some() && functions.iter().any(|f| f.starts_with("runtime.malloc")),
            function: self.by_function[&function],
            root: frames.last().copied().unwrap_or_default(),
            start: self.start(frames, &functions),
        }
    }

    /// Returns a frame of the start function of a goroutine with this stack.
    fn start(&self, frames: &[FrameKey], functions: &[&str]) -> FrameKey {
        if frames.len() >= DEEPEST {
            return FrameKey::default();
        }
        // Old versions have a frame of the runtime's outside of it.
        let last = functions.iter().rposition(|f| *f != "runtime.goexit");
        last.map_or(FrameKey::default(), |last| {
            let function = self.frames[frames[last].0 as usize].function;
            self.by_function[&function]
        })
    }

    /// Bytes of memory held.
    pub fn held(&self) -> u64 {
        let pcs = (self.flat.len() * size_of::<u64>()) as u64;
        let texts = (self.texts.capacity() * TEXT) as u64;
        growing(texts, self.texts.len() == self.texts.capacity())
            + self.text_bytes
            + of_vec(&self.by_string, 1)
            + of_vec(&self.frames, 1)
            + of_vec(&self.own, 1)
            + of_map(&self.by_frame, 1)
            + of_map(&self.by_function, 1)
            + of_vec(&self.flat, 1)
            + of_vec(&self.stacks, 1)
            + of_map(&self.by_pcs, 1)
            + pcs
            + of_vec(&self.current, 0)
    }

    /// Number of keys of stacks so far, [`StackKey::NONE`] included.
    #[inline]
    pub fn count(&self) -> usize {
        self.stacks.len()
    }

    /// Returns the keys of stacks from the `first` one on.
    pub fn keys_from(&self, first: usize) -> impl Iterator<Item = StackKey> {
        (first as u32..self.stacks.len() as u32).map(StackKey)
    }

    /// Whether a source file shows that the program ran on Linux: only there, files such as `zsyscall_linux_amd64.go`
    /// are compiled.
    pub fn shows_linux(&self) -> bool {
        let mut texts = self.texts.iter();
        texts.any(|text| text.contains("_linux") || text.ends_with("/netpoll_epoll.go"))
    }

    /// Total number of frames of all stacks.
    pub fn frames_in_all(&self) -> usize {
        self.flat.len()
    }

    /// Classification of a stack.
    #[inline]
    pub fn traits(&self, key: StackKey) -> &Traits {
        &self.stacks[key.index()].1
    }

    /// Iterates over a stack's frames, innermost first.
    pub fn frames(&self, key: StackKey) -> impl Iterator<Item = FrameText<'_>> {
        let range = &self.stacks[key.index()].0;
        let frames = &self.flat[range.start as usize..range.end as usize];
        frames.iter().map(|&f| self.get(f))
    }

    /// Iterates over the keys of a stack's frames, innermost first.
    pub fn keys(&self, key: StackKey) -> impl Iterator<Item = FrameKey> + '_ {
        let range = &self.stacks[key.index()].0;
        self.flat[range.start as usize..range.end as usize]
            .iter()
            .copied()
    }

    /// Texts of a frame.
    pub fn get(&self, key: FrameKey) -> FrameText<'_> {
        let f = self.frames[key.0 as usize];
        FrameText {
            function: &self.texts[f.function as usize],
            file: &self.texts[f.file as usize],
            line: f.line,
        }
    }
}

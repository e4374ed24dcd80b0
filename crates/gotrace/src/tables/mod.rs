//! Strings and stacks of one generation.

mod id_map;

use std::collections::HashMap;
use std::sync::Arc;

use super::allowance::{of_map, of_vec};
use super::error::Corruption;
use super::event::{StackId, StringId};
use super::work;
use id_map::{IdMap, Map};

/// One frame of a stack.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Frame {
    /// Program counter.
    pub pc: u64,
    /// Function, with its package path.
    pub func: StringId,
    /// Source file.
    pub file: StringId,
    /// Line, from 1; 0 is unknown.
    pub line: u64,
}

#[derive(Debug, Clone, Copy)]
struct RawFrame {
    pc: u64,
    func: u64,
    file: u64,
    line: u64,
}

/// The string and stack tables of one generation.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    string_ids: IdMap,
    /// Ends of the strings in `bytes`, by slot - 1.
    string_ends: Vec<u32>,
    bytes: Vec<u8>,
    stack_ids: IdMap,
    /// Ends of the stacks in `stack_frames`, by slot - 1.
    stack_ends: Vec<u32>,
    /// Indices into `frames`.
    stack_frames: Vec<u32>,
    raw_frames: Vec<RawFrame>,
    frames: Vec<Frame>,
    /// A program counter's frame: the first one in a generation counts.
    pcs: Map<u32>,
}

impl Tables {
    /// Empties the tables and keeps their memory.
    pub(crate) fn clear(&mut self) {
        self.string_ids.clear();
        self.string_ends.clear();
        self.bytes.clear();
        self.stack_ids.clear();
        self.stack_ends.clear();
        self.stack_frames.clear();
        self.raw_frames.clear();
        self.frames.clear();
        self.pcs.clear();
    }

    /// Bytes of memory that this holds while `more` bytes of tables are decoded.
    pub(crate) fn held(&self, more: usize) -> u64 {
        if self.bytes.len() + more > u32::MAX as usize {
            // The ends of strings have 32 bits.
            return u64::MAX / 2;
        }
        // A string has at least three bytes, as a stack has, and a frame four.
        let (entries, frames) = (more / 3, more / 4);
        let resolved = self.raw_frames.len().max(self.frames.capacity());
        self.string_ids.held(entries)
            + of_vec(&self.string_ends, entries)
            + of_vec(&self.bytes, more)
            + self.stack_ids.held(entries)
            + of_vec(&self.stack_ends, entries)
            + of_vec(&self.stack_frames, frames)
            + of_vec(&self.raw_frames, frames)
            + (resolved * size_of::<Frame>()) as u64
            + of_map(&self.pcs, frames)
    }

    /// Bytes of memory that copies of all names and stacks may hold elsewhere.
    #[doc(hidden)]
    pub fn names(&self) -> u64 {
        let texts = 2 * self.bytes.len() + 96 * self.string_ends.len();
        let stacks = 40 * self.stack_frames.len() + 128 * self.stack_ends.len();
        (texts + 80 * self.frames.len() + stacks) as u64
    }

    pub(crate) fn add_string(&mut self, id: u64, text: &[u8]) -> Result<(), Corruption> {
        self.string_ids.insert(id).ok_or(Corruption::DuplicateId {
            table: "string",
            id,
        })?;
        self.bytes.extend_from_slice(text);
        self.string_ends.push(self.bytes.len() as u32);
        Ok(())
    }

    /// Adds a string that has no id in the trace.
    pub(crate) fn add_own_string(&mut self, text: &[u8]) -> StringId {
        self.bytes.extend_from_slice(text);
        self.string_ends.push(self.bytes.len() as u32);
        StringId(self.string_ids.skip())
    }

    /// Adds one frame to the stack being read; [`end_stack`](Self::end_stack)
    /// closes it.
    #[inline]
    pub(crate) fn add_frame(&mut self, pc: u64, func: u64, file: u64, line: u64) {
        let next = self.raw_frames.len() as u32;
        let index = *self.pcs.entry(pc).or_insert(next);
        if index == next {
            self.raw_frames.push(RawFrame {
                pc,
                func,
                file,
                line,
            });
        }
        self.stack_frames.push(index);
    }

    pub(crate) fn end_stack(&mut self, id: u64) -> Result<(), Corruption> {
        self.stack_ids
            .insert(id)
            .ok_or(Corruption::DuplicateId { table: "stack", id })?;
        self.stack_ends.push(self.stack_frames.len() as u32);
        Ok(())
    }

    /// Like [`end_stack`](Self::end_stack), but the last stack of an id counts,
    /// as in the old format.
    pub(crate) fn end_latest_stack(&mut self, id: u64) {
        if self.stack_ids.insert(id).is_none() {
            self.stack_ids.replace(id);
        }
        self.stack_ends.push(self.stack_frames.len() as u32);
    }

    /// Resolves the strings of all frames: to be called when the generation's
    /// string tables are whole.
    pub(crate) fn resolve_frames(&mut self) -> Result<(), Corruption> {
        self.resolve_known_frames().map_or(Ok(()), Err)
    }

    /// Like [`resolve_frames`](Self::resolve_frames), but strings that are
    /// missing are empty. Returns what one of them is.
    pub(crate) fn resolve_known_frames(&mut self) -> Option<Corruption> {
        self.string_ids.settle();
        self.stack_ids.settle();
        work::add(self.raw_frames.len());
        self.frames.reserve(self.raw_frames.len());
        let mut missing = None;
        for raw in &self.raw_frames {
            let mut string = |id| match self.string_ids.get(id) {
                Some(slot) => StringId(slot),
                None => {
                    missing.get_or_insert(id);
                    StringId::default()
                }
            };
            self.frames.push(Frame {
                pc: raw.pc,
                func: string(raw.func),
                file: string(raw.file),
                line: raw.line,
            });
        }
        self.raw_frames = Vec::new();
        let table = "string";
        missing.map(|id| Corruption::UnknownId { table, id })
    }

    /// The handle of a string's wire id.
    #[inline]
    pub(crate) fn string_id(&self, id: u64) -> Result<StringId, Corruption> {
        match self.string_ids.get(id) {
            Some(slot) => Ok(StringId(slot)),
            None => Err(Corruption::UnknownId {
                table: "string",
                id,
            }),
        }
    }

    /// The handle of a stack's wire id.
    #[inline]
    pub(crate) fn stack_id(&self, id: u64) -> Result<StackId, Corruption> {
        match self.stack_ids.get(id) {
            Some(slot) => Ok(StackId(slot)),
            None => Err(Corruption::UnknownId { table: "stack", id }),
        }
    }

    /// Like [`string_id`](Self::string_id), but may miss it.
    #[inline(always)]
    pub(crate) fn dense_string_id(&self, id: u64) -> Option<StringId> {
        self.string_ids.dense(id).map(StringId)
    }

    /// Like [`stack_id`](Self::stack_id), but may miss it.
    #[inline(always)]
    pub(crate) fn dense_stack_id(&self, id: u64) -> Option<StackId> {
        self.stack_ids.dense(id).map(StackId)
    }

    /// The bytes of a string; Go does not promise UTF-8.
    pub fn string(&self, id: StringId) -> &[u8] {
        span(&self.string_ends, id.0).map_or(&[], |r| &self.bytes[r])
    }

    /// How many strings there are.
    pub fn strings(&self) -> usize {
        self.string_ends.len()
    }

    /// How many stacks there are.
    pub fn stacks(&self) -> usize {
        self.stack_ends.len()
    }

    /// The frames of a stack, innermost first.
    pub fn stack(&self, id: StackId) -> impl ExactSizeIterator<Item = Frame> + DoubleEndedIterator {
        let frames = span(&self.stack_ends, id.0).map_or(&[][..], |r| &self.stack_frames[r]);
        frames.iter().map(|&i| self.frames[i as usize])
    }
}

/// Strings that events need although their generation's table may not hold
/// them: names of tasks that began in an earlier one.
#[derive(Debug, Default)]
pub(crate) struct Extra {
    texts: Vec<Arc<[u8]>>,
    by_text: HashMap<Arc<[u8]>, StringId, foldhash::fast::RandomState>,
    /// Bytes of the texts.
    bytes: u64,
}

/// Approximate memory of a text besides its bytes.
pub(crate) const OVERHEAD: u64 = 32;

/// Set in the handles of extra strings.
const EXTRA: u32 = 1 << 31;

impl Extra {
    pub(crate) fn clear(&mut self) {
        self.texts.clear();
        self.by_text.clear();
        self.bytes = 0;
    }

    /// Bytes of memory that this holds while up to `more` strings are added.
    pub(crate) fn held(&self, more: usize) -> u64 {
        of_vec(&self.texts, more) + of_map(&self.by_text, more) + self.bytes
    }

    pub(crate) fn add(&mut self, text: &Arc<[u8]>) -> StringId {
        if text.is_empty() {
            return StringId::default();
        }
        if let Some(&id) = self.by_text.get(text) {
            return id;
        }
        let id = StringId(self.texts.len() as u32 | EXTRA);
        self.bytes += OVERHEAD + text.len() as u64;
        self.texts.push(Arc::clone(text));
        self.by_text.insert(Arc::clone(text), id);
        id
    }

    /// The string, if it is an extra one.
    pub(crate) fn get(&self, id: StringId) -> Option<&[u8]> {
        let i = (id.0 & EXTRA != 0).then_some((id.0 & !EXTRA) as usize)?;
        self.texts.get(i).map(|text| &**text)
    }
}

/// The part of a flat vector that belongs to `slot`, from its ends.
fn span(ends: &[u32], slot: u32) -> Option<std::ops::Range<usize>> {
    let i = (slot as usize).checked_sub(1)?;
    let end = *ends.get(i)? as usize;
    let start = if i == 0 { 0 } else { ends[i - 1] as usize };
    Some(start..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_zero_is_known_and_can_not_be_defined() {
        let mut t = Tables::default();
        assert_eq!(t.string_id(0), Ok(StringId(0)));
        assert_eq!(t.string(StringId(0)), b"");
        assert!(t.add_string(0, b"x").is_err());
    }

    #[test]
    fn extra_strings_are_kept_once() {
        let mut extra = Extra::default();
        let task: Arc<[u8]> = b"task"[..].into();
        let id = extra.add(&task);
        assert_eq!(extra.add(&b"task"[..].into()), id);
        assert_eq!(extra.get(id), Some(&b"task"[..]));
        assert_eq!(extra.get(StringId(0)), None);
        assert_eq!(extra.add(&b""[..].into()), StringId(0));
        assert_eq!(Tables::default().string(id), b"");
    }

    #[test]
    fn the_first_frame_of_a_pc_counts() {
        let mut t = Tables::default();
        for (id, s) in [(1, "f"), (2, "g"), (3, "file")] {
            t.add_string(id, s.as_bytes()).unwrap();
        }
        t.add_frame(0x10, 1, 3, 7);
        t.end_stack(1).unwrap();
        t.add_frame(0x10, 2, 3, 8);
        t.end_stack(9).unwrap();
        t.resolve_frames().unwrap();
        let second = t.stack_id(9).unwrap();
        let frames: Vec<_> = t.stack(second).collect();
        assert_eq!(frames.len(), 1);
        assert_eq!((t.string(frames[0].func), frames[0].line), (&b"f"[..], 7));
    }
}

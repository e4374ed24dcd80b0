//! Names of tasks and regions, which outlive the string tables of the
//! generation in which they began.
//!
//! Equal names have one number, which is compared instead of the text. A name
//! is dropped when no open task or region has it and its generation is over.

use std::collections::HashMap;
use std::sync::Arc;

use super::super::super::allowance::{of_map, of_vec};
use super::super::super::event::StringId;
use super::super::super::slab::Slab;
use super::super::super::tables::{OVERHEAD, Tables};
use super::super::super::work;

/// A name's number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct NameId(u32);

#[derive(Debug)]
struct Name {
    text: Arc<[u8]>,
    /// How many tasks and regions have it, and one for the generation.
    users: u32,
    /// Its handle in the current generation.
    string: Option<StringId>,
}

/// All names in use.
#[derive(Debug, Default)]
pub(super) struct Names {
    all: Slab<Name>,
    by_text: HashMap<Arc<[u8]>, u32, foldhash::fast::RandomState>,
    /// The numbers of the current generation's strings, so far as they were
    /// used as names.
    by_string: Vec<Option<NameId>>,
    used: Vec<NameId>,
    /// Bytes of all texts.
    bytes: u64,
}

impl Names {
    /// Forgets the current generation's handles.
    pub(super) fn start_generation(&mut self) {
        self.by_string.clear();
        work::add(self.used.len());
        for id in std::mem::take(&mut self.used) {
            self.all[id.0].string = None;
            self.release(id);
        }
    }

    /// Bytes of memory that this holds while up to `more` names are added.
    pub(super) fn held(&self, more: usize) -> u64 {
        self.all.held(more)
            + of_map(&self.by_text, more)
            + of_vec(&self.by_string, more)
            + of_vec(&self.used, more)
            + self.bytes
    }

    /// The number of the name that is `string` in the current generation. Who
    /// keeps it calls [`keep`](Self::keep).
    #[inline]
    pub(super) fn find(&mut self, tables: &Tables, string: StringId) -> NameId {
        let known = self.find_fast(string);
        known.unwrap_or_else(|| self.add(tables, string))
    }

    /// Like [`find`](Self::find), but may miss it.
    #[inline]
    pub(super) fn find_fast(&self, string: StringId) -> Option<NameId> {
        *self.by_string.get(string.index())?
    }

    #[cold]
    fn add(&mut self, tables: &Tables, string: StringId) -> NameId {
        let text = tables.string(string);
        let id = match self.by_text.get(text) {
            Some(&id) => id,
            None => self.add_text(text.into()),
        };
        let name = &mut self.all[id];
        let id = NameId(id);
        if name.string.is_none() {
            name.string = Some(string);
            name.users += 1;
            self.used.push(id);
        }
        let index = string.index();
        if index >= self.by_string.len() {
            work::add(index + 1 - self.by_string.len());
            self.by_string.resize(index + 1, None);
        }
        self.by_string[index] = Some(id);
        id
    }

    fn add_text(&mut self, text: Arc<[u8]>) -> u32 {
        self.bytes += OVERHEAD + text.len() as u64;
        let name = Name {
            text: Arc::clone(&text),
            users: 0,
            string: None,
        };
        let id = self.all.add(name);
        self.by_text.insert(text, id);
        id
    }

    /// A name is used once more.
    #[inline]
    pub(super) fn keep(&mut self, id: NameId) {
        self.all[id.0].users += 1;
    }

    /// A name is used once less.
    #[inline]
    pub(super) fn release(&mut self, id: NameId) {
        let name = &mut self.all[id.0];
        name.users -= 1;
        if name.users == 0 {
            self.forget(id);
        }
    }

    #[cold]
    fn forget(&mut self, id: NameId) {
        let text = std::mem::take(&mut self.all[id.0].text);
        self.bytes -= OVERHEAD + text.len() as u64;
        self.by_text.remove(&text);
        self.all.free(id.0);
    }

    /// A name's handle in the current generation, if it was used there.
    pub(super) fn string(&self, id: NameId) -> Option<StringId> {
        self.all[id.0].string
    }

    /// A name's text.
    pub(super) fn text(&self, id: NameId) -> &Arc<[u8]> {
        &self.all[id.0].text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables(strings: &[&str]) -> Tables {
        let mut tables = Tables::default();
        for (i, s) in strings.iter().enumerate() {
            tables.add_string(i as u64 + 1, s.as_bytes()).unwrap();
        }
        tables
    }

    #[test]
    fn equal_names_have_one_number_across_generations() {
        let mut names = Names::default();
        let first = tables(&["a", "b", "a"]);
        let a = names.find(&first, StringId(1));
        assert_eq!(names.find(&first, StringId(3)), a);
        assert_ne!(names.find(&first, StringId(2)), a);
        names.keep(a);
        names.start_generation();
        assert_eq!(names.string(a), None);
        let second = tables(&["b", "a"]);
        assert_eq!(names.find(&second, StringId(2)), a);
        assert_eq!(names.string(a), Some(StringId(2)));
    }

    #[test]
    fn what_nobody_uses_is_forgotten() {
        let mut names = Names::default();
        for i in 0..1000 {
            let text = i.to_string();
            let tables = tables(&[&text]);
            let id = names.find(&tables, StringId(1));
            names.keep(id);
            names.release(id);
            names.start_generation();
        }
        assert_eq!((names.all.len(), names.by_text.len()), (1, 0));
    }
}

//! The tasks that have begun and not ended.

use super::super::super::ids::Ids;
use super::names::NameId;

/// A task.
#[derive(Clone, Copy, Debug)]
pub struct Task {
    pub id: i64,
    pub name: NameId,
    pub parent: i64,
}

/// All open tasks.
#[derive(Debug, Default)]
pub struct Tasks {
    slots: Vec<Task>,
    free: Vec<u32>,
    ids: Ids,
}

impl Tasks {
    /// An open task.
    #[inline]
    pub fn find(&self, id: i64) -> Option<&Task> {
        let slot = self.ids.find(id)?;
        self.slots.get(slot as usize)
    }

    /// Adds a task that is not open.
    #[inline]
    pub fn add(&mut self, task: Task) {
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slots[slot as usize] = task;
                slot
            }
            None => {
                self.slots.push(task);
                (self.slots.len() - 1) as u32
            }
        };
        self.ids.insert(task.id, slot);
    }

    /// Takes an open task out.
    #[inline]
    pub fn remove(&mut self, id: i64) -> Option<Task> {
        let slot = self.ids.find(id)?;
        self.ids.remove(id);
        self.free.push(slot);
        Some(self.slots[slot as usize])
    }
}

//! The tasks that have begun and not ended.

use super::super::super::event::TaskId;
use super::super::super::ids::Ids;
use super::super::super::slab::Slab;
use super::names::NameId;

/// A task.
#[derive(Clone, Copy, Debug)]
pub(super) struct Task {
    pub id: TaskId,
    pub name: NameId,
    pub parent: TaskId,
}

/// All open tasks.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    slots: Slab<Task>,
    ids: Ids,
}

impl Tasks {
    /// Bytes of memory that this holds while up to `more` tasks are added.
    pub(super) fn held(&self, more: usize) -> u64 {
        self.slots.held(more) + self.ids.held(more)
    }

    /// The slot of an open task.
    #[inline]
    pub(super) fn find(&self, id: TaskId) -> Option<u32> {
        self.ids.find(id.0)
    }

    /// The open task of a slot.
    #[inline]
    pub(super) fn get(&self, slot: u32) -> Task {
        self.slots[slot]
    }

    /// Adds a task that is not open.
    #[inline]
    pub(super) fn add(&mut self, task: Task) {
        let slot = self.slots.add(task);
        self.ids.insert(task.id.0, slot);
    }

    /// Takes out the open task of a slot.
    #[inline]
    pub(super) fn remove(&mut self, slot: u32) -> Task {
        let task = self.slots[slot];
        self.ids.remove(task.id.0);
        self.slots.free(slot);
        task
    }
}

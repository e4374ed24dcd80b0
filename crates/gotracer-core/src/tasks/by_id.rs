//! Open tasks by id.

use std::collections::VecDeque;

use super::open::OpenTask;
use crate::trace::TaskId;
use crate::trace::internal::Ids;

/// Length up to which the queue of ids may have any number of tasks that ended.
const SHORT: usize = 1 << 10;

/// Open tasks by id. A task has some 500 bytes and stays in its slot until it ends.
#[derive(Debug, Default)]
pub(super) struct OpenTasks {
    slots_by_id: Ids,
    slots: Vec<Option<Entry>>,
    free: Vec<u32>,
    /// Slots and numbers of the tasks by age, the oldest first, with some of tasks that ended.
    queue: VecDeque<(u32, u64)>,
    /// Number of tasks so far.
    begun: u64,
}

#[derive(Debug)]
struct Entry {
    id: TaskId,
    number: u64,
    task: OpenTask,
}

impl OpenTasks {
    /// Number of tasks.
    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Bytes of memory that this holds.
    pub(super) fn held(&self) -> usize {
        self.slots.capacity() * size_of::<Option<Entry>>()
            + self.free.capacity() * size_of::<u32>()
            + self.queue.capacity() * size_of::<(u32, u64)>()
            + self.slots_by_id.held(1) as usize
    }

    #[inline]
    fn slot(&self, id: TaskId) -> Option<usize> {
        self.slots_by_id.find(id.0).map(|slot| slot as usize)
    }

    /// Returns a task.
    #[inline]
    pub(super) fn get(&self, id: TaskId) -> Option<&OpenTask> {
        let entry = self.slots.get(self.slot(id)?)?;
        entry.as_ref().map(|entry| &entry.task)
    }

    /// Returns a task to be changed.
    #[inline]
    pub(super) fn get_mut(&mut self, id: TaskId) -> Option<&mut OpenTask> {
        let slot = self.slot(id)?;
        let entry = self.slots.get_mut(slot)?;
        entry.as_mut().map(|entry| &mut entry.task)
    }

    /// Adds a task whose id is not open.
    pub(super) fn insert(&mut self, id: TaskId, task: OpenTask) -> &mut OpenTask {
        if self.queue.len() >= SHORT.max(2 * self.len()) {
            let slots = &self.slots;
            self.queue.retain(|queued| id_of(slots, *queued).is_some());
        }
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            (self.slots.len() - 1) as u32
        });
        self.begun += 1;
        let number = self.begun;
        match task.is_cut() {
            true => self.queue.push_front((slot, number)),
            false => self.queue.push_back((slot, number)),
        }
        self.slots_by_id.insert(id.0, slot);
        let entry = Entry { id, number, task };
        &mut self.slots[slot as usize].insert(entry).task
    }

    /// Removes a task, if it is open.
    #[inline]
    pub(super) fn remove(&mut self, id: TaskId) {
        if let Some(slot) = self.slot(id) {
            self.slots_by_id.remove(id.0);
            self.free.push(slot as u32);
            self.slots[slot] = None;
        }
    }

    /// Returns the oldest task.
    pub(super) fn oldest(&mut self) -> Option<(TaskId, &OpenTask)> {
        loop {
            let oldest = *self.queue.front()?;
            if let Some(id) = id_of(&self.slots, oldest) {
                return Some((id, self.get(id)?));
            }
            self.queue.pop_front();
        }
    }

    /// Iterates over the tasks in the order of their ids.
    pub(super) fn iter(&self) -> impl Iterator<Item = (TaskId, &OpenTask)> {
        let open = self.slots.iter().flatten();
        let mut open: Vec<_> = open.map(|entry| (entry.id, &entry.task)).collect();
        open.sort_unstable_by_key(|(id, _)| *id);
        open.into_iter()
    }
}

/// Returns the id of a queued task; `None` if it ended.
fn id_of(slots: &[Option<Entry>], (slot, number): (u32, u64)) -> Option<TaskId> {
    let entry = slots.get(slot as usize)?.as_ref()?;
    (entry.number == number).then_some(entry.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_reused_and_ids_stay_in_order() {
        let mut open = OpenTasks::default();
        let task = |group| OpenTask::new(group, None, TaskId(1), 0);
        for id in [5, 3, 9] {
            open.insert(TaskId(id), task(id as usize));
        }
        assert_eq!(open.get(TaskId(9)).map(|t| t.group), Some(9));
        open.remove(TaskId(9));
        open.remove(TaskId(9));
        assert!(open.get(TaskId(9)).is_none());
        open.insert(TaskId(4), task(4));
        assert_eq!(open.slots.len(), 3);
        assert_eq!(open.get_mut(TaskId(3)).map(|t| t.group), Some(3));
        let groups: Vec<_> = open.iter().map(|(id, t)| (id.0, t.group)).collect();
        assert_eq!(groups, [(3, 3), (4, 4), (5, 5)]);
        // A task from before the trace is the oldest one.
        open.insert(TaskId(2), task(2).cut());
        for id in [2, 5, 3, 4].map(TaskId) {
            assert_eq!(open.oldest().map(|(id, _)| id), Some(id));
            open.remove(id);
        }
        assert!(open.oldest().is_none() && open.len() == 0);
    }

    #[test]
    fn tasks_that_ended_do_not_stay_in_the_queue() {
        let mut open = OpenTasks::default();
        for id in 1..100 * SHORT as i64 {
            let task = OpenTask::new(0, None, TaskId(id), 0);
            open.insert(TaskId(id), task);
            open.remove(TaskId(id - 5));
        }
        assert_eq!((open.len(), open.slots.len()), (5, 6));
        assert!(open.queue.len() <= SHORT);
        assert_eq!(
            open.oldest().map(|(id, _)| id.0),
            Some(100 * SHORT as i64 - 5)
        );
    }
}

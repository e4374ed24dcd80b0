//! Open tasks by id.

use std::collections::BTreeMap;

use super::open::OpenTask;
use crate::trace::TaskId;

/// Open tasks by id. Ids increase with time.
///
/// The tasks are in slots of their own: a task has some 500 bytes, which a B-tree moves when other tasks begin or end.
#[derive(Clone, Debug, Default)]
pub(super) struct OpenTasks {
    slots_by_id: BTreeMap<TaskId, usize>,
    slots: Vec<Option<OpenTask>>,
    free: Vec<usize>,
    /// The task that was last found, because the next event often belongs to it.
    last: Option<(TaskId, usize)>,
}

impl OpenTasks {
    /// Number of tasks.
    pub(super) fn len(&self) -> usize {
        self.slots_by_id.len()
    }

    /// Bytes of memory that this holds.
    pub(super) fn held(&self) -> usize {
        self.slots.capacity() * size_of::<Option<OpenTask>>()
            + self.free.capacity() * size_of::<usize>()
            + self.slots_by_id.len() * 2 * size_of::<(TaskId, usize)>()
    }

    #[inline]
    fn slot(&self, id: TaskId) -> Option<usize> {
        match self.last {
            Some((last, slot)) if last == id => Some(slot),
            _ => self.slots_by_id.get(&id).copied(),
        }
    }

    /// Whether a task is open.
    pub(super) fn contains_key(&self, id: &TaskId) -> bool {
        self.slot(*id).is_some()
    }

    /// Returns a task.
    pub(super) fn get(&self, id: &TaskId) -> Option<&OpenTask> {
        self.slots.get(self.slot(*id)?)?.as_ref()
    }

    /// Returns a task to be changed.
    pub(super) fn get_mut(&mut self, id: &TaskId) -> Option<&mut OpenTask> {
        let slot = self.slot(*id)?;
        self.last = Some((*id, slot));
        self.slots.get_mut(slot)?.as_mut()
    }

    /// Adds a task whose id is not open.
    pub(super) fn insert(&mut self, id: TaskId, task: OpenTask) {
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slots[slot] = Some(task);
                slot
            }
            None => {
                self.slots.push(Some(task));
                self.slots.len() - 1
            }
        };
        self.slots_by_id.insert(id, slot);
        self.last = Some((id, slot));
    }

    /// Removes a task.
    pub(super) fn remove(&mut self, id: &TaskId) -> Option<OpenTask> {
        let slot = self.slots_by_id.remove(id)?;
        self.vacate(slot)
    }

    /// Removes the task with the lowest id.
    pub(super) fn pop_first(&mut self) -> Option<(TaskId, OpenTask)> {
        let (id, slot) = self.slots_by_id.pop_first()?;
        Some((id, self.vacate(slot)?))
    }

    fn vacate(&mut self, slot: usize) -> Option<OpenTask> {
        self.last = None;
        let task = self.slots.get_mut(slot)?.take();
        self.free.push(slot);
        task
    }

    /// Iterates over the tasks in the order of their ids.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&TaskId, &OpenTask)> {
        let all = self.slots_by_id.iter();
        all.filter_map(|(id, slot)| Some((id, self.slots.get(*slot)?.as_ref()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::open::Begun;
    use super::*;

    #[test]
    fn slots_are_reused_and_ids_stay_in_order() {
        let mut open = OpenTasks::default();
        let task = |group| OpenTask::new(group, None, TaskId(1), Begun::Unknown, 0);
        for id in [5, 3, 9] {
            open.insert(TaskId(id), task(id as usize));
        }
        assert_eq!(open.remove(&TaskId(9)).map(|t| t.group), Some(9));
        assert!(open.get(&TaskId(9)).is_none() && open.remove(&TaskId(9)).is_none());
        open.insert(TaskId(4), task(4));
        assert_eq!(open.slots.len(), 3);
        assert_eq!(open.get_mut(&TaskId(3)).map(|t| t.group), Some(3));
        let groups: Vec<_> = open.iter().map(|(id, t)| (id.0, t.group)).collect();
        assert_eq!(groups, [(3, 3), (4, 4), (5, 5)]);
        assert_eq!(open.pop_first().map(|(id, _)| id), Some(TaskId(3)));
        assert!(!open.contains_key(&TaskId(3)) && open.contains_key(&TaskId(4)));
        assert_eq!(open.len(), 2);
    }
}

//! Selects the traces to delete: those that are too old, or exceed the quota.

use std::collections::HashMap;

use jiff::Timestamp;

use super::item::Item;
use super::settings::Settings;
use crate::labels::Labels;

/// Removes traces that are too old or exceed the quota, oldest first. `items` are sorted by age.
pub(super) fn take_excess(items: &mut Vec<Item>, settings: &Settings, now: Timestamp) -> Vec<Item> {
    let (mut all, mut own) = (0, HashMap::<Labels, u64>::new());
    let mut gone = Vec::new();
    for i in (0..items.len()).rev() {
        let item = &items[i];
        let target = own.entry(item.target.clone()).or_default();
        let old = now.duration_since(item.time).unsigned_abs() > settings.max_age;
        if old
            || all + item.size() > settings.max_bytes
            || *target + item.size() > settings.max_target_bytes
        {
            gone.push(items.remove(i));
        } else {
            all += item.size();
            *target += item.size();
        }
    }
    gone
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;
    use std::time::Duration;

    #[test]
    fn the_oldest_go_first() {
        let settings = Settings {
            max_bytes: 100,
            max_target_bytes: 50,
            max_age: Duration::from_secs(60),
            ..Settings::default()
        };
        let report = sample::eventful("a");
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let item = |instance: &str, second: i64, bytes: u64| {
            let target: Labels = [("instance", instance)].into_iter().collect();
            Item {
                bytes,
                ..Item::new(&target, &report, at(second), "alert A", 0)
            }
        };
        let mut items = vec![
            item("a", 0, 1),
            item("a", 1, 30),
            item("b", 2, 30),
            item("a", 3, 30),
            item("c", 4, 30),
            item("d", 5, 30),
        ];
        let seconds = |items: &[Item]| -> Vec<i64> {
            items.iter().map(|item| item.time.as_second()).collect()
        };
        let gone = take_excess(&mut items, &settings, at(60));
        // The quota per target deletes the second trace of a, the total quota the first of b.
        assert_eq!(seconds(&items), [0, 3, 4, 5]);
        assert_eq!(seconds(&gone), [2, 1]);
        take_excess(&mut items, &settings, at(61));
        assert_eq!(seconds(&items), [3, 4, 5]);
    }
}

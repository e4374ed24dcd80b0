//! Room for the series of label values that traces contain.

use crate::export::settings::Settings;

/// Bounds of the series of a target.
#[derive(Clone, Debug)]
pub struct Limits<'a> {
    /// Settings in force.
    pub settings: &'a Settings,
    /// Series that every target has.
    pub fixed: usize,
    /// Series of label values.
    pub series: Series,
}

/// Classic series of one label value, by its kind; 0 for kinds that are not exposed.
#[derive(Clone, Debug, Default)]
pub struct Series {
    /// Of a custom rule.
    pub custom: usize,
    /// Of a reason, by rule.
    pub reasons: Vec<usize>,
    /// Of a type of tasks.
    pub tasks: usize,
    /// Of a type of regions.
    pub regions: usize,
    /// Of a handler of requests.
    pub requests: usize,
    /// Of a start function of goroutines.
    pub functions: usize,
}

/// Series of a target that came with traces, counted as in the classic exposition.
#[derive(Clone, Copy, Debug, Default)]
pub struct Room {
    used: usize,
    /// Series that are kept free for the label value `other` of families that lack it.
    reserved: usize,
    /// Number of values that got no series because of `series_limit`.
    pub dropped: u64,
}

impl Room {
    /// Sets the series to keep free for the label value `other`.
    pub fn reserve(&mut self, series: usize) {
        self.reserved = series;
    }

    /// Adds the series of a label value that a trace contains, if `series_soft_limit` leaves room.
    /// Otherwise the value counts as `other`.
    pub fn discover(&mut self, series: usize, limits: &Limits<'_>) -> bool {
        let soft = limits.settings.series_soft_limit;
        if soft > 0 && limits.fixed + self.used + self.reserved + series > soft {
            return false;
        }
        let hard = limits.settings.series_limit;
        if hard > 0 && limits.fixed + self.used + series > hard {
            return false;
        }
        self.used += series;
        true
    }

    /// Adds series that the configuration asks for, or those of `other`, if `series_limit` leaves
    /// room. Otherwise the value is dropped.
    pub fn admit(&mut self, series: usize, limits: &Limits<'_>) -> bool {
        let hard = limits.settings.series_limit;
        if hard > 0 && limits.fixed + self.used + series > hard {
            self.dropped += 1;
            return false;
        }
        self.used += series;
        true
    }

    /// Returns the series that came with traces.
    #[cfg(test)]
    pub fn used(&self) -> usize {
        self.used
    }

    /// Returns the room of series that ended.
    pub fn free(&mut self, series: usize) {
        self.used = self.used.saturating_sub(series);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn discovered_values_leave_room_for_others_and_ended_ones_give_theirs_back() {
        let settings = Settings {
            series_soft_limit: 120,
            series_limit: 150,
            ..Settings::default()
        };
        let limits = Limits {
            settings: &settings,
            fixed: 100,
            series: Series::default(),
        };
        let mut room = Room::default();
        room.reserve(10);
        assert!(room.discover(10, &limits));
        assert!(!room.discover(1, &limits));
        assert!(room.admit(40, &limits));
        assert!(!room.admit(1, &limits));
        assert_eq!(room.dropped, 1);
        room.free(50);
        assert!(room.discover(10, &limits));
    }
}

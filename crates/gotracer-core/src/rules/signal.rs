//! Measurement and groups, as most rules keep them.

use super::cause::Culprit;
use super::detector::{Description, Group, Groups, Occurrence, Verdict};
use super::{Distribution, RuleSettings, Thresholds};
use crate::timeline::{FrameKey, Interval, Timeline};

/// Measurement and groups, as most rules keep them.
#[derive(Clone, Debug)]
pub(super) struct Signal {
    thresholds: Thresholds,
    seen: Distribution,
    groups: Groups,
}

impl Signal {
    /// Returns a signal without observations.
    pub(super) fn new(settings: &RuleSettings) -> Self {
        Self {
            thresholds: settings.thresholds,
            seen: Distribution::default(),
            groups: Groups::default(),
        }
    }

    /// Observes an interval of which `value` nanoseconds count. One that crosses the threshold is grouped at the place that
    /// `place` returns.
    pub(super) fn see(
        &mut self,
        i: &Interval,
        value: u64,
        t: &Timeline,
        place: impl FnOnce(&Occurrence) -> FrameKey,
    ) {
        self.measure(i, value);
        self.judge(i, value, t, place);
    }

    /// Measures an interval of which `value` nanoseconds count.
    pub(super) fn measure(&mut self, i: &Interval, value: u64) {
        if !i.under_way {
            self.seen.record(value);
        }
    }

    /// Groups an interval that crosses the threshold at the place that `place` returns.
    pub(super) fn judge(
        &mut self,
        i: &Interval,
        value: u64,
        t: &Timeline,
        place: impl FnOnce(&Occurrence) -> FrameKey,
    ) {
        if self.thresholds.crossed_by(i, value, t) {
            let occurrence = Occurrence {
                value,
                ..Occurrence::of(i)
            };
            let place = place(&occurrence);
            self.groups
                .add(place, 0, &occurrence, || match i.cut_at_end {
                    true => Culprit::GoesOn,
                    false => Culprit::Unknown,
                });
        }
    }

    /// Returns whether an interval crosses a threshold that it had not crossed at the last report.
    pub(super) fn crosses(&self, i: &Interval, t: &Timeline) -> bool {
        self.thresholds.crossed_by(i, i.duration(), t)
    }

    /// Resets measurement and groups.
    pub(super) fn forget(&mut self) {
        self.seen = Distribution::default();
        self.groups = Groups::default();
    }

    /// Bytes of memory of the signal and of the findings built from it.
    pub(super) fn held(&self) -> u64 {
        self.groups.held()
    }

    /// Distribution of all observed values.
    pub(super) fn measurement(&self) -> Option<Distribution> {
        Some(self.seen.clone())
    }

    /// Returns measurement and findings; `describe` supplies the texts.
    pub(super) fn verdict<'a>(&self, describe: impl Fn(&Group) -> Description<'a>) -> Verdict {
        Verdict {
            measurement: self.seen.clone(),
            found: self
                .groups
                .found(&self.thresholds, |_, group| describe(group)),
            ..Verdict::default()
        }
    }
}

//! Metrics of the lists of targets, by mechanism and job.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::SystemTime;

use parking_lot::{Mutex, MutexGuard};

use super::{Emit, Group, Kind, Metric, Point, Unit};

/// Label of a job: `job` would be that of a traced program.
const JOB: &str = "config";

/// Failures, and the last success.
type Count = (u64, Option<SystemTime>);
/// Counts by mechanism and job.
type Counts = BTreeMap<(&'static str, String), Count>;

/// Metrics of refreshes.
pub static METRICS: LazyLock<Vec<Metric<Counts>>> = LazyLock::new(|| {
    vec![
        Metric::new(
            Kind::Counter,
            "gotracer_sd_refresh_failures",
            "Lists of targets that could not be read; the targets that were known stay.",
            |all: &Counts, emit: &mut Emit<'_>| {
                for ((mechanism, job), (failures, _)) in all {
                    let labels = [("mechanism", *mechanism), (JOB, job)];
                    emit(Point::new(&labels, *failures));
                }
            },
        )
        .labels(&["mechanism", JOB]),
        Metric::new(
            Kind::Gauge,
            "gotracer_sd_last_refresh_success_timestamp",
            "Unix time at which lists of targets were last read.",
            |all: &Counts, emit: &mut Emit<'_>| {
                for ((mechanism, job), (_, last)) in all {
                    if let Some(last) = last {
                        let labels = [("mechanism", *mechanism), (JOB, job)];
                        emit(Point::new(&labels, *last));
                    }
                }
            },
        )
        .unit(Unit::Seconds)
        .labels(&["mechanism", JOB]),
    ]
});

/// Counts refreshes.
#[derive(Clone, Debug, Default)]
pub struct Refreshes(Arc<Mutex<Counts>>);

impl Refreshes {
    /// Counts a refresh that succeeded at that time or failed.
    pub fn count(&self, mechanism: &'static str, job: &str, at: Option<SystemTime>) {
        let mut all = self.lock();
        let (failures, last) = all.entry((mechanism, job.into())).or_default();
        match at {
            Some(_) => *last = at,
            None => *failures += 1,
        }
    }

    /// Ends a job's series.
    pub fn forget(&self, mechanism: &'static str, job: &str) {
        self.lock().remove(&(mechanism, job.into()));
    }

    /// The metrics of the refreshes.
    pub fn part(&self) -> Group<Counts> {
        let refreshes = self.clone();
        Group::new(&METRICS, move || Some(refreshes.lock().clone()))
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock()
    }
}

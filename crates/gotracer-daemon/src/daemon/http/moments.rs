//! Moments of a report's worst findings, drawn from the kept trace when its page is requested.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::State;
use super::connections::{InFlight, Kind};
use super::evidence;
use super::kept::Kept;
use crate::daemon::recent_reports::Entry;
use crate::explain;
use crate::report::{Moment, Report};

/// Longest wait for a permit to read the trace. A page without pictures is better than a slow one.
const WAIT: Duration = Duration::from_secs(1);
/// Number of reports whose moments are remembered. One report has at most some hundred kilobytes.
const REMEMBERED: usize = 4;

/// Moments of the reports that were requested last, by the number of the report.
#[derive(Default)]
pub(crate) struct Drawn(Mutex<VecDeque<(u64, Arc<[Moment]>)>>);

impl Drawn {
    fn find(&self, id: u64) -> Option<Arc<[Moment]>> {
        let drawn = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = drawn.iter().find(|(known, _)| *known == id);
        found.map(|(_, moments)| Arc::clone(moments))
    }

    fn remember(&self, id: u64, moments: &Arc<[Moment]>) {
        let mut drawn = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        drawn.truncate(REMEMBERED - 1);
        drawn.push_front((id, Arc::clone(moments)));
    }
}

/// Returns the moments of a report; empty if its trace is not kept, or if other analyses take all permits.
pub(super) async fn of(entry: &Entry, in_flight: &InFlight, state: &Arc<State>) -> Arc<[Moment]> {
    if let Some(moments) = state.drawn.find(entry.id) {
        return moments;
    }
    let report = entry.report.clone();
    let kept = report
        .as_deref()
        .and_then(|report| evidence::of(report, state));
    let (Some(report), Some(kept)) = (report, kept) else {
        return Arc::default();
    };
    let admitted = Kept::admit(kept, in_flight, Arc::clone(state));
    let admitted = tokio::time::timeout(WAIT, admitted).await;
    in_flight.works();
    let moments = match admitted {
        Ok(Some(kept)) => tokio::task::spawn_blocking(move || draw(&kept, &report)).await,
        _ => return Arc::default(),
    };
    in_flight.becomes(Kind::Page);
    let moments: Arc<[Moment]> = match moments {
        Ok(moments) => moments.into(),
        Err(error) => {
            tracing::error!(%error, "drawing a finding failed");
            return Arc::default();
        }
    };
    state.drawn.remember(entry.id, &moments);
    moments
}

/// Draws the worst findings that the kept trace has too. Blocks.
fn draw(kept: &Kept, report: &Report) -> Vec<Moment> {
    let again = match kept.report() {
        Ok(Some(again)) => again,
        Ok(None) => return Vec::new(),
        Err(error) => {
            tracing::warn!(file = kept.item.file, %error, "cannot read evidence");
            return Vec::new();
        }
    };
    let mut findings = explain::drawn(&again);
    findings.retain(|finding| report.findings.iter().any(|f| f.id == finding.id));
    if findings.is_empty() {
        return Vec::new();
    }
    let moments = kept.open().ok();
    let moments = moments.and_then(|input| explain::moments(input, &findings).ok());
    moments.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn the_moments_of_the_last_reports_are_remembered() {
        let drawn = Drawn::default();
        let moments: Arc<[Moment]> = vec![sample::moment("a")].into();
        for id in 1..=REMEMBERED as u64 + 1 {
            drawn.remember(id, &moments);
        }
        assert!(drawn.find(1).is_none());
        assert_eq!(drawn.find(2).map(|moments| moments.len()), Some(1));
    }
}

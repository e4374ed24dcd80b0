//! Profiles of leaked goroutines, once an hour per target.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::leaks::Leaks;
use super::pipeline::Memory;
use super::target_table::TargetTable;
use crate::export::{LeakProfile, Metrics};
use crate::source::scrape::{LeakError, Scraper, Target};

/// Time from one profile to the next. Each makes the program collect garbage.
const INTERVAL: Duration = Duration::from_secs(3600);
/// Memory that decoding a profile may take, bytes.
const ROOM: u64 = 8 << 20;

/// Requests of a target's profiles.
pub(super) struct LeakProfiles {
    next: Instant,
    /// Whether it was logged that the program has no such profile.
    told: bool,
}

impl LeakProfiles {
    /// Creates the requests of a new target, whose first profile is due at once.
    pub(super) fn new() -> Self {
        Self {
            next: Instant::now(),
            told: false,
        }
    }

    /// Requests a profile if one is due. The caller holds the target's lock: the garbage collection would be a part of
    /// a trace.
    pub(super) async fn request(
        &mut self,
        (scraper, target): (&Scraper, &Target),
        (metrics, table): (&Metrics, &Arc<TargetTable>),
        memory: &Memory,
    ) {
        if !scraper.options().leak_profile || Instant::now() < self.next {
            return;
        }
        // Without memory, the profile is requested after the next trace.
        let Some(_room) = memory.try_reserve(ROOM) else {
            return;
        };
        self.next = Instant::now() + INTERVAL;
        let url = target.url();
        let result = match scraper.leaks(target).await {
            Ok(stacks) => {
                let leaks = Leaks::of(&stacks);
                let goroutines = leaks.goroutines;
                if let Some(place) = leaks.places.first() {
                    let place = &place.function;
                    tracing::warn!(target = %url, goroutines, place, "goroutines proved leaked");
                }
                table.leaked(target, Some(leaks));
                LeakProfile::Proved(goroutines)
            }
            Err(LeakError::Unsupported) => {
                if !self.told {
                    let error = LeakError::Unsupported;
                    tracing::info!(target = %url, %error, "leak profile not supported");
                }
                self.told = true;
                // A program of Go 1.27 may have been replaced by an older one.
                table.leaked(target, None);
                LeakProfile::Unsupported
            }
            Err(error) => {
                tracing::warn!(target = %url, %error, "leak profile failed");
                LeakProfile::Failed
            }
        };
        metrics.leak_profile(&target.labels, result);
    }
}

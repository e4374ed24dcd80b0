//! Limits of the requests answered at a time, by kind.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::connections::{Connections, InFlight, Kind};
use crate::daemon::permits::{Permit, Permits};

/// Maximum number of pages and JSON documents, each up to some megabytes.
const PAGES: usize = 32;
/// Maximum number of notifications of Alertmanager, each up to a megabyte.
const ALERTS: usize = 32;
/// Maximum number of pushed traces being received, each of which takes a file and a thread.
const PUSHES: usize = 16;
/// Longest wait for a permit.
const WAIT: Duration = Duration::from_secs(10);
/// Interval at which a waiting request checks for clients that are behind.
const LOOK: Duration = Duration::from_millis(250);

/// Permits by kind of request.
pub(crate) struct Limits {
    connections: Arc<Connections>,
    pages: Permits,
    alerts: Permits,
    /// Permits to scrape; `None` means no limit.
    scrapes: Option<Permits>,
    analyses: Permits,
    pushes: Permits,
    /// Permits to capture for `/probe`.
    pub probes: Permits,
}

impl Limits {
    /// Permits `jobs` analyses, `jobs` probes and `scrapes` scrapes of `/metrics`; 0 scrapes means
    /// no limit.
    pub(crate) fn new(jobs: usize, scrapes: usize, connections: Arc<Connections>) -> Self {
        let jobs = jobs.max(1);
        Self {
            connections,
            pages: Permits::new(PAGES),
            alerts: Permits::new(ALERTS),
            scrapes: (scrapes > 0).then(|| Permits::new(scrapes)),
            analyses: Permits::new(jobs),
            pushes: Permits::new(PUSHES),
            probes: Permits::new(jobs),
        }
    }

    /// Waits for the permit of a request; returns `Ok(None)` for a kind that needs none. Until one
    /// is free, connections of clients that are too far behind are closed.
    ///
    /// # Errors
    /// If no permit was free within ten seconds, or at once in case of a scrape.
    pub(crate) async fn admit(
        &self,
        kind: Kind,
        request: &InFlight,
    ) -> Result<Option<Permit>, Busy> {
        let permits = match kind {
            // `/probe` takes its permit itself and never waits. First bytes of a body are small.
            Kind::Essential | Kind::Probe | Kind::Upload => return Ok(None),
            Kind::Scrape => match &self.scrapes {
                Some(scrapes) => scrapes,
                None => return Ok(None),
            },
            Kind::Page => &self.pages,
            Kind::Alert => &self.alerts,
            Kind::Analysis => &self.analyses,
            Kind::Push => &self.pushes,
        };
        if let Some(turn) = permits.try_take() {
            return Ok(Some(turn));
        }
        // As in other exporters, a scrape does not wait. A scraper that does not read must not
        // block others, so its connection is closed.
        if kind == Kind::Scrape && !self.connections.make_room_for(kind) {
            return Err(Busy);
        }
        request.queues();
        let deadline = Instant::now() + WAIT;
        let mut take = std::pin::pin!(permits.take(request.address()));
        while Instant::now() < deadline {
            self.connections.make_room_for(kind);
            if let Ok(turn) = timeout(LOOK, &mut take).await {
                request.works();
                return Ok(Some(turn));
            }
        }
        Err(Busy)
    }
}

/// No permit was free.
#[derive(Debug)]
pub(crate) struct Busy;

//! How many requests of a kind are served at once.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::connections::{Connections, InFlight, Kind};
use crate::daemon::turns::{Turn, Turns};

/// Pages and JSON, each of which may be some megabytes.
const PAGES: usize = 32;
/// Notifications of Alertmanager, each of which may be a megabyte.
const ALERTS: usize = 32;
/// Pushed traces that are received, each of which takes a file and a thread.
const PUSHES: usize = 16;
/// How long a request waits for its turn.
const WAIT: Duration = Duration::from_secs(10);
/// How often a request that waits looks for clients that are behind.
const LOOK: Duration = Duration::from_millis(250);

/// The turns of each kind.
pub struct Limits {
    connections: Arc<Connections>,
    pages: Turns,
    alerts: Turns,
    /// Without a bound if `None`.
    scrapes: Option<Turns>,
    analyses: Turns,
    pushes: Turns,
    /// Captures for `/probe`.
    pub probes: Turns,
}

impl Limits {
    /// As many analyses and as many probes as `jobs`, and so many scrapes of
    /// `/metrics`; 0 is no limit of these.
    pub fn new(jobs: usize, scrapes: usize, connections: Arc<Connections>) -> Self {
        let jobs = jobs.max(1);
        Self {
            connections,
            pages: Turns::new(PAGES),
            alerts: Turns::new(ALERTS),
            scrapes: (scrapes > 0).then(|| Turns::new(scrapes)),
            analyses: Turns::new(jobs),
            pushes: Turns::new(PUSHES),
            probes: Turns::new(jobs),
        }
    }

    /// A turn for a request of this kind; `Ok(None)` if it needs none. While
    /// none is free, the slowest requests of the kind end.
    ///
    /// # Errors
    /// If there was none for ten seconds, or for a scrape now.
    pub async fn admit(&self, kind: Kind, request: &InFlight) -> Result<Option<Turn>, Busy> {
        let turns = match kind {
            // A probe takes its turn itself, and never waits for it. The begin
            // of a body is small.
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
        if let Some(turn) = turns.try_take() {
            return Ok(Some(turn));
        }
        // As with other exporters, a scrape does not wait for others; but a
        // client that does not read keeps nobody from scraping.
        if kind == Kind::Scrape && !self.connections.make_room_for(kind) {
            return Err(Busy);
        }
        request.queues();
        let deadline = Instant::now() + WAIT;
        let mut take = std::pin::pin!(turns.take(request.address()));
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

/// No turn was free.
#[derive(Debug)]
pub struct Busy;

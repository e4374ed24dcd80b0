//! Series that begin with a trace are exposed at 0 first.
//!
//! Prometheus sees the increase of a counter between two scrapes. A series
//! whose first sample already counts a trace never shows that trace in
//! `increase()`. So the first exposition after such a series begins shows 0, and the next one shows
//! the count. Each scraper has its own first exposition, so a second Prometheus server or curl does
//! not consume the 0.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;

/// Time after which a series shows its count without a scrape at 0, for scrapers with long
/// intervals.
pub(super) const PATIENCE: Duration = Duration::from_secs(300);

/// Most scrapers. Of more, the one whose last scrape is oldest is forgotten, and sees a 0 once more.
const SCRAPERS: usize = 64;

/// Starts of series, and the last one that each scraper has seen.
#[derive(Clone, Debug, Default)]
pub struct Births(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    last: AtomicU64,
    scrapers: Mutex<HashMap<String, (u64, Instant)>>,
}

/// The beginning of a series.
#[derive(Clone, Copy, Debug)]
pub struct Birth {
    /// Number of the birth; 0 marks series that exist before the first trace.
    number: u64,
    since: Instant,
    /// Wall-clock time of the start.
    pub at: SystemTime,
}

/// Series that an exposition counts.
#[derive(Clone, Copy, Debug)]
pub struct View {
    known: u64,
    now: Instant,
    /// The last birth when the exposition began.
    upto: u64,
}

impl Births {
    /// Returns the birth of a series that exists before any trace: it shows its count at once.
    pub fn beforehand(&self) -> Birth {
        Birth {
            number: 0,
            since: Instant::now(),
            at: SystemTime::now(),
        }
    }

    /// Returns the birth of a series that begins with a trace.
    pub fn with_a_trace(&self) -> Birth {
        Birth {
            number: self.0.last.fetch_add(1, Ordering::SeqCst) + 1,
            ..self.beforehand()
        }
    }

    /// Returns a view that counts everything.
    pub fn everything(&self) -> View {
        View {
            known: u64::MAX,
            now: Instant::now(),
            upto: 0,
        }
    }

    /// Returns the view of a scraper.
    pub fn view(&self, scraper: &str) -> View {
        let scrapers = self.0.scrapers.lock();
        View {
            known: scrapers.get(scraper).map_or(0, |(known, _)| *known),
            now: Instant::now(),
            upto: self.0.last.load(Ordering::SeqCst),
        }
    }

    /// Records that the scraper received the whole exposition.
    pub fn delivered(&self, scraper: &str, view: View) {
        let mut scrapers = self.0.scrapers.lock();
        let (known, last) = scrapers
            .entry(scraper.into())
            .or_insert((view.upto, view.now));
        *known = view.upto.max(*known);
        *last = view.now.max(*last);
        if scrapers.len() > SCRAPERS {
            let oldest = scrapers.iter().min_by_key(|(_, (_, last))| *last);
            if let Some(oldest) = oldest.map(|(name, _)| name.clone()) {
                scrapers.remove(&oldest);
            }
        }
    }
}

impl Birth {
    /// Returns the birth of a series that shows its count at once, and began before this process.
    pub fn long_known(at: SystemTime) -> Self {
        Self {
            number: 0,
            since: Instant::now(),
            at,
        }
    }
}

impl View {
    /// Returns whether a series shows its count; otherwise it shows 0.
    pub fn counts(&self, birth: &Birth) -> bool {
        birth.number <= self.known || self.now.saturating_duration_since(birth.since) >= PATIENCE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scrape(births: &Births, scraper: &str, birth: &Birth) -> bool {
        let view = births.view(scraper);
        births.delivered(scraper, view);
        view.counts(birth)
    }

    #[test]
    fn each_scraper_sees_zero_once() {
        let births = Births::default();
        assert!(scrape(&births, "a", &births.beforehand()));
        let first = births.with_a_trace();
        assert!(births.everything().counts(&first));
        // A view that was not delivered does not count.
        assert!(!births.view("a").counts(&first));
        assert!(!scrape(&births, "a", &first));
        let second = births.with_a_trace();
        assert!(scrape(&births, "a", &first));
        assert!(!scrape(&births, "b", &first));
        assert!(scrape(&births, "b", &second));
        // The exposition that counted the first series showed the second at 0.
        assert!(scrape(&births, "a", &second));
    }

    #[test]
    fn after_a_while_it_counts_without_a_scrape() {
        let births = Births::default();
        let birth = births.with_a_trace();
        let mut view = births.view("a");
        assert!(!view.counts(&birth));
        view.now += PATIENCE;
        assert!(view.counts(&birth));
    }

    #[test]
    fn a_series_that_begins_during_an_exposition_is_not_known_by_it() {
        let births = Births::default();
        let view = births.view("a");
        let birth = births.with_a_trace();
        births.delivered("a", view);
        assert!(!scrape(&births, "a", &birth));
        assert!(scrape(&births, "a", &birth));
    }

    #[test]
    fn scrapers_are_bounded() {
        let births = Births::default();
        let birth = births.with_a_trace();
        for scraper in 0..2 * SCRAPERS {
            assert!(!scrape(&births, &scraper.to_string(), &birth));
        }
        assert!(births.0.scrapers.lock().len() <= SCRAPERS);
        assert!(scrape(&births, &(2 * SCRAPERS - 1).to_string(), &birth));
    }
}

//! What is known of each release: of each version of each service, what all its
//! captures told, and whether it is worse than the version before.
//!
//! A single trace tells what is wrong now. What a release made worse shows when
//! many captures of many programs are put side by side: statistics of
//! [`compare`](crate::compare) say which difference is hardly chance, and
//! `trend` sees what grows too slowly for any one trace.
//!
//! Everything is bounded and in memory. [`Releases::settle`] is to be called
//! every second or so: it compares what changed, and stores it
//! (`store`) where there is a directory for that. Nothing waits for either.

mod book;
mod capture;
mod gather;
mod instance;
mod name;
mod places;
mod settings;
mod store;
mod trend;
mod verdict;
mod version;
mod view;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;

use crate::labels::Labels;
use crate::report::Report;
use crate::rules;
use crate::storage::Health;

use book::Book;
use gather::Gathering;
use store::Store;

pub use book::News;
pub use name::ServiceName;
pub use settings::{Settings, SettingsError};
pub use store::StoreError;
pub use verdict::{Comparison, Value};
pub use version::{Heap, Totals};
pub use view::Release;

/// How long after it failed storing is tried again.
const AGAIN: Duration = Duration::from_secs(10);

/// Data of all releases.
#[derive(Default)]
pub struct Releases {
    settings: Mutex<Arc<Settings>>,
    book: Mutex<Book>,
    /// Streams, by target.
    streams: Mutex<HashMap<Labels, Gathering>>,
    store: Mutex<Keeping>,
    health: Arc<Health>,
}

/// How it is stored.
#[derive(Default)]
enum Keeping {
    /// It is not.
    #[default]
    InMemory,
    /// In this database.
    Open(Store),
    /// In this directory, as soon as that works again.
    Failed(PathBuf, Instant),
}

/// A service, a version of it, and the program that was captured.
fn names(target: &Labels) -> Option<(ServiceName, &str, &str)> {
    let service = match target.get("service") {
        "" => target.chosen_job(),
        service => service,
    };
    let version = target.get("version");
    let told = !service.is_empty() && !version.is_empty();
    told.then(|| {
        let service = ServiceName::new(target.get("namespace"), service);
        (service, version, target.get("instance"))
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Whatever panics leaves a capture out, and nothing else.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Releases {
    /// What was stored in a directory, which is made if it is not there.
    /// Blocks.
    ///
    /// # Errors
    /// If nothing can be stored there. What can't be read is no error, and a
    /// full disk is none, either.
    pub fn kept_in(directory: &Path, health: Arc<Health>) -> Result<Self, StoreError> {
        let is_new = !Store::is_in(directory);
        let (store, entries) = match Store::open(directory) {
            Ok((store, entries)) => (Keeping::Open(store), entries),
            Err(error) if error.is_full() && is_new => {
                Store::forget(directory);
                (failed(directory, &error, &health), Vec::new())
            }
            // What is stored must not be overwritten by one who could not read
            // it.
            Err(error) if error.is_full() => {
                health.failed();
                tracing::error!(%error, "what is known of releases is not stored until the next start");
                (Keeping::InMemory, Vec::new())
            }
            Err(error) => return Err(error),
        };
        Ok(Self {
            book: Mutex::new(Book::new(entries)),
            store: Mutex::new(store),
            health,
            ..Self::default()
        })
    }

    /// From now on, these settings are in force, and maybe other thresholds.
    pub fn configure(&self, settings: Settings) {
        *lock(&self.settings) = Arc::new(settings);
        lock(&self.book).reconsider();
    }

    /// The settings in force.
    pub fn settings(&self) -> Arc<Settings> {
        Arc::clone(&lock(&self.settings))
    }

    /// Takes in what a trace of a target told, whose analysis ended then.
    pub fn record(&self, target: &Labels, report: &Report, at: SystemTime) {
        let settings = self.settings();
        let Some((service, version, instance)) = names(target).filter(|_| settings.enabled) else {
            return;
        };
        let at = Timestamp::try_from(at).unwrap_or_default();
        if report.trace.duration_ns > 0 {
            let mut book = lock(&self.book);
            book.add((&service, version, instance), report, at, &settings);
        }
    }

    /// The same of a generation of a stream; the `last` of its trace.
    pub fn hear(&self, target: &Labels, report: &Report, at: SystemTime, last: bool) {
        if names(target).is_none() || !self.settings().enabled {
            return;
        }
        let over = {
            let mut streams = lock(&self.streams);
            let gathering = streams.entry(target.clone()).or_default();
            gathering.add(report, last)
        };
        if let Some(report) = over {
            self.record(target, &report, at);
        }
    }

    /// A target is gone.
    pub fn forget(&self, target: &Labels) {
        lock(&self.streams).remove(target);
    }

    /// Compares what changed, by the thresholds `of` each service, and stores
    /// it; tells what became worse. Blocks.
    pub fn settle(&self, of: impl Fn(&str) -> rules::Settings) -> Vec<News> {
        let settings = self.settings();
        let mut store = lock(&self.store);
        let mut book = lock(&self.book);
        let news = book.judge(Timestamp::now(), &settings, of);
        let again = |since: &Instant| since.elapsed() >= AGAIN;
        match &mut *store {
            Keeping::InMemory => book.skip_ops(),
            Keeping::Open(open) if open.is_lost() => {
                let directory = open.directory().to_owned();
                let ops = book.all_ops();
                drop(book);
                let why = "the file was deleted or replaced";
                failed(&directory, &why, &self.health);
                *store = reopened(&directory, &ops, &self.health);
            }
            Keeping::Open(open) => {
                let ops = book.take_ops();
                drop(book);
                if !ops.is_empty()
                    && let Err(error) = open.write(&ops)
                {
                    *store = failed(open.directory(), &error, &self.health);
                }
            }
            Keeping::Failed(path, since) if again(since) => {
                let ops = book.all_ops();
                drop(book);
                *store = reopened(path, &ops, &self.health);
            }
            Keeping::Failed(..) => {}
        }
        news
    }
}

/// Stores all of it in a directory that failed before.
fn reopened(directory: &Path, ops: &[store::Op], health: &Health) -> Keeping {
    let opened = Store::open(directory);
    match opened.map(|(store, _)| store.rewrite(ops).map(|()| store)) {
        Ok(Ok(store)) => {
            health.succeeded();
            tracing::info!(directory = %directory.display(), "releases are stored again");
            Keeping::Open(store)
        }
        Ok(Err(error)) => failed(directory, &error, health),
        Err(error) => failed(directory, &error, health),
    }
}

fn failed(directory: &Path, error: &dyn std::fmt::Display, health: &Health) -> Keeping {
    if health.failed() {
        tracing::error!(
            directory = %directory.display(), %error,
            "releases cannot be stored; they are kept in memory until they can"
        );
    }
    Keeping::Failed(directory.into(), Instant::now())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn told(releases: &Releases) -> Vec<(String, String, u64)> {
        let all = releases.all().into_iter();
        all.map(|r| (r.service.to_string(), r.version, r.totals.captures))
            .collect()
    }

    fn settle(releases: &Releases) {
        releases.settle(|_| rules::Settings::default());
    }

    fn version(of: &str, version: &str) -> Labels {
        Labels::new().with("job", of).with("version", version)
    }

    #[test]
    fn a_target_counts_with_its_version_and_a_stream_by_the_minute() {
        let releases = Releases::default();
        let (now, report) = (SystemTime::now(), sample::report("a"));
        releases.record(&Labels::new().with("service", "shop"), &report, now);
        releases.record(&version("shop", "1"), &report, now);
        let named = version("api", "1")
            .with("service", "cart")
            .with("namespace", "prod");
        releases.record(&named, &report, now);
        // Five seconds each.
        (0..30).for_each(|_| releases.hear(&version("live", "2"), &report, now, false));
        releases.hear(&version("live", "2"), &report, now, true);
        let row = |s: &str, v: &str, n| (s.to_owned(), v.to_owned(), n);
        let wanted = [
            row("live", "2", 3),
            row("shop", "1", 1),
            row("prod/cart", "1", 1),
        ];
        assert_eq!(told(&releases), wanted);
        releases.configure(Settings {
            enabled: false,
            ..Settings::default()
        });
        releases.record(&version("shop", "2"), &report, now);
        assert_eq!(told(&releases), wanted);
    }

    #[test]
    fn what_could_not_be_stored_is_stored_when_that_works_again() {
        let directory = tempfile::tempdir().unwrap();
        let releases = Releases::default();
        releases.configure(Settings {
            warmup: Duration::ZERO,
            ..Settings::default()
        });
        let report = sample::report("a");
        let record = || releases.record(&version("shop", "1"), &report, SystemTime::now());
        record();
        let path = || directory.path().to_owned();
        *lock(&releases.store) = Keeping::Failed(path(), Instant::now());
        settle(&releases);
        assert_eq!(directory.path().read_dir().unwrap().count(), 0);
        record();
        let long_ago = Instant::now().checked_sub(AGAIN).unwrap();
        *lock(&releases.store) = Keeping::Failed(path(), long_ago);
        settle(&releases);
        record();
        settle(&releases);
        let before = format!("{:?}", releases.all());
        drop(releases);
        let again = Releases::kept_in(directory.path(), Arc::default()).unwrap();
        settle(&again);
        assert_eq!(format!("{:?}", again.all()), before);
        assert_eq!(told(&again)[0].2, 3);
        assert_eq!(again.all()[0].evidence, (3, 1));
    }
}

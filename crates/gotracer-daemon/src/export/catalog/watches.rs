//! Metrics of the watched directories.

use std::sync::LazyLock;

use super::{Emit, Group, Kind, Metric, Point, Value};

/// A watched directory.
#[derive(Clone, Debug)]
pub struct Watched {
    /// Its path as the user wrote it.
    pub directory: String,
    /// Whether it can be read.
    pub up: bool,
    /// Files that are not final.
    pub incomplete: u64,
    /// Attempts that failed and are made again.
    pub retries: u64,
}

/// Metrics of the watched directories.
pub static METRICS: LazyLock<Vec<Metric<Vec<Watched>>>> = LazyLock::new(|| {
    vec![
        by_directory(
            Kind::Gauge,
            "gotracer_watch_directory_up",
            "Whether a watched directory can be read.",
            |watched| watched.up.into(),
        ),
        by_directory(
            Kind::Gauge,
            "gotracer_watch_incomplete_files",
            "Files that break off and may still be written to; see --watch.incomplete-after.",
            |watched| watched.incomplete.into(),
        ),
        by_directory(
            Kind::Counter,
            "gotracer_watch_retries",
            "Attempts to read, move or delete a file that failed and are made again.",
            |watched| watched.retries.into(),
        ),
    ]
});

fn by_directory(
    kind: Kind,
    name: &'static str,
    help: &'static str,
    value: fn(&Watched) -> Value<'static>,
) -> Metric<Vec<Watched>> {
    let read = move |all: &Vec<Watched>, emit: &mut Emit<'_>| {
        for watched in all {
            emit(Point::new(
                &[("directory", &watched.directory)],
                value(watched),
            ));
        }
    };
    Metric::new(kind, name, help, read).labels(&["directory"])
}

/// The metrics of the directories that `all` returns at each collection.
pub fn part(all: impl Fn() -> Vec<Watched> + Send + Sync + 'static) -> Group<Vec<Watched>> {
    Group::new(&METRICS, move || Some(all()))
}

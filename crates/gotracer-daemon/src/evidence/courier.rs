//! The threads that bring evidence to a bucket, and look what it holds.

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use super::bucket::{Shared, Task};
use super::disk::LONGEST;
use super::item::{DOCUMENT, Item};

/// The longest time between two attempts.
const PATIENCE: Duration = Duration::from_secs(60);

/// Starts them. They end with the bucket.
pub fn start(shared: &Arc<Shared>) -> io::Result<()> {
    run("evidence", carry, shared)?;
    run("evidence-list", explore, shared)
}

fn run(name: &str, work: fn(&Shared), shared: &Arc<Shared>) -> io::Result<()> {
    let shared = Arc::clone(shared);
    let thread = thread::Builder::new().name(name.into());
    thread.spawn(move || work(&shared)).map(drop)
}

/// Does one thing after the other, until each succeeds.
fn carry(shared: &Shared) {
    let mut failures = 0;
    while let Some(task) = shared.next() {
        match perform(shared, &task) {
            Ok(()) => {
                if failures > 0 {
                    tracing::info!(bucket = %shared.store.location(), "evidence arrives again");
                }
                failures = 0;
                shared.done(&task);
            }
            Err(error) => {
                failures += 1;
                shared.put_off(&task);
                shared.stats.upload_failures.fetch_add(1, Ordering::Relaxed);
                if failures == 1 {
                    tracing::warn!(%error, "evidence waits; it is tried again");
                } else {
                    tracing::debug!(%error, failures, "evidence waits");
                }
                if !shared.rest(pause(failures)) {
                    return;
                }
            }
        }
    }
}

/// The document goes last and comes away first: a trace without one is not
/// complete.
fn perform(shared: &Shared, task: &Task) -> io::Result<()> {
    match task {
        Task::Put(item) => {
            for name in [item.file.clone(), item.document()] {
                let file = match File::open(shared.disk.path(&name)) {
                    // It was deleted while it was on its way.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                    opened => opened?,
                };
                shared.store.put(&name, file)?;
            }
            tracing::debug!(file = item.file, "evidence arrived");
        }
        Task::Delete(item) => {
            for name in [item.document(), item.file.clone()] {
                shared.store.delete(&name).map_err(io::Error::other)?;
            }
        }
    }
    Ok(())
}

/// Looks what the bucket holds, once it can be looked at.
fn explore(shared: &Shared) {
    let mut failures = 0;
    while let Err(error) = list(shared) {
        failures += 1;
        if failures == 1 {
            tracing::warn!(%error, "what is kept is not known yet");
        }
        if !shared.rest(pause(failures)) {
            return;
        }
    }
}

fn list(shared: &Shared) -> io::Result<()> {
    for object in shared.store.list() {
        let name = object.map_err(io::Error::other)?.name;
        // What lies deeper is somebody else's.
        if name.contains('/') || !name.ends_with(DOCUMENT) {
            continue;
        }
        let mut document = Vec::new();
        let mut object = shared
            .store
            .read(&name)
            .map_err(io::Error::other)?
            .take(LONGEST);
        object.read_to_end(&mut document)?;
        Item::read(&document, &name)
            .into_iter()
            .for_each(|item| shared.find(item));
    }
    Ok(())
}

/// How long to wait after so many failures in a row.
fn pause(failures: u32) -> Duration {
    Duration::from_secs(1 << failures.saturating_sub(1).min(6)).min(PATIENCE)
}

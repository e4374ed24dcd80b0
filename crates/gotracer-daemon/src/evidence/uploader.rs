//! Threads that upload evidence to a bucket and list the bucket.

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use super::disk::LONGEST;
use super::item::{DOCUMENT, Item};
use super::upload_queue::{Shared, UploadJob};
use crate::backoff::Backoff;

/// Delays between attempts.
const BACKOFF: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60));

/// Starts the threads. They end when the bucket closes.
pub(super) fn start(shared: &Arc<Shared>) -> io::Result<()> {
    run("evidence", upload, shared)?;
    run("evidence-list", explore, shared)
}

fn run(name: &str, work: fn(&Shared), shared: &Arc<Shared>) -> io::Result<()> {
    let shared = Arc::clone(shared);
    let thread = thread::Builder::new().name(name.into());
    thread.spawn(move || work(&shared)).map(drop)
}

/// Runs jobs in order and retries each until it succeeds.
fn upload(shared: &Shared) {
    let mut failures = 0;
    while let Some(job) = shared.next() {
        match perform(shared, &job) {
            Ok(()) => {
                if failures > 0 {
                    tracing::info!(bucket = %shared.store.location(), "evidence arrives again");
                }
                failures = 0;
                shared.done(&job);
            }
            Err(error) => {
                failures += 1;
                shared.put_off(&job);
                shared.stats.upload_failures.fetch_add(1, Ordering::Relaxed);
                if failures == 1 {
                    tracing::warn!(%error, "evidence waits; it is tried again");
                } else {
                    tracing::debug!(%error, failures, "evidence waits");
                }
                if !shared.rest(BACKOFF.jittered(failures - 1)) {
                    return;
                }
            }
        }
    }
}

/// Runs one job. The document is written last and deleted first, so a trace without a document is
/// incomplete.
fn perform(shared: &Shared, job: &UploadJob) -> io::Result<()> {
    match job {
        UploadJob::Put(item) => {
            for name in [item.file.clone(), item.document()] {
                let file = match File::open(shared.disk.path(&name)) {
                    // The trace was deleted during its upload.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                    opened => opened?,
                };
                shared.store.put(&name, file)?;
            }
            tracing::debug!(file = item.file, "evidence arrived");
        }
        UploadJob::Delete(item) => {
            for name in [item.document(), item.file.clone()] {
                shared.store.delete(&name).map_err(io::Error::other)?;
            }
        }
    }
    Ok(())
}

/// Lists the bucket, and retries until the listing succeeds.
fn explore(shared: &Shared) {
    let mut failures = 0;
    while let Err(error) = list(shared) {
        failures += 1;
        if failures == 1 {
            tracing::warn!(%error, "what is kept is not known yet");
        }
        if !shared.rest(BACKOFF.jittered(failures - 1)) {
            return;
        }
    }
}

fn list(shared: &Shared) -> io::Result<()> {
    for object in shared.store.list() {
        let name = object.map_err(io::Error::other)?.name;
        // Objects in deeper prefixes belong to other users of the bucket.
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

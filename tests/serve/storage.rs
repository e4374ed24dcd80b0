//! What survives a restart, and a daemon that is killed.
#![cfg(unix)]

use std::collections::HashSet;
use std::fs;

use crate::support::{Running, Scratch, eventually, fixture};

const FILES: usize = 300;

#[test]
fn killed_in_the_middle_each_trace_is_analysed_and_none_twice() {
    let scratch = Scratch::new();
    let directory = scratch.directory("in");
    let trace = fs::read(fixture("go1.27.3/idle.trace")).unwrap();
    for i in 0..FILES {
        // Each breaks off elsewhere, so that each is another trace.
        let cut = &trace[..trace.len() - i];
        fs::write(directory.join(format!("{i}.trace")), cut).unwrap();
    }
    let state = scratch.path().join("state");
    let flag = format!("--storage.path={}", state.display());
    let lines = || {
        let text = fs::read_to_string(state.join("analysed")).unwrap_or_default();
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let options = [flag.as_str(), "--jobs=1", "--log.level=error"];
    let mut gotracer = Running::gotracer(&directory, scratch.path(), &options);
    eventually("some are done", || (lines().len() > 20).then_some(()));
    gotracer.signal("-KILL");
    gotracer.wait();
    let before = lines().len();
    assert!(before < FILES, "it was too fast to be killed");

    let gotracer = Running::gotracer(&directory, scratch.path(), &options);
    let traces = "gotracer_traces_total";
    gotracer.wait_sample(traces, (FILES - before) as f64);
    eventually("all are remembered", || {
        (lines().len() == FILES).then_some(())
    });
    assert_eq!(lines().iter().collect::<HashSet<_>>().len(), FILES);
    drop(gotracer);

    // Nothing is left to do.
    let more = scratch.directory("more");
    fs::copy(fixture("go1.26.6/idle.trace"), more.join("new.trace")).unwrap();
    let watch = format!("--watch={}", more.display());
    let options = [&options[..], &[&watch]].concat();
    let gotracer = Running::gotracer(&directory, scratch.path(), &options);
    gotracer.wait_sample(traces, 1.0);
    gotracer.wait_sample("gotracer_queue_length", 0.0);
    assert_eq!(gotracer.sample(traces), Some(1.0));
}

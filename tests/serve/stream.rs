//! Go programs that run, traced without a pause.

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use crate::support::daemon::{
    Running, Scratch, eventually, eventually_or, fixture, free_address, get, says, toolchain,
};
use crate::support::endpoint::Endpoint;

fn streaming(url: &str, scratch: &Scratch, more: &[&str]) -> Running {
    let mut options = vec!["--scrape.mode=stream", "--scrape", url];
    options.extend(more);
    Running::gotracer_with(scratch.path(), &options, &[])
}

/// Waits until a series of an instance is above a value, and gives it.
fn above(gotracer: &Running, name: &str, labels: &str, value: f64) -> f64 {
    let series = format!("{name}{{{labels}}}");
    eventually_or(
        &format!("{series} is above {value}"),
        || gotracer.log(),
        || gotracer.sample(&series).filter(|v| *v > value),
    )
}

fn of(instance: &str) -> String {
    format!("instance=\"{instance}\"")
}

fn gaps(instance: &str, reason: &str) -> String {
    format!("instance=\"{instance}\",reason=\"{reason}\"")
}

/// Passes connections on to an address, and breaks them off when told to.
struct Proxy {
    address: String,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl Proxy {
    fn to(address: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (there, open) = (address.to_owned(), Arc::<Mutex<Vec<TcpStream>>>::default());
        let own = listener.local_addr().unwrap().to_string();
        let known = Arc::clone(&open);
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let Ok(far) = TcpStream::connect(&there) else {
                    continue;
                };
                let mut known = known.lock().unwrap();
                known.extend([near.try_clone().unwrap(), far.try_clone().unwrap()]);
                for (mut from, mut to) in [
                    (near.try_clone().unwrap(), far.try_clone().unwrap()),
                    (far, near),
                ] {
                    std::thread::spawn(move || {
                        let mut buf = [0; 4096];
                        while let Ok(n @ 1..) = from.read(&mut buf) {
                            if to.write_all(&buf[..n]).is_err() {
                                break;
                            }
                        }
                        let _ = to.shutdown(Shutdown::Both);
                    });
                }
            }
        });
        Self { address: own, open }
    }

    fn break_off(&self) {
        for stream in self.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

#[test]
fn cpu_profiles_that_the_program_refuses_are_counted() {
    let scratch = Scratch::new();
    let Some(endpoint) = Endpoint::start(&scratch, &["-burn"]) else {
        return;
    };
    // Another profiler is there first: of two requests at a time, the program may serve either.
    let _other = eventually("another profile is active", || {
        let mut other = TcpStream::connect(&endpoint.address).ok()?;
        let request = "GET /debug/pprof/profile?seconds=120 HTTP/1.1\r\nHost: x\r\n\r\n";
        other.write_all(request.as_bytes()).ok()?;
        let second = get(&endpoint.address, "/debug/pprof/profile?seconds=1", "");
        second.ok().filter(|answer| answer.status == 500)?;
        Some(other)
    });
    let gotracer = streaming(&endpoint.url(), &scratch, &["--scrape.cpu-samples"]);
    let own = of(&endpoint.address);
    above(&gotracer, "gotracer_cpu_profiles_refused_total", &own, 0.0);
    // The trace has the samples of the other one.
    above(&gotracer, "gotrace_on_cpu_seconds_total", &own, 0.0);
}

#[test]
fn what_happens_is_counted_while_the_trace_goes_on() {
    let scratch = Scratch::new();
    let Some(endpoint) = Endpoint::start(&scratch, &[]) else {
        return;
    };
    let started = Instant::now();
    let mut gotracer = streaming(&endpoint.url(), &scratch, &[]);
    let own = of(&endpoint.address);
    let pauses = "gotrace_gc_pause_seconds_count";
    above(&gotracer, "gotracer_stream_generations_total", &own, 1.0);
    let series = format!("{pauses}{{{own}}}");
    for _ in 0..2 {
        let before = gotracer.sample(&series).unwrap();
        assert_eq!(get(&endpoint.address, "/gc", "").unwrap().status, 200);
        above(&gotracer, pauses, &own, before);
    }
    // On a busy machine a wait may be long enough for an error.
    let found = || {
        let counts = ["warn", "error"].map(|severity| {
            let labels = format!("{own},rule=\"MutexContention\",severity=\"{severity}\"");
            gotracer.sample(&format!("gotrace_findings_total{{{labels}}}"))
        });
        Some(counts[0]? + counts[1]?).filter(|n| *n > 0.0)
    };
    eventually_or("it is found", || gotracer.log(), found);
    let generations = above(&gotracer, "gotracer_stream_generations_total", &own, 4.0);
    let value = |name: &str| gotracer.sample(&format!("{name}{{{own}}}")).unwrap();
    // It is one trace, and it is seen whole: no time twice, none left out.
    assert_eq!(value("gotracer_traces_total"), 1.0);
    assert_eq!(value("gotracer_stream_connected"), 1.0);
    assert_eq!(value("gotracer_stream_duty_ratio"), 1.0);
    assert!(value("gotracer_stream_delay_seconds") > 0.0);
    let observed = value("gotrace_observed_seconds_total");
    assert!(observed <= started.elapsed().as_secs_f64(), "{observed}");
    for reason in ["lost", "renewed", "budget"] {
        let gaps = gaps(&endpoint.address, reason);
        let series = format!("gotracer_stream_gaps_total{{{gaps}}}");
        assert_eq!(gotracer.sample(&series), Some(0.0));
    }
    // What goes on being wrong is an event a minute, not one a second.
    let waits = value("gotrace_mutex_wait_seconds_count");
    let found = found().unwrap();
    assert!(waits > 4.0 * found, "{waits} waits, {found} findings");
    assert!(found < generations, "{found} {generations}");
    let page = gotracer.get("/", "").text();
    let shown = ["warn", "error"].map(|s| page.contains(&format!("class=\"{s}\">")));
    assert!(shown.contains(&true), "{page}");

    // It ends at once, in the middle of a trace of an hour.
    gotracer.signal("-TERM");
    assert!(gotracer.wait().success());
}

#[test]
fn a_stream_that_breaks_off_goes_on_and_the_gap_is_counted() {
    let scratch = Scratch::new();
    let Some(endpoint) = Endpoint::start(&scratch, &[]) else {
        return;
    };
    let proxy = Proxy::to(&endpoint.address);
    let started = Instant::now();
    let gotracer = streaming(&format!("http://{}", proxy.address), &scratch, &[]);
    let own = of(&proxy.address);
    let lost = gaps(&proxy.address, "lost");
    for n in 1..=2u8 {
        let traces = f64::from(n) - 0.5;
        above(&gotracer, "gotracer_traces_total", &own, traces);
        let generations = format!("gotracer_stream_generations_total{{{own}}}");
        let before = gotracer.sample(&generations).unwrap();
        above(&gotracer, "gotracer_stream_generations_total", &own, before);
        proxy.break_off();
        above(&gotracer, "gotracer_stream_gaps_total", &lost, traces);
    }
    above(&gotracer, "gotracer_traces_total", &own, 2.5);
    gotracer.wait_sample(&format!("gotracer_stream_connected{{{own}}}"), 1.0);
    let value = |name: &str, labels: &str| gotracer.sample(&format!("{name}{{{labels}}}")).unwrap();
    assert_eq!(value("gotracer_stream_gaps_total", &lost), 2.0);
    let gap = value("gotracer_stream_gap_seconds_total", &lost);
    let observed = value("gotrace_observed_seconds_total", &own);
    let all = started.elapsed().as_secs_f64();
    assert!(
        gap > 0.5 && gap + observed <= all,
        "{gap} + {observed} of {all}"
    );
    let failed = gaps(&proxy.address, "broke_off");
    assert_eq!(value("gotracer_trace_failures_total", &failed), 2.0);
}

#[test]
fn a_program_that_ends_is_waited_for_and_the_time_counted_meanwhile() {
    let scratch = Scratch::new();
    let address = free_address();
    let flags = ["-listen", &address];
    let Some(endpoint) = Endpoint::start(&scratch, &flags) else {
        return;
    };
    let gotracer = streaming(&endpoint.url(), &scratch, &[]);
    let (own, lost) = (of(&address), gaps(&address, "lost"));
    above(&gotracer, "gotracer_stream_generations_total", &own, 0.0);
    drop(endpoint);
    gotracer.wait_sample(&format!("gotracer_stream_connected{{{own}}}"), 0.0);
    // Nobody is there yet, and the gap grows.
    let gap = above(&gotracer, "gotracer_stream_gap_seconds_total", &lost, 1.0);
    above(&gotracer, "gotracer_stream_gap_seconds_total", &lost, gap);
    let refused = gaps(&address, "refused");
    above(&gotracer, "gotracer_trace_failures_total", &refused, 0.0);
    let _again = Endpoint::start(&scratch, &flags).unwrap();
    above(&gotracer, "gotracer_traces_total", &own, 1.0);
    let gaps = format!("gotracer_stream_gaps_total{{{lost}}}");
    assert_eq!(gotracer.sample(&gaps), Some(1.0));
}

#[test]
fn a_target_that_sends_too_much_is_streamed_for_a_part_of_the_time() {
    let scratch = Scratch::new();
    let Some(endpoint) = Endpoint::start(&scratch, &[]) else {
        return;
    };
    let flags = ["--scrape.stream-budget=1kB"];
    let gotracer = streaming(&endpoint.url(), &scratch, &flags);
    let budget = gaps(&endpoint.address, "budget");
    above(&gotracer, "gotracer_stream_gaps_total", &budget, 0.0);
    let own = of(&endpoint.address);
    let duty = gotracer.sample(&format!("gotracer_stream_duty_ratio{{{own}}}"));
    assert!(duty.is_some_and(|d| (0.01..0.9).contains(&d)), "{duty:?}");
    gotracer.wait_sample(&format!("gotracer_stream_connected{{{own}}}"), 0.0);
    above(&gotracer, "gotracer_stream_gap_seconds_total", &budget, 0.0);
    let generations = gotracer.sample(&format!("gotracer_stream_generations_total{{{own}}}"));
    assert!(generations.unwrap() >= 9.0, "{generations:?}");
}

#[test]
fn every_version_from_1_22_on_can_be_streamed_even_with_a_write_timeout() {
    for version in ["1.22.10", "1.25.5"] {
        let scratch = Scratch::new();
        let Some(go) = toolchain(version) else {
            return;
        };
        let flags = ["-write-timeout=6s"];
        let endpoint = Endpoint::built_with(&go, &scratch, &flags);
        let gotracer = streaming(&endpoint.url(), &scratch, &[]);
        let own = of(&endpoint.address);
        above(&gotracer, "gotracer_stream_generations_total", &own, 2.0);
        let pauses = "gotrace_gc_pause_seconds_count";
        get(&endpoint.address, "/gc", "").unwrap();
        above(&gotracer, pauses, &own, 0.0);
        // Up to 1.22 the server refuses what it could not send; newer ones
        // send for as long as they are asked to.
        let renewed = gaps(&endpoint.address, "renewed");
        let renewals = format!("gotracer_stream_gaps_total{{{renewed}}}");
        if version == "1.22.10" {
            above(&gotracer, "gotracer_stream_gaps_total", &renewed, 0.0);
            assert!(gotracer.log().contains("WriteTimeout"));
        } else {
            above(&gotracer, "gotracer_stream_generations_total", &own, 8.0);
            assert_eq!(gotracer.sample(&renewals), Some(0.0));
        }
    }
}

#[test]
fn a_program_too_old_to_be_streamed_is_said_so() {
    let scratch = Scratch::new();
    let old = fs::read(fixture("go1.21.13/gc_pause.trace")).unwrap();
    let address = says("200 OK", old);
    let gotracer = streaming(&format!("http://{address}"), &scratch, &[]);
    let reason = gaps(&address, "not_live");
    above(&gotracer, "gotracer_trace_failures_total", &reason, 0.0);
    assert!(gotracer.log().contains("Go 1.21 can't be streamed"));
}

#[test]
fn a_stream_follows_the_configuration() {
    let scratch = Scratch::new();
    let Some(endpoint) = Endpoint::start(&scratch, &[]) else {
        return;
    };
    let write = |rules: &str, target: &str| {
        scratch.config(format!(
            "{rules}scrape_configs: [{{job_name: api, mode: stream, static_configs: [{{targets: ['{target}']}}]}}]"
        ))
    };
    let flag = write("", &endpoint.address);
    let gotracer = Running::gotracer_with(scratch.path(), &[&flag], &[]);
    let own = format!("instance=\"{}\",job=\"api\"", endpoint.address);
    above(&gotracer, "gotracer_stream_generations_total", &own, 0.0);
    // Other thresholds: another trace.
    write("preset: batch\n", &endpoint.address);
    gotracer.signal("-HUP");
    above(&gotracer, "gotracer_traces_total", &own, 1.0);
    let renewed = format!("{own},reason=\"renewed\"");
    above(&gotracer, "gotracer_stream_gaps_total", &renewed, 0.0);
    // The target is no longer wanted: nothing is left of it.
    write("", "localhost:1");
    gotracer.signal("-HUP");
    let series = format!("gotracer_stream_connected{{{own}}}");
    eventually_or(
        "its series end",
        || gotracer.log(),
        || gotracer.sample(&series).is_none().then_some(()),
    );
    assert_eq!(
        get(&endpoint.address, "/debug/pprof/trace?seconds=1", "")
            .unwrap()
            .status,
        200
    );
}

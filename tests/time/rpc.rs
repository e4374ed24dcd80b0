//! Requests of gRPC and of HTTP/2 of golang.org/x/net, whose handlers are tasks too: both times are in one trace, so
//! the load of the machine does not matter.

use gotracer::timeline::State;

use crate::program::Program;

/// Go versions with different frames of handlers and different traces.
const VERSIONS: [&str; 5] = ["local", "1.22.10", "1.23.9", "1.25.5", "1.27.3"];

/// Requests of each handler: 4 clients, 10 each.
const EACH: u64 = 40;

/// Compares the requests of a kind of server with its own counts and with its tasks.
fn compare(program: &Program, kind: &str, version: &str) {
    let (counts, report) = program.trace(&[kind]);
    let requests = &report.requests;
    let all: u64 = requests.iter().map(|r| r.duration.count()).sum();
    let names: Vec<_> = requests
        .iter()
        .map(|r| (&r.handler, r.duration.count()))
        .collect();
    let context = format!("go {version}, {kind}: {names:?}");
    assert_eq!(all, 3 * EACH, "{context}");
    for line in counts.lines() {
        let (name, count) = line.split_once('\t').unwrap();
        assert_eq!(count.parse(), Ok(EACH));
        let request = requests.iter().find(|r| r.handler == name).expect(&context);
        assert_eq!(
            (request.duration.count(), request.open),
            (EACH, 0),
            "{name}: {context}"
        );
        assert_eq!(
            request.time.total(),
            request.duration.sum(),
            "{name}: {context}"
        );
        let task = report.tasks.iter().find(|t| t.name == name).unwrap();
        assert_eq!(task.duration.count(), EACH);
        // A request has all that its handler does, and sleeps and locks nowhere else.
        for state in State::ALL {
            let (whole, part) = (request.time.of(state), task.time.of(state));
            assert!(whole >= part, "{name}, {}: {context}", state.name());
        }
        let slept = (request.time.of(State::Sleep), task.time.of(State::Sleep));
        assert_eq!(slept.0, slept.1, "{name}: {context}");
        assert!(slept.0 > 0, "{name}: {context}");
        let median = |d: &gotracer::report::Distribution| d.quantile(0.5) / 1_000;
        let (whole, part) = (median(&request.duration), median(&task.duration));
        eprintln!("go {version}, {kind}, {name}: {whole} µs, its handler {part} µs");
    }
}

#[test]
fn requests_of_grpc_and_http_2_are_those_that_the_server_counts() {
    for version in VERSIONS {
        let Some(program) = Program::build("rpc", version) else {
            continue;
        };
        compare(&program, "grpc", version);
        compare(&program, "workers", version);
        compare(&program, "http2", version);
    }
}

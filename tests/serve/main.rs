//! `gotracer serve` as its users have it: the built program, real traces, a
//! real Prometheus.
#![cfg(feature = "daemon")]

mod afterwards;
mod discovery;
mod prometheus;
mod reload;
mod scrape;
mod storage;
mod support;
mod watch;

//! `gotracer serve` as its users have it: the built program, real traces, a
//! real Prometheus.
#![cfg(feature = "daemon")]

mod afterwards;
mod alerts;
#[cfg(feature = "s3")]
mod bucket;
mod capture;
mod certificates;
mod check;
mod chromium;
mod clients;
mod discovery;
mod endpoint;
mod evidence;
mod exposition;
mod exposure;
mod flight;
mod health;
mod kubernetes;
mod log;
mod measured;
mod memory;
mod pages;
mod process;
mod prometheus;
mod push;
mod releases;
mod reload;
mod report;
mod resilience;
mod room;
mod roots;
#[allow(dead_code, reason = "shared with other tests")]
#[path = "../support/s3.rs"]
mod s3;
mod scrape;
mod scrapes;
mod secure;
mod shards;
mod storage;
mod stream;
mod support;
mod upgrade;
mod watch;
mod web;
mod writers;

use support::tests_dir;

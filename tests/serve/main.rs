//! `gotracer serve` as its users have it: the built program, real traces, a
//! real Prometheus.
#![cfg(feature = "daemon")]

#[path = "../support/mod.rs"]
mod support;

mod afterwards;
mod alerts;
mod anonymized;
#[cfg(feature = "s3")]
mod bucket;
mod capture;
mod check;
mod clients;
mod custom_rules;
mod discovery;
mod evidence;
mod exposition;
mod exposure;
mod flight;
mod functions;
mod health;
mod ignored;
mod kubernetes;
mod log;
mod measured;
mod memory;
mod pages;
mod probe;
mod process;
mod profiles;
mod prometheus;
mod proxies;
mod push;
mod pushed;
mod releases;
mod reload;
mod report;
mod resilience;
mod room;
mod roots;
mod scrape;
mod scrapes;
mod secure;
mod shards;
mod storage;
mod stream;
mod upgrade;
mod users;
mod watch;
mod web;
mod writers;

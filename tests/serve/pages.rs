//! The pages for people, in a real browser.
#![cfg(unix)]

use std::fs;

use crate::support::chromium::Browser;
use crate::support::daemon::{Running, Scratch, eventually_or, fixture, free_address};

const PHONE: (u32, u32) = (360, 740);
const DESKTOP: (u32, u32) = (1280, 800);

/// Where every link of the page leads, with the answer's status.
const LINKS: &str = "Promise.all([...document.links].map(async a => \
    (await fetch(a.href)).status + ' ' + a.getAttribute('href')))";

#[test]
fn a_person_with_a_phone_finds_what_was_found_and_what_failed() {
    let scratch = Scratch::new();
    let Some(mut browser) = Browser::start(&scratch) else {
        return;
    };
    let directory = scratch.directory("in");
    for (trace, name) in [
        ("go1.25.5/mutex_contention.trace", "locks.trace"),
        ("go1.26.6/idle.trace", "quiet.trace"),
    ] {
        fs::copy(fixture(trace), directory.join(name)).unwrap();
    }
    // As long as a name without a place to break may be.
    let long = format!("{}.trace", "x".repeat(200));
    fs::write(directory.join(&long), "<b>no</b> trace").unwrap();
    let nobody = format!("http://{}", free_address());
    let more = [
        "--scrape",
        &nobody,
        "--watch.pattern={service}.trace",
        "--scrape.interval=1s",
    ];
    let gotracer = Running::gotracer(&directory, scratch.path(), &more);
    for service in ["locks", "quiet"] {
        let traces = format!("gotracer_traces_total{{service=\"{service}\"}}");
        gotracer.wait_sample(&traces, 1.0);
    }
    let failures = || gotracer.log().contains("not_a_trace").then_some(());
    eventually_or("the junk was seen", || gotracer.log(), failures);
    let refused = || gotracer.log().contains("refused").then_some(());
    eventually_or("the target was asked", || gotracer.log(), refused);
    let home = format!("http://{}/", gotracer.address);

    for (name, (width, height), scheme, ink) in [
        ("phone-light", PHONE, "light", "rgb(27, 31, 36)"),
        ("phone-dark", PHONE, "dark", "rgb(230, 233, 236)"),
        ("desktop-light", DESKTOP, "light", "rgb(27, 31, 36)"),
        ("desktop-dark", DESKTOP, "dark", "rgb(230, 233, 236)"),
    ] {
        let phone = width == PHONE.0;
        browser.look(width, height, phone, scheme);
        browser.open(&home);
        let text = browser.text();
        for said in [
            "Worst now",
            "Targets",
            "Watched directories",
            &nobody,
            "refused: ",
            "Failures",
            "not_a_trace: ",
            &long,
            "Last traces",
            "locks.trace",
            "quiet.trace",
        ] {
            assert!(text.contains(said), "{name}: {said} is not in\n{text}");
        }
        let fits = "document.documentElement.scrollWidth <= window.innerWidth";
        assert_eq!(browser.value(fits), true, "{name}: the page is too wide");
        let colour = "getComputedStyle(document.body).color";
        assert_eq!(browser.value(colour), ink, "{name}");
        let rows = "getComputedStyle(document.querySelector('tbody tr')).display";
        let shown = if phone { "block" } else { "table-row" };
        assert_eq!(browser.value(rows), shown, "{name}");
        browser.picture(&format!("home-{name}"));

        // A link leads to all that the trace told.
        let reports = "[...document.querySelectorAll('#traces + table tr')].find(row => \
            row.innerText.includes('locks.trace')).querySelector('a').id = 'locks'";
        browser.value(reports);
        browser.follow("#locks");
        let text = browser.text();
        for said in ["locks.trace", "MutexContention", "Rules", "not judged"] {
            assert!(text.contains(said), "{name}: {said} is not in\n{text}");
        }
        browser.value("document.querySelectorAll('details').forEach(d => d.open = true)");
        assert!(browser.text().contains("sync.(*Mutex).Lock"), "{name}");
        assert_eq!(browser.value(fits), true, "{name}: the report is too wide");
        browser.picture(&format!("report-{name}"));
        let links = browser.value(LINKS);
        browser.follow("nav a");
        assert_eq!(browser.value("location.href"), home.as_str());
        let home_links = browser.value(LINKS);
        for link in [links, home_links]
            .iter()
            .flat_map(|l| l.as_array().unwrap())
        {
            assert!(link.as_str().unwrap().starts_with("200 "), "{link}");
        }
    }
    // Nothing of what a file is called or says is markup.
    assert_eq!(browser.value("document.querySelectorAll('b').length"), 0);
}

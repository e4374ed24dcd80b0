//! `analyze` and `diff` with `--format html` in a real browser: the pages are
//! read, filtered and printed by people.
#![cfg(unix)]

use std::process::Command;

use crate::support::chromium::Browser;
use crate::support::daemon::{Scratch, fixture};

const FITS: &str = "document.documentElement.scrollWidth <= window.innerWidth";
const SHOWN: &str = "[...document.querySelectorAll('.finding')].filter(f => f.offsetParent).length";

/// The contrast of each text with what is behind it that is too weak to read.
const WEAK: &str = "(() => { \
    const parts = c => c.match(/[\\d.]+/g).map(Number); \
    const light = c => { const [r, g, b] = parts(c).slice(0, 3).map(v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); \
      return .2126 * r + .7152 * g + .0722 * b; }; \
    const behind = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; \
      if (parts(c)[3] !== 0) return c; } return 'rgb(255,255,255)'; }; \
    return [...document.querySelectorAll('h1,h3,h4,h4 span,p,dt,dd,li,button,label,summary,.at')].filter(e => e.offsetParent && e.innerText).map(e => { \
      const [a, b] = [light(getComputedStyle(e).color), light(behind(e))]; \
      return [(Math.max(a, b) + .05) / (Math.min(a, b) + .05), e.innerText]; }).filter(([ratio]) => ratio < 4.5); })()";

const PAPER: &str = "getComputedStyle(document.body).backgroundColor";

/// Sizes of windows, and the colours that are liked there.
const LOOKS: [(&str, u32, &str); 4] = [
    ("phone-light", 360, "light"),
    ("phone-dark", 360, "dark"),
    ("desktop-light", 1280, "light"),
    ("desktop-dark", 1280, "dark"),
];

/// Analyses fixtures into a page.
fn page(scratch: &Scratch, traces: &[&str]) -> String {
    let file = scratch.path().join("report.html");
    let mut command = Command::new(env!("CARGO_BIN_EXE_gotracer"));
    command
        .args(["analyze", "--fail-on=never", "--output"])
        .arg(&file);
    let output = command
        .args(traces.iter().map(|t| fixture(t)))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    format!("file://{}", file.display())
}

#[test]
fn a_report_is_read_and_filtered() {
    let scratch = Scratch::new();
    let Some(mut browser) = Browser::start(&scratch) else {
        return;
    };
    let url = page(
        &scratch,
        &[
            "go1.25.5/gc_assist.trace",
            "go1.25.5/mutex_contention.trace",
        ],
    );
    let said = [
        "MutexContention",
        "main.holdMutex",
        "Over time",
        "not applicable",
        "Fix",
    ];
    it_looks_well(&mut browser, &url, "analysis", &said);

    let all = browser.value("document.querySelectorAll('.finding').length");
    assert_eq!(browser.value(SHOWN), all);
    let type_in = |text: &str| {
        format!(
            "f = document.getElementById('filter'); f.elements.text.value = '{text}'; \
            f.dispatchEvent(new Event('input'))"
        )
    };
    browser.value(&type_in("HOLDMUTEX mutexcontention"));
    assert_eq!(browser.value(SHOWN), 1);
    assert!(browser.text().contains(&format!("1 of {all} shown")));
    browser.value(&type_in("there is no such thing"));
    assert_eq!(browser.value(SHOWN), 0);
    // A mark of the timeline leads to its finding, filtered out or not.
    browser.value(
        "document.querySelector('.lane a').dispatchEvent(new MouseEvent('click', {bubbles: true}))",
    );
    let waited = "new Promise(done => setTimeout(() => done(document.querySelector(':target').offsetParent !== null), 100))";
    assert_eq!(browser.value(waited), true);
    browser.value("document.querySelector('[name=severity][value=warn]').click()");
    assert_ne!(browser.value(SHOWN), all);

    the_theme_is_changed_and_kept(&mut browser, &url);
    assert!(browser.complaints.is_empty(), "{:#?}", browser.complaints);
}

/// A page says this, fits and can be read in every window; the last one that is
/// tried is dark.
fn it_looks_well(browser: &mut Browser, url: &str, kind: &str, said: &[&str]) {
    for (name, width, scheme) in LOOKS {
        browser.look(width, 800, width < 400, scheme);
        browser.open(url);
        let text = browser.text();
        for said in said {
            assert!(text.contains(said), "{name}: {said} is not in\n{text}");
        }
        assert_eq!(browser.value(FITS), true, "{name}: the page is too wide");
        assert_eq!(
            browser.value(WEAK),
            serde_json::json!([]),
            "{name}: hard to read"
        );
        browser.picture(&format!("{kind}-{name}"));
    }
}

/// On a page whose colours are dark, since the system's are.
fn the_theme_is_changed_and_kept(browser: &mut Browser, url: &str) {
    let dark = browser.value(PAPER);
    browser.value("document.getElementById('theme').click()");
    assert_ne!(browser.value(PAPER), dark);
    assert_eq!(
        browser.value("document.getElementById('theme').textContent"),
        "Dark"
    );
    // It is remembered, though the system is dark.
    browser.open(url);
    assert_ne!(browser.value(PAPER), dark);
}

#[test]
fn a_comparison_is_read() {
    let scratch = Scratch::new();
    let Some(mut browser) = Browser::start(&scratch) else {
        return;
    };
    let file = scratch.path().join("diff.html");
    let output = Command::new(env!("CARGO_BIN_EXE_gotracer"))
        .args(["diff", "--format=html"])
        .args(["go1.25.5/idle.trace", "go1.25.5/mutex_contention.trace"].map(fixture))
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    std::fs::write(&file, output.stdout).unwrap();
    let url = format!("file://{}", file.display());
    let said = [
        "regressions",
        "MutexContention",
        "from nothing",
        "main.holdMutex",
    ];
    it_looks_well(&mut browser, &url, "comparison", &said);
    // Both are drawn where both saw something, and each in its own colour.
    let drawn = "[...document.querySelectorAll('.rule')].map(r => [r.querySelector('h3').textContent, \
        ...['seen', 'base-run'].map(c => r.querySelectorAll('.' + c + ' rect').length > 0)])";
    assert_eq!(
        browser.value(drawn),
        serde_json::json!([
            ["GCPauseSpike", false, true],
            ["HighSchedulingLatency", true, true],
            ["MutexContention", true, false],
            ["ProcessorStarvation", true, true],
            ["GCPressure", false, true],
        ])
    );
    let colours = "new Set([...document.querySelectorAll('.rule rect')].map(r => getComputedStyle(r).fill)).size";
    assert_eq!(browser.value(colours), 2);
    the_theme_is_changed_and_kept(&mut browser, &url);
    assert!(browser.complaints.is_empty(), "{:#?}", browser.complaints);
}

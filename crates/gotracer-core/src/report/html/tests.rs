use super::*;
use crate::report::{Course, State, sample};

fn html(reports: &[Report]) -> String {
    sample::written(&FORMAT, reports, &Options::default())
}

fn course() -> Course {
    let mut course = Course::default();
    for i in 0..100u64 {
        let state = State {
            runnable: i % 7,
            running: 4,
            stopped: i % 25 == 0,
            heap_live: (40 + i / 20) << 20,
            heap_goal: (80 + i / 10) << 20,
            heap_objects: (40 + i % 40) << 20,
        };
        course.advance((i + 1) * 50_000_000, &state);
    }
    course
}

#[test]
fn golden() {
    let mut report = sample::eventful("a.trace");
    report.course = Some(course());
    // A browser test covers style and script, and tips are many.
    let page = html(&[report, sample::broken("b")]);
    let body = page.split_once("<body>").unwrap().1;
    let body = body.split_once("<script>").unwrap().0;
    let (before, tips) = body.split_once("<g class=\"tips\">").unwrap();
    let after = tips.split_once("</g>").unwrap().1;
    let text = format!("{before}[tips]{after}").replace("><", ">\n<");
    let version = format!("gotracer {}", env!("CARGO_PKG_VERSION"));
    insta::assert_snapshot!(text.replace(&version, "gotracer [version]"));
}

#[test]
fn nothing_of_a_trace_is_markup() {
    let page = html(&[sample::hostile()]);
    assert_eq!(page.matches("<script").count(), 1);
    assert!(!page.contains("<img") && !page.contains("<!-- "));
    assert!(!page.chars().any(|c| c.is_control() && c != '\n'));
    // The page loads nothing.
    for outside in ["src=\"", "href=\"http", "url(", "@import"] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn a_page_is_never_too_large() {
    let mut report = sample::hostile();
    report.course = Some(course());
    let found = report.findings[0].clone();
    let mut deep = found.clone();
    deep.message = "<".repeat(10_000);
    deep.stack = vec![found.place.clone(); 128];
    for frame in &mut deep.stack {
        frame.function = "<".repeat(1_024);
        frame.file = "&".repeat(1_024);
    }
    report.findings = vec![deep; 60];
    let most = 2_000_000;
    let one = html(std::slice::from_ref(&report));
    assert!(one.len() < most, "{}", one.len());
    assert!(one.contains("left out"));
    report.findings = vec![found];
    let many = html(&vec![report; 1_200]);
    assert!(many.len() < most, "{}", many.len());
}

#[test]
fn a_thousand_findings_are_folded() {
    let mut report = sample::eventful("a");
    let found = report.findings[0].clone();
    let numbered = |i: usize| crate::report::Finding {
        id: format!("{i:016x}"),
        ..found.clone()
    };
    report.findings = (0..1_000).map(numbered).collect();
    let page = html(&[report]);
    assert!(page.len() < 2_000_000, "{}", page.len());
    let (open, folded) = page.split_once("<details class=\"more\">").unwrap();
    let articles = |text: &str| text.matches("<article id=\"f0-").count();
    assert_eq!(articles(open), 25);
    assert!(articles(folded) > 500, "{}", articles(folded));
}

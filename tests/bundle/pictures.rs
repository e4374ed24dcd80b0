//! The dashboards as pictures, for people to look at: real answers, drawn in a
//! real Chromium much as Grafana would. Grafana itself can't be had from a
//! registry of packages.
//! `GOTRACER_SCREENSHOTS=DIR cargo test --test bundle installation` keeps them.

use std::collections::HashMap;
use std::fs;

use serde_json::json;

use crate::boards::Board;
use crate::prometheus::Series;
use crate::support::chromium::Browser;
use crate::support::daemon::Scratch;

const STYLE: &str = "body{background:#111217;color:#ccccdc;font:13px Inter,Helvetica,Arial,sans-serif;margin:12px}
main{position:relative} main>*{position:absolute;box-sizing:border-box;margin:0}
section{background:#181b1f;border:1px solid #25282d;padding:6px 8px;overflow:hidden}
h1{font-size:20px} h2{font-size:15px;padding-top:8px} h3{font-size:13px;margin:0 0 6px;font-weight:500}
text{fill:#9fa3a8;font-size:11px} svg{display:block}
.legend{font-size:11px} .legend span{margin-right:10px;white-space:nowrap}
i{display:inline-block;width:12px;height:4px;margin-right:5px;vertical-align:middle}
table{border-collapse:collapse;width:100%;font-size:12px} td,th{padding:2px 8px;white-space:nowrap}
.legend td{padding:0 8px;font-size:11px} .data td,.data th{border-bottom:1px solid #25282d;padding:5px 10px}
.data th{text-align:left;color:#6e9fff;font-weight:500}
.stat{white-space:nowrap;display:flex;justify-content:center;align-items:center;height:75%}";

/// The page that draws a dashboard.
fn page(
    board: &Board,
    answers: &[Vec<Vec<Series>>],
    (from, to): (f64, f64),
    chosen: &HashMap<&str, &str>,
) -> String {
    let number = |v: f64| {
        if v.is_infinite() {
            json!(f64::MAX)
        } else {
            json!(v)
        }
    };
    let series = |s: &Series| {
        let samples = s.samples.iter().map(|(t, v)| json!([t, number(*v)]));
        json!({"labels": s.labels, "samples": samples.collect::<Vec<_>>()})
    };
    let queries = |result: &Vec<Series>| result.iter().map(series).collect::<Vec<_>>();
    let panels = |panel: &Vec<Vec<Series>>| panel.iter().map(queries).collect::<Vec<_>>();
    let answers: Vec<_> = answers.iter().map(panels).collect();
    let facts = json!({
        "board": board.json, "answers": answers, "from": from, "to": to, "chosen": chosen,
    });
    // What would end the script does not stand in it.
    let facts = facts.to_string().replace("</", "<\\/");
    format!(
        "<!doctype html><meta charset=utf-8><style>{STYLE}</style><body><script>
const {{board, answers, from, to, chosen}} = {facts};
{}</script>",
        include_str!("pictures.js")
    )
}

/// Draws dashboards, each with the answers to the queries of its panels.
pub(crate) fn draw(
    boards: &[(Board, Vec<Vec<Vec<Series>>>)],
    time: (f64, f64),
    chosen: impl Fn(&Board) -> HashMap<&'static str, &'static str>,
) {
    let scratch = Scratch::new();
    let Some(mut browser) = Browser::start(&scratch) else {
        return;
    };
    for (board, answers) in boards {
        let file = scratch.path().join(format!("{}.html", board.name));
        fs::write(&file, page(board, answers, time, &chosen(board))).unwrap();
        browser.look(1640, 1000, false, "dark");
        browser.open(&format!("file://{}", file.display()));
        let sections = browser.value("document.querySelectorAll('section').length");
        assert_eq!(sections, board.panels.len(), "{}", board.name);
        assert_eq!(browser.value("problems"), json!([]), "{}", board.name);
        browser.picture(board.name);
    }
}

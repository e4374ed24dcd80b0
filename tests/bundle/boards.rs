//! The dashboards: what stands in them, and that it fits together.

use std::collections::{BTreeSet, HashSet};

use gotracer::rules::{Preset, RULES, Unit};
use regex::Regex;
use serde_json::Value;

use crate::read;
use crate::rules;

pub(crate) const NAMES: [&str; 4] = ["overview", "service", "releases", "exporter"];

/// A dashboard.
pub(crate) struct Board {
    pub name: &'static str,
    pub json: Value,
    pub panels: Vec<Panel>,
}

/// A panel of it that has queries.
pub(crate) struct Panel {
    pub title: String,
    pub queries: Vec<Query>,
}

pub(crate) struct Query {
    pub expr: String,
    pub legend: String,
    /// Asked for the end of the time range only.
    pub instant: bool,
}

/// All of them.
pub(crate) fn all() -> Vec<Board> {
    let boards = NAMES.into_iter().map(|name| {
        let text = read(&format!("dashboards/{name}.json"));
        let json: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
        let shown = list(&json["panels"]).iter().filter(|p| p["type"] != "row");
        let panels = shown.map(Panel::new).collect();
        Board { name, json, panels }
    });
    boards.collect()
}

impl Panel {
    fn new(json: &Value) -> Self {
        let queries = list(&json["targets"]).iter().map(|target| Query {
            expr: text(&target["expr"]),
            legend: text(&target["legendFormat"]),
            instant: target["instant"] == true,
        });
        Self {
            title: text(&json["title"]),
            queries: queries.collect(),
        }
    }
}

/// What a list holds.
pub(crate) fn list(json: &Value) -> &[Value] {
    json.as_array().map_or(&[], Vec::as_slice)
}

fn text(json: &Value) -> String {
    json.as_str().unwrap_or_default().to_owned()
}

/// An expression with Grafana's variables filled in.
pub(crate) fn filled(expr: &str, values: &[(&str, &str)]) -> String {
    let variable = Regex::new(r"\$(\w+)").unwrap();
    let value = |found: &regex::Captures<'_>| {
        let known = values.iter().find(|(name, _)| *name == &found[1]);
        known
            .unwrap_or_else(|| panic!("${} in {expr}", &found[1]))
            .1
            .to_owned()
    };
    variable.replace_all(expr, value).into_owned()
}

/// The names of the variables that a text uses.
fn variables(text: &str) -> HashSet<String> {
    let variable = Regex::new(r"\$\{?(\w+)").unwrap();
    let names = variable.captures_iter(text).map(|c| c[1].to_owned());
    names.filter(|name| !name.starts_with("__")).collect()
}

#[test]
fn panels_say_what_to_do_and_stand_beside_each_other() {
    for board in all() {
        let mut places = HashSet::new();
        let mut ids = HashSet::new();
        for panel in list(&board.json["panels"]) {
            let title = text(&panel["title"]);
            let at = format!("{}: {title}", board.name);
            assert!(
                !title.is_empty() && ids.insert(panel["id"].as_u64()),
                "{at}"
            );
            let place = &panel["gridPos"];
            let [x, y, w, h] = ["x", "y", "w", "h"].map(|k| place[k].as_u64().unwrap());
            assert!(x + w <= 24, "{at}");
            for cell in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
                assert!(places.insert(cell), "{at} overlaps another");
            }
            if panel["type"] != "row" {
                assert!(
                    text(&panel["description"]).len() > 60,
                    "{at} has no description"
                );
                assert!(!list(&panel["targets"]).is_empty(), "{at} has no query");
                assert_eq!(panel["datasource"]["uid"], "${datasource}", "{at}");
            }
        }
    }
}

#[test]
fn every_dashboard_has_the_variables_and_links_that_are_used() {
    let boards = all();
    let uids: HashSet<_> = boards.iter().map(|b| text(&b.json["uid"])).collect();
    assert_eq!(uids.len(), NAMES.len());
    let to = Regex::new(r#""/d/([a-z-]+)"#).unwrap();
    for board in &boards {
        let named = list(&board.json["templating"]["list"]);
        let named: HashSet<_> = named.iter().map(|v| text(&v["name"])).collect();
        for name in [
            "datasource",
            "cluster",
            "namespace",
            "job",
            "service",
            "version",
            "instance",
        ] {
            assert!(named.contains(name), "{} lacks ${name}", board.name);
        }
        let json = board.json.to_string();
        for name in variables(&json) {
            assert!(
                named.contains(&name),
                "{}: ${name} is no variable",
                board.name
            );
        }
        // Every variable is used, if only by another one.
        for name in &named {
            let used = json.contains(&format!("${name}")) || json.contains(&format!("${{{name}}}"));
            assert!(used, "{}: ${name} is not used", board.name);
        }
        for link in to.captures_iter(&json) {
            assert!(
                uids.contains(&link[1]),
                "{}: no dashboard {}",
                board.name,
                &link[1]
            );
        }
        assert!(json.contains("${gotracer}/#traces"), "{}", board.name);
        let others = &list(&board.json["links"])[0];
        assert_eq!(others["tags"][0], board.json["tags"][0], "{}", board.name);
    }
}

/// Every dashboard marks all shipped alerts and those of custom rules, and the Overview counts all of them, as the
/// variables choose.
#[test]
fn dashboards_know_every_alert() {
    let alerts = rules::all().into_iter().filter(|rule| rule.alert);
    let names: BTreeSet<_> = alerts.map(|alert| alert.name).collect();
    let listed = Regex::new(r#"alertname=~"([^"]+)""#).unwrap();
    let of = |expr: &str| -> BTreeSet<String> {
        let found = listed.captures(expr).unwrap_or_else(|| panic!("{expr}"));
        for chosen in ["cluster", "namespace", "service"] {
            let selected = format!("{chosen}=~\"${chosen}|\"");
            assert_eq!(expr.matches(&selected).count(), 2, "{expr}");
        }
        assert!(expr.contains("custom_rule=\"true\""), "{expr}");
        found[1].split('|').map(str::to_owned).collect()
    };
    for board in all() {
        let marks = list(&board.json["annotations"]["list"]);
        let marks = marks.iter().find(|mark| mark["name"] == "Alerts").unwrap();
        assert_eq!(of(&text(&marks["expr"])), names, "{}", board.name);
        if board.name == "overview" {
            let count = board.panels.iter().find(|panel| panel.title == "Alerts");
            assert_eq!(of(&count.unwrap().queries[0].expr), names);
        }
    }
}

/// What a number or a column of a table shows: its query, and its unit and decimals.
fn numbers(panel: &Value) -> Vec<(String, Value)> {
    let defaults = panel["fieldConfig"]["defaults"].clone();
    let expr = |target: &Value| text(&target["expr"]);
    let targets = list(&panel["targets"]);
    if panel["type"] != "table" {
        let shown = ["stat", "bargauge"].contains(&panel["type"].as_str().unwrap());
        let first = targets.first().filter(|_| shown);
        return first
            .map(|target| (expr(target), defaults))
            .into_iter()
            .collect();
    }
    // Columns are the queries, in their order; the overrides name them.
    let columns = &panel["transformations"][1]["options"]["renameByName"];
    let column = |target: &Value| {
        let title = &columns[format!("Value #{}", text(&target["refId"]))];
        let overrides = list(&panel["fieldConfig"]["overrides"]).iter();
        let own = overrides.filter(|o| o["matcher"]["options"] == *title);
        let properties = own.flat_map(|o| list(&o["properties"]));
        let properties = properties.map(|p| (text(&p["id"]), p["value"].clone()));
        (expr(target), properties.collect())
    };
    targets.iter().map(column).collect()
}

#[test]
fn counts_have_no_decimals_and_times_are_dates() {
    let (mut counts, mut dates) = (0, 0);
    for board in all() {
        for panel in list(&board.json["panels"]) {
            for (expr, shown) in numbers(panel) {
                let at = format!("{}: {expr}: {shown}", text(&panel["title"]));
                let counted = ["gotrace_findings_total", "gotracer_traces_total", "ALERTS"];
                let counted =
                    counted.iter().any(|name| expr.contains(name)) && !expr.contains(" / ");
                if counted {
                    assert_eq!(shown["decimals"], 0, "{at}");
                    counts += 1;
                }
                if expr.contains("_timestamp_seconds") && !expr.contains("time() -") {
                    assert!(text(&shown["unit"]).starts_with("dateTime"), "{at}");
                    dates += 1;
                }
            }
        }
    }
    assert!(counts > 5 && dates > 0, "{counts} {dates}");
}

/// Counters of findings have exemplars with the finding and the address of its evidence.
#[test]
fn queries_of_findings_ask_for_exemplars() {
    let mut asked = 0;
    for board in all() {
        for target in list(&board.json["panels"])
            .iter()
            .flat_map(|p| list(&p["targets"]))
        {
            if target["instant"] == true {
                continue;
            }
            let findings = text(&target["expr"]).contains("gotrace_findings_total");
            assert_eq!(target["exemplar"] == true, findings, "{target}");
            asked += usize::from(findings);
        }
    }
    assert!(asked > 2, "{asked}");
}

#[test]
fn each_rule_has_its_panels_with_its_thresholds() {
    let boards = all();
    let service = boards.iter().find(|b| b.name == "service").unwrap();
    for rule in RULES {
        let panels = list(&service.json["panels"]);
        let titled = |title: &str| {
            let found = panels.iter().find(|p| p["title"] == title);
            found.unwrap_or_else(|| panic!("no panel {title}"))
        };
        let distribution = titled(&format!("{}: distribution", rule.name));
        assert_eq!(distribution["type"], "heatmap");
        assert!(text(&distribution["description"]).contains(rule.advice));
        let quantiles = titled(&format!("{}: quantiles", rule.name));
        let steps = list(&quantiles["fieldConfig"]["defaults"]["thresholds"]["steps"]);
        let values: Vec<_> = steps.iter().filter_map(|s| s["value"].as_f64()).collect();
        let limits = rule.thresholds[Preset::Service as usize];
        let scale = if rule.unit == Unit::Nanoseconds {
            1e9
        } else {
            1.0
        };
        let limits = [limits.warn, limits.error].into_iter();
        let limits = limits.filter(|limit| !limit.is_never());
        let wanted: Vec<_> = limits.map(|limit| limit.value as f64 / scale).collect();
        assert_eq!(values, wanted, "{}", rule.name);
    }
}

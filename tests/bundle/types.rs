//! The dashboards against Grafana's own types: TypeScript is asked whether each
//! is a dashboard of @grafana/schema, with no property that Grafana does not
//! know. `npm ci --prefix tests/bundle` gets what is needed.

use std::fmt::Write;
use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::boards::{all, list};
use crate::repository;
use crate::support::daemon::program;
use crate::support::tools::skip;

/// JSON has the values of enums, where TypeScript wants their names.
const PLAIN: &str = "type Plain<T> =
  T extends string ? `${T}` :
  T extends number ? (`${T}` extends `${infer N extends number}` ? N : T) :
  T extends (...args: any) => any ? never :
  T extends object ? { [K in keyof T]: Plain<T[K]> } : T;
";

/// The packages of panels, by type, and whether fields have options of their own.
const PANELS: [(&str, &str, &str, bool); 6] = [
    ("timeseries", "timeseries", "TimeSeriesPanelCfg", true),
    ("heatmap", "heatmap", "HeatmapPanelCfg", true),
    ("stat", "stat", "StatPanelCfg", false),
    ("bargauge", "bargauge", "BarGaugePanelCfg", false),
    (
        "state-timeline",
        "statetimeline",
        "StateTimelinePanelCfg",
        true,
    ),
    ("table", "table", "TablePanelCfg", true),
];

/// A program whose types are right only if the dashboards are.
fn program_text() -> String {
    let mut text = String::from(
        "import type { Dashboard, Panel, RowPanel } from '@grafana/schema';
import type { Dataquery } from '@grafana/grafana-foundation-sdk/prometheus';
type Query = Omit<Dataquery, '_implementsDataqueryVariant'>;
",
    );
    for (_, folder, file, _) in PANELS {
        let path =
            format!("@grafana/schema/dist/esm/raw/composable/{folder}/panelcfg/x/{file}_types.gen");
        writeln!(text, "import type * as {folder} from '{path}';").unwrap();
    }
    text += PLAIN;
    let mut number = 0;
    let mut is = |text: &mut String, kind: &str, value: &Value| {
        number += 1;
        writeln!(text, "export const v{number}: Plain<{kind}> = {value};").unwrap();
    };
    for board in all() {
        let mut board = board.json;
        for panel in board["panels"].take().as_array().unwrap() {
            let kind = panel["type"].as_str().unwrap();
            if kind == "row" {
                is(&mut text, "RowPanel", panel);
                continue;
            }
            let found = PANELS.iter().find(|(name, ..)| *name == kind);
            let (_, folder, _, custom) = found.unwrap_or_else(|| panic!("no types for {kind}"));
            is(&mut text, "Panel", panel);
            is(&mut text, &format!("{folder}.Options"), &panel["options"]);
            let own = &panel["fieldConfig"]["defaults"]["custom"];
            if *custom {
                is(&mut text, &format!("{folder}.FieldConfig"), own);
            } else {
                assert!(own.is_null(), "{}", panel["title"]);
            }
            for query in list(&panel["targets"]) {
                is(&mut text, "Query", query);
            }
        }
        board.as_object_mut().unwrap().remove("panels");
        // Grafana's types know no annotation of Prometheus: these are PromAnnotation's, of its data source.
        for annotation in board["annotations"]["list"].as_array_mut().unwrap() {
            for own in [
                "expr",
                "step",
                "titleFormat",
                "textFormat",
                "useValueForTime",
            ] {
                annotation.as_object_mut().unwrap().remove(own);
            }
        }
        is(&mut text, "Dashboard", &board);
    }
    text
}

#[test]
fn every_property_is_one_that_grafana_knows() {
    let packages = repository("tests/bundle/node_modules");
    let compiler = packages.join("typescript/bin/tsc");
    let Some(node) = program("node") else {
        return;
    };
    if !compiler.exists() {
        skip("run npm ci --prefix tests/bundle");
        return;
    }
    // Packages are looked for from where the program is.
    let file = packages.join("dashboards.ts");
    let check = |text: &str| {
        fs::write(&file, text).unwrap();
        let mut command = Command::new(&node);
        command.arg(&compiler).args([
            "--noEmit",
            "--strict",
            "--skipLibCheck",
            "--module",
            "nodenext",
            "--moduleResolution",
            "nodenext",
        ]);
        let output = command.arg(&file).output().unwrap();
        (
            output.status.success(),
            String::from_utf8_lossy(&output.stdout).into_owned(),
        )
    };
    let text = program_text();
    let (right, said) = check(&text);
    assert!(right, "{said}");
    // That it would say something.
    for (known, unknown) in [
        ("\"drawStyle\":\"line\"", "\"drawStyle\":\"lines\""),
        ("\"cellGap\"", "\"cellGaps\""),
    ] {
        assert!(text.contains(known));
        let (right, _) = check(&text.replace(known, unknown));
        assert!(!right, "{unknown} was not noticed");
    }
}

//! The workflows of docs/ci.md.

use super::*;

fn blocks<'a>(text: &'a str, language: &str) -> Vec<&'a str> {
    let begin = format!("```{language}\n");
    let blocks = text.split(&begin).skip(1);
    blocks.map(|b| b.split("```").next().unwrap()).collect()
}

#[test]
fn workflows_are_yaml_and_their_commands_are_ours() {
    let text = fs::read_to_string("docs/ci.md").unwrap();
    let workflows = blocks(&text, "yaml");
    let parsed: Vec<serde_json::Value> = workflows
        .iter()
        .map(|text| serde_saphyr::from_str(text).unwrap())
        .collect();
    let steps = parsed[0]["jobs"]["traces"]["steps"].as_array().unwrap();
    assert!(
        steps
            .iter()
            .all(|s| s["uses"].is_string() || s["run"].is_string())
    );
    assert!(parsed[1]["gotracer"]["script"].as_array().unwrap().len() > 3);

    let dir = tempfile::tempdir().unwrap();
    for (side, traces) in [("base", ["idle", "http"]), ("branch", ["idle", "gc_pause"])] {
        let to = dir.path().join("traces").join(side);
        fs::create_dir_all(&to).unwrap();
        for name in traces {
            let from = format!("tests/fixtures/go1.25.5/{name}.trace");
            fs::copy(from, to.join(name)).unwrap();
        }
    }
    fs::create_dir(dir.path().join(".gotracer")).unwrap();
    let call = |command: &str| {
        let args = command.split_whitespace().skip(1);
        gotracer()
            .args(args)
            .current_dir(dir.path())
            .output()
            .unwrap()
    };
    let baseline = "gotracer analyze --write-baseline .gotracer/known.json traces/base";
    assert!(text.contains(&baseline.replace("/base", "/")));
    assert_exit(&call(baseline), 0);
    for workflow in workflows {
        let gates: Vec<_> = workflow
            .lines()
            .filter_map(|line| Some(&line[line.find("gotracer ")?..]))
            .filter(|c| c.starts_with("gotracer analyze") || c.starts_with("gotracer diff"))
            .collect();
        assert_eq!(gates.len(), 2, "{workflow}");
        for gate in gates {
            assert_exit(&call(gate), 1);
            assert_exit(&call(&gate.replace("traces/branch", "traces/base")), 0);
        }
    }
}

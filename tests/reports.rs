//! The whole report of every fixture, as JSON. Rules and timeline are tested by what they must and must not find; this
//! shows every other change, down to a count or a place.

mod support;

use std::path::Path;

#[test]
fn the_report_of_every_fixture_is_as_before() {
    let root = support::tests_dir("fixtures");
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for (version, name, path) in support::fixtures() {
        let below = path.strip_prefix(&root).expect("a fixture");
        let output = support::gotracer()
            .args(["analyze", "--format", "json", "--fail-on", "never"])
            .arg(below)
            .current_dir(&root)
            .output()
            .expect("gotracer runs");
        assert!(output.status.success(), "{version} {name}");
        let report = String::from_utf8(output.stdout).expect("JSON");
        settings.set_snapshot_path(Path::new("snapshots/reports").join(format!("go{version}")));
        settings.bind(|| insta::assert_snapshot!(name.as_str(), report));
    }
}

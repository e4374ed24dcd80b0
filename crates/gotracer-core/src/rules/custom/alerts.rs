//! Prometheus alerts of custom rules, in the form of those that gotracer ships for its own.

use crate::rules::{Rule, Unit};

/// Returns a file of alerts for Prometheus. It needs the recording rules of `config/prometheus/recording.yml`.
pub fn alerts(rules: &[&Rule]) -> String {
    let mut file = String::from(
        "# Alerts of custom_rules, by `gotracer rules --format prometheus`. They need config/prometheus/recording.yml.\n\
         groups:\n  - name: gotracer.custom_rules\n    rules:\n",
    );
    for rule in rules {
        file += &alert(rule);
    }
    file
}

fn alert(rule: &Rule) -> String {
    let share = f64::from(rule.alert.percent) / 100.0;
    template(rule.unit)
        .replace("@name@", rule.name)
        .replace("@share@", &share.to_string())
        .replace("@hold@", rule.alert.hold)
        .replace("@repository@", env!("CARGO_PKG_REPOSITORY"))
        .replace("@about@", &text(rule.summary))
}

/// Returns the template of an alert. `cargo xtask generate` writes it with those of the built-in rules, so that all alerts
/// have the same form.
fn template(unit: Unit) -> &'static str {
    match unit {
        Unit::Share => include_str!("alerts/share.yml"),
        Unit::Rate => include_str!("alerts/rate.yml"),
        _ => include_str!("alerts/duration.yml"),
    }
}

/// Returns a text of the configuration as a line of a YAML block that is a template of Prometheus: on one line, without
/// control characters, and without actions.
fn text(text: &str) -> String {
    let printable = text.replace(char::is_control, " ");
    let words: Vec<_> = printable.split_whitespace().collect();
    words.join(" ").replace("{{", "{{ \"{{\" }}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_is_text_on_one_line() {
        let summary = "Orders: \"slow\"\n\tones\u{7} # of {{ .x }}";
        assert_eq!(
            text(summary),
            "Orders: \"slow\" ones # of {{ \"{{\" }} .x }}"
        );
    }
}

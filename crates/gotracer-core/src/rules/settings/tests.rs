use super::*;

#[test]
fn a_threshold_may_be_never() {
    let mut settings = Settings::default();
    let rule = Rule::find("MutexContention").unwrap();
    settings.set(rule, "error", "never").unwrap();
    settings.check().unwrap();
    assert_eq!(settings.get(rule, "error").as_deref(), Some("never"));
    assert!(
        settings.of(rule).thresholds.judge(u64::MAX - 1).unwrap().0 < crate::rules::Severity::Error
    );
    settings.set(rule, "warn", "never").unwrap();
    settings.set(rule, "error", "1s").unwrap();
    assert!(settings.check().is_err());
}

#[test]
fn what_is_set_can_be_got() {
    let batch = Settings::preset(Preset::Batch);
    let mut copy = Settings::default();
    for rule in RULES {
        for key in keys(rule) {
            let value = batch.get(rule, key).unwrap();
            copy.set(rule, key, &value).unwrap();
        }
    }
    for rule in RULES {
        for key in keys(rule) {
            assert_eq!(
                copy.get(rule, key),
                batch.get(rule, key),
                "{} {key}",
                rule.name
            );
        }
    }
}

#[test]
fn every_rule_s_own_settings_have_a_value() {
    for rule in RULES {
        assert!(rule.settings.len() <= MAX_SETTINGS, "{}", rule.name);
    }
}

#[test]
fn a_preset_turns_a_rule_off_unless_it_is_turned_on_by_name() {
    let pressure = Rule::find("GCPressure").unwrap();
    let mut settings = Settings::preset(Preset::Batch);
    assert!(!settings.of(pressure).enabled);
    settings.use_preset(Preset::Service);
    assert!(settings.of(pressure).enabled);
    settings.use_preset(Preset::Batch);
    settings.set(pressure, "enabled", "true").unwrap();
    assert!(settings.of(pressure).enabled);
    settings.set(pressure, "enabled", "false").unwrap();
    settings.use_preset(Preset::LowLatency);
    assert!(!settings.of(pressure).enabled);
}

#[test]
fn presets_are_consistent() {
    for preset in Preset::ALL {
        assert_eq!(Settings::preset(preset).check(), Ok(()));
        assert_eq!(Preset::from_name(preset.name()), Some(preset));
    }
}

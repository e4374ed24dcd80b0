// Monitoring mixin of gotracer: dashboards, alerts and recording rules with a selector of your own.
//
//   local gotracer = (import 'github.com/gotracer/gotracer/mixin/mixin.libsonnet') + {
//     _config+:: { selector: 'env="prod"' },
//   };
//
// alerts.yml and recording.yml beside this file are generated from the same templates as config/prometheus.
{
  _config+:: {
    // Matchers that every query selects series by, such as 'env="prod"'.
    selector: '',
    // Where the runbooks are; the page of an alert is its name and .md.
    runbookUrl: 'https://github.com/gotracer/gotracer/blob/main/docs/runbooks',
    // Labels of all alerts, such as { team: 'core' }.
    alertLabels: {},
    // Tags of all dashboards.
    dashboardTags: ['gotracer', 'go'],
  },

  local config = self._config,
  local matchers = if config.selector == '' then '' else config.selector + ',',
  local escaped = std.strReplace(matchers, '"', '\\"'),

  local groups(text) =
    std.parseYaml(std.strReplace(std.strReplace(text, '@SELECTOR@', matchers), '@ESCAPED@', escaped)),

  local withOptions(rule) =
    if std.objectHas(rule, 'alert') then
      rule {
        labels+: config.alertLabels,
        annotations+: { runbook_url: '%s/%s.md' % [config.runbookUrl, rule.alert] },
      }
    else rule,

  local dashboard(text) =
    // The selectors of all panels, in JSON.
    local marked = std.foldl(
      function(text, mark) std.strReplace(text, mark, escaped + mark),
      ['cluster=~\\"$cluster', 'instance=~\\"$exporter'],
      text
    );
    std.parseJson(marked) { tags: config.dashboardTags },

  prometheusRules+:: groups(importstr 'recording.yml'),

  prometheusAlerts+:: {
    groups: [
      group { rules: std.map(withOptions, group.rules) }
      for group in groups(importstr 'alerts.yml').groups
    ],
  },

  grafanaDashboards+:: {
    'gotracer-overview.json': dashboard(importstr '../dashboards/overview.json'),
    'gotracer-service.json': dashboard(importstr '../dashboards/service.json'),
    'gotracer-releases.json': dashboard(importstr '../dashboards/releases.json'),
    'gotracer-exporter.json': dashboard(importstr '../dashboards/exporter.json'),
  },
}

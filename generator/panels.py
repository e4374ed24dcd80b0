"""Grafana's JSON of panels, variables and dashboards."""

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}

# Programs are captured about once a minute, so a window has at least two minutes.
MIN_INTERVAL = "2m"

RED, ORANGE, YELLOW, GREEN, BLUE = "red", "orange", "yellow", "green", "blue"
SEVERITY_COLOURS = {"error": RED, "warn": ORANGE, "info": BLUE}

# The labels of the variables; all but job and instance may be missing.
TARGET = 'cluster=~"$cluster", namespace=~"$namespace", job=~"$job", service=~"$service", version=~"$version", instance=~"$instance"'


def query(expr, legend="", **more):
    """A query over the time range of the dashboard."""
    exemplar = {"exemplar": True} if "gotrace_findings_total" in expr else {}
    return {"expr": expr, "legendFormat": legend, "range": True, "instant": False, **exemplar, **more}


def instant(expr, legend="", **more):
    """A query for the end of the time range."""
    return {"expr": expr, "legendFormat": legend, "range": False, "instant": True, **more}


def column(expr):
    """A query that is a column of a table."""
    return instant(expr, format="table")


def steps(warn=None, error=None, base=GREEN):
    """Thresholds: values from `warn` are orange, from `error` red."""
    found = [{"color": base, "value": None}]
    found += [{"color": ORANGE, "value": warn}] if warn is not None else []
    found += [{"color": RED, "value": error}] if error is not None else []
    return {"mode": "absolute", "steps": found}


def override(name, **properties):
    """Overrides for the field or series with this name."""
    return by("byName", name, properties)


def by(matcher, options, properties):
    properties = [{"id": k.replace("__", "."), "value": v} for k, v in properties.items()]
    return {"matcher": {"id": matcher, "options": options}, "properties": properties}


def matching(expression, **properties):
    """Overrides for series whose names match."""
    return by("byRegexp", f"/{expression}/", properties)


def coloured(colours):
    """Series of fixed colors, by name."""
    return [override(name, color={"mode": "fixed", "fixedColor": c}) for name, c in colours.items()]


def panel(kind, title, description, targets, size, defaults, options, overrides=(), **more):
    refs = "ABCDEFGHIJKL"
    targets = [{"refId": refs[i], "datasource": DATASOURCE, **t} for i, t in enumerate(targets)]
    return {
        "type": kind,
        "title": title,
        "description": description,
        "datasource": DATASOURCE,
        "gridPos": {"w": size[0], "h": size[1], "x": 0, "y": 0},
        "interval": MIN_INTERVAL,
        "targets": targets,
        "fieldConfig": {"defaults": defaults, "overrides": list(overrides)},
        "options": options,
        **more,
    }


def lines(title, description, targets, unit, size=(8, 8), thresholds=None, log=False, bars=False,
          stacked=False, overrides=(), links=(), legend="list", calcs=(), most=None):
    """Values over time."""
    custom = {
        "drawStyle": "bars" if bars else "line",
        "lineInterpolation": "linear",
        "lineWidth": 1,
        "fillOpacity": 60 if bars else 10 if stacked else 0,
        "showPoints": "never" if bars else "auto",
        "pointSize": 4,
        # Lines continue across intervals without traces.
        "spanNulls": not bars,
        "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
        "scaleDistribution": {"type": "log", "log": 2} if log else {"type": "linear"},
        "axisPlacement": "auto",
        "thresholdsStyle": {"mode": "dashed" if thresholds else "off"},
    }
    defaults = {
        "unit": unit,
        "color": {"mode": "palette-classic"},
        "thresholds": thresholds or steps(),
        "custom": custom,
        "links": list(links),
    }
    if not log:
        defaults["min"] = 0
    if most is not None:
        defaults["max"] = most
    options = {
        "legend": {"displayMode": legend, "placement": "bottom", "showLegend": True, "calcs": list(calcs)},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    return panel("timeseries", title, description, targets, size, defaults, options, overrides)


def heatmap(title, description, expr, unit, size=(8, 8)):
    """Histogram over time. The query must keep `le`."""
    options = {
        "calculate": False,
        "cellGap": 1,
        "color": {"mode": "scheme", "scheme": "Oranges", "fill": "dark-orange", "scale": "exponential",
                  "exponent": 0.4, "steps": 64, "reverse": False},
        "exemplars": {"color": "rgba(255,0,255,0.7)"},
        "filterValues": {"le": 1e-9},
        "legend": {"show": False},
        "rowsFrame": {"layout": "auto"},
        "showValue": "never",
        "tooltip": {"mode": "single", "yHistogram": True, "showColorScale": False},
        "yAxis": {"axisPlacement": "left", "unit": unit},
    }
    defaults = {"custom": {"hideFrom": {"legend": False, "tooltip": False, "viz": False},
                           "scaleDistribution": {"type": "linear"}}}
    target = query(expr, "{{le}}", format="heatmap")
    return panel("heatmap", title, description, [target], size, defaults, options)


def stat(title, description, target, unit="short", size=(4, 4), thresholds=None, decimals=None,
         links=(), mappings=(), text="auto", reduce="lastNotNull"):
    """One number."""
    defaults = {
        "unit": unit,
        "color": {"mode": "thresholds"},
        "thresholds": thresholds or steps(base="text"),
        "mappings": list(mappings),
        "links": list(links),
    }
    if decimals is not None:
        defaults["decimals"] = decimals
    options = {
        "colorMode": "value",
        "graphMode": "none",
        "justifyMode": "auto",
        "orientation": "auto",
        "percentChangeColorMode": "standard",
        "reduceOptions": {"calcs": [reduce], "fields": "", "values": False},
        "showPercentChange": False,
        "textMode": text,
        "wideLayout": True,
    }
    return panel("stat", title, description, [target], size, defaults, options)


def bars(title, description, target, unit="short", size=(8, 8), thresholds=None):
    """One bar per series, in the order of the query."""
    defaults = {"unit": unit, "min": 0, "decimals": 0, "color": {"mode": "thresholds"},
                "thresholds": thresholds or steps()}
    options = {
        "displayMode": "basic",
        "legend": {"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": False},
        "maxVizHeight": 300,
        "minVizHeight": 16,
        "minVizWidth": 8,
        "namePlacement": "left",
        "orientation": "horizontal",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "showUnfilled": True,
        "sizing": "auto",
        "valueMode": "color",
    }
    return panel("bargauge", title, description, [target], size, defaults, options)


def states(title, description, target, states, size=(24, 8), links=()):
    """Timeline of each series' state. `states` maps values to (text, color)."""
    mapping = {str(v): {"text": t, "color": c, "index": v} for v, (t, c) in states.items()}
    defaults = {
        "color": {"mode": "fixed", "fixedColor": "text"},
        "mappings": [{"type": "value", "options": mapping}],
        "custom": {"fillOpacity": 75, "lineWidth": 0},
        "links": list(links),
    }
    options = {
        "alignValue": "left",
        "legend": {"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": True},
        "mergeValues": True,
        "rowHeight": 0.9,
        "showValue": "never",
        "tooltip": {"mode": "single", "sort": "none"},
    }
    return panel("state-timeline", title, description, [target], size, defaults, options)


def table(title, description, columns, labels, size=(24, 8), sort=None, links=None):
    """A row per set of `labels`. Every query must keep exactly these labels. `columns` are (title, query, unit, thresholds)."""
    refs = "ABCDEFGHIJKL"
    names = {f"Value #{refs[i]}": c[0] for i, c in enumerate(columns)}
    order = list(labels) + list(names)
    overrides = []
    for name, _, unit, thresholds in columns:
        properties = {"unit": unit, "decimals": 0} if unit == "short" else {"unit": unit}
        if thresholds:
            properties["thresholds"] = thresholds
            properties["custom__cellOptions"] = {"type": "color-text"}
        overrides.append(override(name, **properties))
    for label, link in (links or {}).items():
        overrides.append(override(label, links=[link]))
    options = {"showHeader": True, "cellHeight": "sm", "frameIndex": 0,
               "sortBy": [{"displayName": sort, "desc": True}] if sort else []}
    defaults = {
        "custom": {"align": "auto", "cellOptions": {"type": "auto"}, "filterable": True, "inspect": False},
        "thresholds": steps(base="text"),
        "noValue": "–",
    }
    transformations = [
        {"id": "merge", "options": {}},
        {"id": "organize", "options": {
            "excludeByName": {"Time": True},
            "includeByName": {},
            "indexByName": {name: i for i, name in enumerate(order)},
            "renameByName": names,
        }},
    ]
    targets = [column(expr) for _, expr, _, _ in columns]
    return panel("table", title, description, targets, size, defaults, options, overrides,
                 transformations=transformations)


def row(title):
    """Heading of the following panels."""
    return {"type": "row", "title": title, "collapsed": False, "panels": [],
            "gridPos": {"w": 24, "h": 1, "x": 0, "y": 0}}


def link(title, url, new_tab=False):
    """A link from a value."""
    return {"title": title, "url": url, "targetBlank": new_tab}


def to_service(version=True):
    """Link from a row of a table to the dashboard of its service."""
    version = "&var-version=${__data.fields.version}" if version else ""
    return link("This service", "/d/gotracer-service?${datasource:queryparam}&var-namespace=${__data.fields.namespace}"
                "&var-job=${__data.fields.job}"
                "&var-service=${__data.fields.service}" + version + "&${__url_time_range}")


def service_links():
    """Links from a series with the labels job and service."""
    service = link("This service", "/d/gotracer-service?${datasource:queryparam}&var-job=${__field.labels.job}"
                   "&var-service=${__field.labels.service}&${__url_time_range}")
    return [service, REPORTS]


REPORTS = link("Reports of the last traces", "${gotracer}/#traces", new_tab=True)


def choice(name, label, of, description, multi=True, sort=1):
    """Variable with the values of a label."""
    variable = {
        "type": "query",
        "name": name,
        "label": label,
        "description": description,
        "datasource": DATASOURCE,
        "query": {"query": of, "refId": name, "qryType": 1},
        "refresh": 2,
        "sort": sort,
        "multi": multi,
        "includeAll": multi,
        "regex": "",
        "options": [],
    }
    if multi:
        # Also matches series without the label.
        variable["allValue"] = ".*"
        variable["current"] = {"text": ["All"], "value": ["$__all"]}
    return variable


def source():
    return {"type": "datasource", "name": "datasource", "label": "Data source", "query": "prometheus",
            "description": "The Prometheus that scrapes gotracer.", "refresh": 1, "regex": "",
            "includeAll": False, "multi": False, "options": []}


def daemon():
    return choice("gotracer", "gotracer", "label_values(gotracer_external_url_info, url)",
                  "The gotracer whose reports links open, by its --web.external-url.", multi=False)


def targets(of="gotrace_observed_seconds_total", version=None):
    """Variables that select programs. Each offers the values that match the previous ones."""
    said = []

    def narrowed(label):
        inside = "{" + ", ".join(said) + "}" if said else ""
        said.append(f'{label}=~"${label}"')
        return f"label_values({of}{inside}, {label})"

    return [
        choice("cluster", "Cluster", narrowed("cluster"), "The label cluster, if there is one."),
        choice("namespace", "Namespace", narrowed("namespace"), "The label namespace, if there is one."),
        choice("job", "Job", narrowed("job"), "The job in gotracer's scrape_configs."),
        choice("service", "Service", narrowed("service"), "The label service, if there is one."),
        *(version or [choice("version", "Version", narrowed("version"), "The label version, if there is one.", sort=8)]),
        choice("instance", "Instance", narrowed("instance"), "The program."),
    ]


def firing(alerts):
    """Query of firing alerts: those of these names, and those of custom rules, whose names the configuration defines."""
    chosen = 'cluster=~"$cluster|", namespace=~"$namespace|", service=~"$service|", alertstate="firing"'
    return f'ALERTS{{{chosen}, alertname=~"{"|".join(alerts)}"}} or ALERTS{{{chosen}, custom_rule="true"}}'


def annotations(alerts):
    """Annotations of every dashboard: alerts of gotracer, and first captures of releases."""
    return [
        {"name": "Alerts", "datasource": DATASOURCE, "enable": True, "iconColor": RED,
         "expr": firing(alerts),
         "titleFormat": "{{alertname}}", "textFormat": "{{service}} {{instance}} {{rule}}", "step": "60s"},
        {"name": "Releases", "datasource": DATASOURCE, "enable": True, "iconColor": BLUE,
         "expr": 'gotrace_release_first_seen_timestamp_seconds{service=~"$service|"} * 1000', "useValueForTime": True,
         "titleFormat": "{{service}} {{version}}", "textFormat": "First capture of this version", "step": "60s"},
    ]


def dashboard(uid, title, description, variables, panels, alerts):
    """Dashboard with its panels laid out in rows, from left to right."""
    x = y = height = 0
    for number, each in enumerate(panels, 1):
        each["id"] = number
        place = each["gridPos"]
        if x + place["w"] > 24:
            x, y, height = 0, y + height, 0
        place["x"], place["y"] = x, y
        x, height = x + place["w"], max(height, place["h"])
    return {
        "uid": uid,
        "title": title,
        "description": description,
        "tags": ["gotracer", "go"],
        "schemaVersion": 42,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "1m",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "",
        "annotations": {"list": annotations(alerts)},
        "templating": {"list": [source(), *variables, daemon()]},
        "links": [
            {"type": "dashboards", "title": "gotracer", "tags": ["gotracer"], "asDropdown": False, "icon": "",
             "includeVars": True, "keepTime": True, "targetBlank": False, "tooltip": ""},
            {"type": "link", "title": "Reports", "url": "${gotracer}/#traces", "tags": [], "asDropdown": False,
             "icon": "external link", "includeVars": False, "keepTime": False, "targetBlank": True,
             "tooltip": "Findings of the last traces, with stacks, causes and fixes."},
        ],
        "panels": panels,
    }

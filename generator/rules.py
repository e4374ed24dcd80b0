"""The registry of rules, as printed by `gotracer rules --format json`, and queries of their histograms."""

from panels import TARGET, steps

# Grafana's unit, its scale, and the suffix of metrics, by unit.
UNITS = {"ns": ("s", 1e-9, "_seconds"), "bytes": ("bytes", 1, "_bytes"), "goroutines": ("short", 1, "")}
PRESET = "service"


class Rule:
    """A rule of the registry."""

    def __init__(self, entry):
        self.name = entry["rule"]
        self.brief = entry["brief"]
        self.summary = entry["summary"]
        self.why = entry["why"]
        self.advice = entry["advice"]
        self.keys = entry["keys"]
        self.settings = entry["settings"]
        self.alert = entry["alert"]
        self.panel = entry["panel"]
        self.unit = entry["unit"]
        self.grafana_unit, scale, suffix = UNITS[self.unit]
        self.percent_of = entry["percent_of"]
        self.limits = next(t for t in entry["thresholds"] if t["preset"] == PRESET)
        values = (self.limits[s]["value"] for s in ("warn", "error"))
        self.warn, self.error = (None if v is None else round(v * scale, 9) for v in values)
        metric = entry["metric"]
        self.metric = metric["name"] + suffix
        by_reason = metric["by_reason"]
        self.by_reason = by_reason and by_reason["name"] + suffix

    def steps(self):
        """The thresholds of the default preset."""
        return steps(self.warn, self.error)

    def quantile(self, q, by="", where=TARGET, over="$__rate_interval"):
        """Quantile of the measurements per set of the labels `by`."""
        return quantile(self.metric, q, by, where, over)

    def worst(self, by="", where=TARGET, over="$__rate_interval"):
        """The upper bound of the bucket with the greatest value."""
        return self.quantile(1, by, where, over)

    def per_second(self, by="", where=TARGET, over="$__rate_interval"):
        """Sum of the measurements per observed second."""
        return by_observed(f"{self.metric}_sum", by, where, over)


def quantile(metric, q, by="", where=TARGET, over="$__rate_interval"):
    """Quantile per set of the labels `by`, of native or classic histograms. If a set has both, it is the greater of
    the two: the quantile of all values lies between them. A target with both counts as native."""
    native = f"rate({metric}{{{where}}}[{over}])"
    of_le = ", ".join(filter(None, [by, "le"]))
    classic = f"sum by ({of_le}) (rate({metric}_bucket{{{where}}}[{over}]) unless ignoring (le) {native})"
    of_native = f'label_replace(histogram_quantile({q}, sum by ({by}) ({native})), "le", "native", "", "")'
    return f"max by ({by}) ({of_native} or histogram_quantile({q}, {classic}))"


def rate(metric, where, over):
    """Rate of a counter, or of the sum of a native or classic histogram. The choice is per series, so a fleet may mix them."""
    if not metric.endswith("_sum"):
        return f"rate({metric}{{{where}}}[{over}])"
    native = f"histogram_sum(rate({metric.removesuffix('_sum')}{{{where}}}[{over}]))"
    return f"({native} or rate({metric}{{{where}}}[{over}]))"


def by_observed(metric, by="", where=TARGET, over="$__rate_interval", only=""):
    """Increase of a counter, or `only` of some series, per observed second, because traces are samples of time."""
    by = f"by ({by}) " if by else ""
    observed = f"sum {by}(rate(gotrace_observed_seconds_total{{{where}}}[{over}]))"
    return f"sum {by}({rate(metric, where + only, over)}) / ({observed} > 0)"


def by_own(label, metric, where=TARGET, over="$__rate_interval", only=""):
    """Increase, or `only` of some series, per observed second for each value of `label`, such as reason."""
    observed = f"sum(rate(gotrace_observed_seconds_total{{{where}}}[{over}]))"
    return f"sum by ({label}) ({rate(metric, where + only, over)}) / on () group_left () ({observed} > 0)"


def buckets(metric, where=TARGET, over="$__rate_interval"):
    """Native histogram, or the buckets of a classic one, for a heat map."""
    native = f"sum(increase({metric}{{{where}}}[{over}]))"
    return f"{native} or (sum by (le) (increase({metric}_bucket{{{where}}}[{over}])) unless on () {native})"


def gained(by="", where=TARGET, over="$__rate_interval"):
    """Net gain of goroutines per observed second."""
    by = f"by ({by}) " if by else ""
    parts = [
        f"sum {by}(rate({m}{{{where}}}[{over}]))"
        for m in ("gotrace_goroutine_creations_total", "gotrace_goroutine_exits_total",
                  "gotrace_observed_seconds_total")
    ]
    return f"({parts[0]} - {parts[1]}) / {parts[2]}"

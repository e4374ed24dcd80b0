"""What the dashboards know of gotracer's rules: the registry, as `gotracer rules
--format json` prints it, and under which names Prometheus has their signals."""

from panels import TARGET, steps

# The histogram of each rule, and what its sum by observed time is.
SIGNALS = {
    "GCPauseSpike": ("gotrace_gc_pause_seconds", "share of time stopped", "percentunit"),
    "HighSchedulingLatency": ("gotrace_sched_latency_seconds", "goroutines waiting for a processor", "short"),
    "MutexContention": ("gotrace_mutex_wait_seconds", "goroutines waiting for a lock", "short"),
    "BlockedOnSyscall": ("gotrace_syscall_seconds", "goroutines in system calls", "short"),
    "GoroutineLeakGrowth": ("gotrace_goroutine_growth", "goroutines gained each second", "short"),
    "HeapGrowthSpike": ("gotrace_heap_growth_bytes", "growth of the live heap each second", "Bps"),
    "ProcessorStarvation": ("gotrace_processor_starvation_seconds", "processors idle beside work", "short"),
    "GCAssist": ("gotrace_mark_assist_seconds", "goroutines working for the collector", "short"),
}
UNITS = {"ns": ("s", 1e-9), "bytes": ("bytes", 1), "goroutines": ("short", 1)}
PRESET = "service"


class Rule:
    """A rule of the registry, with its signal."""

    def __init__(self, said):
        self.name = said["rule"]
        self.summary = said["summary"]
        self.why = said["why"]
        self.advice = said["advice"]
        self.unit, scale = UNITS[said["unit"]]
        thresholds = next(t for t in said["thresholds"] if t["preset"] == PRESET)
        self.warn, self.error = (round(thresholds[s]["value"] * scale, 9) for s in ("warn", "error"))
        self.metric, self.sum_is, self.sum_unit = SIGNALS[self.name]

    def steps(self):
        """The thresholds of the default preset."""
        return steps(self.warn, self.error)

    def quantile(self, q, by="", where=TARGET, over="$__rate_interval"):
        """A quantile of the signal for each set of the labels `by`."""
        by = ", ".join(filter(None, [by, "le"]))
        return f"histogram_quantile({q}, sum by ({by}) (rate({self.metric}_bucket{{{where}}}[{over}])))"

    def worst(self, by="", where=TARGET, over="$__rate_interval"):
        """The upper bound of the bucket with the greatest value."""
        return self.quantile(1, by, where, over)

    def per_second(self, by="", where=TARGET, over="$__rate_interval"):
        """The signal's sum for each second that traces cover."""
        return by_observed(f"{self.metric}_sum", by, where, over)


def by_observed(metric, by="", where=TARGET, over="$__rate_interval", only=""):
    """A counter, or `only` some of it, for each second that traces cover, since
    traces sample time."""
    by = f"by ({by}) " if by else ""
    observed = f"sum {by}(rate(gotrace_observed_seconds_total{{{where}}}[{over}]))"
    return f"sum {by}(rate({metric}{{{where}{only}}}[{over}])) / ({observed} > 0)"


def by_reason(metric, where=TARGET, over="$__rate_interval"):
    """The same of a counter that has reasons, for each of them."""
    observed = f"sum(rate(gotrace_observed_seconds_total{{{where}}}[{over}]))"
    return f"sum by (reason) (rate({metric}{{{where}}}[{over}])) / on () group_left () {observed}"


def gained(by="", where=TARGET, over="$__rate_interval"):
    """Goroutines gained each second, net."""
    by = f"by ({by}) " if by else ""
    parts = [
        f"sum {by}(rate({m}{{{where}}}[{over}]))"
        for m in ("gotrace_goroutine_creations_total", "gotrace_goroutine_exits_total",
                  "gotrace_observed_seconds_total")
    ]
    return f"({parts[0]} - {parts[1]}) / {parts[2]}"

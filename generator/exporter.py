"""Dashboard Exporter: the health of gotracer itself."""

from panels import (RED, TARGET, choice, dashboard, heatmap, instant, lines, matching, query, row, stat, steps, table,
                    targets)
from rules import buckets

SELF = 'instance=~"$exporter"'


def exporter(_rules, alerts):
    rate = "sum by ({}) (rate({}{{{}}}[$__rate_interval]))".format
    panels = [
        stat("Version", "Versions of the running gotracers. Two versions: a roll-out is incomplete, or one instance was not updated.",
             instant(f"count by (version) (gotracer_build_info{{{SELF}}})", "{{version}}"), text="name"),
        stat("Configuration", "Failed: the changed file is invalid, and the previous configuration is still in use. A restart would "
             "fail. `gotracer check-config FILE` prints the error.",
             instant(f"min(gotracer_config_last_reload_successful{{{SELF}}})"),
             thresholds={"mode": "absolute", "steps": [{"color": "red", "value": None}, {"color": "green", "value": 1}]},
             mappings=[{"type": "value", "options": {"0": {"text": "failed", "index": 0}, "1": {"text": "good", "index": 1}}}]),
        stat("Targets", "Programs and directories that gotracer knows. Fewer than expected: look at the lists of targets below.",
             instant(f"count(gotracer_traces_total{{{TARGET}}})"), decimals=0),
        stat("Without a trace", "Targets without a trace or stream data in the last hour. The table below lists their failures.",
             instant(f"count(changes(gotrace_observed_seconds_total{{{TARGET}}}[1h]) == 0) or vector(0)"),
             thresholds=steps(warn=1)),
        stat("Queue", "Traces that wait for analysis. If it keeps growing, raise `--jobs` or `--memory.budget`, or capture less "
             "often.", instant(f"sum(gotracer_queue_length{{{SELF}}})"), thresholds=steps(10, 100)),
        stat("Lost", "Share of the traces' bytes without events in the selected time range. Traces are cut off when programs "
             "end or connections break.",
             instant(f"sum(increase(gotracer_trace_lost_bytes_total{{{TARGET}}}[$__range])) / "
                     f"sum(increase(gotracer_trace_bytes_total{{{TARGET}}}[$__range]))"), "percentunit",
             thresholds=steps(0.001, 0.01), decimals=2),
        row("Traces"),
        lines("Traces a minute", "Analyzed traces by job. Expect the number of targets divided by `scrape_interval` in minutes.",
              [query(f"60 * {rate('job', 'gotracer_traces_total', TARGET)}", "{{job}}")], "none", stacked=True),
        lines("Failures by reason", "Traces that could not be captured or read. docs/serve.md explains each reason.",
              [query(f"sum by (reason) (increase(gotracer_trace_failures_total{{{TARGET}}}[$__rate_interval])) > 0",
                     "{{reason}}")], "short", bars=True, stacked=True),
        lines("Time observed", "Share of time that traces cover, by program. Tracing costs a busy program a few percent of "
              "its CPU during that share.",
              [query(rate("instance", "gotrace_observed_seconds_total", TARGET), "{{instance}}")], "percentunit"),
        table(
            "Targets, most failures first",
            "Values for the selected time range. gotracer's own page (link at the top) has the last error of each target.",
            [
                ("Failures", f"sum by (job, instance) (increase(gotracer_trace_failures_total{{{TARGET}}}[$__range]))",
                 "short", steps(warn=0.5, base="text")),
                ("Traces", f"sum by (job, instance) (increase(gotracer_traces_total{{{TARGET}}}[$__range]))", "short", None),
                ("Last trace", f"time() - max by (job, instance) (gotracer_last_success_timestamp_seconds{{{TARGET}}})", "s",
                 steps(600, 3600, base="text")),
                ("Read", f"sum by (job, instance) (increase(gotracer_trace_bytes_total{{{TARGET}}}[$__range]))", "bytes", None),
                ("Lost", f"sum by (job, instance) (increase(gotracer_trace_lost_bytes_total{{{TARGET}}}[$__range]))", "bytes",
                 steps(warn=1, base="text")),
                ("Dropped series", f"sum by (job, instance) (increase(gotracer_dropped_series_total{{{TARGET}}}[$__range]))",
                 "short", steps(warn=0.5, base="text")),
            ],
            ["job", "instance"], (16, 8), "Failures"),
        heatmap("How long a trace takes", "From the start of the capture or file to the report. Time above "
                "`seconds` is the analysis.",
                buckets("gotracer_analysis_seconds"), "s"),
        row("Streams"),
        lines("Connected", "1 while a program's stream is connected. If it is 0 for longer than a roll-out, the table above has the "
              "failures.", [query(f"max by (job, instance) (gotracer_stream_connected{{{TARGET}}})", "{{job}} {{instance}}")],
              "none", most=1),
        lines("Gaps of streams", "Share of missing time by reason. lost: connections break; budget: the program sends "
              "more than `stream_budget`; renewed: the daemon reconnects, which should take almost no time.",
              [query(rate("reason", "gotracer_stream_gap_seconds_total", TARGET)
                     + f" / on () group_left () count(gotracer_stream_connected{{{TARGET}}})", "{{reason}}")], "percentunit",
              stacked=True),
        lines("Age of streams", "Age of the last generation when it was counted. More than a few seconds: the program is idle and "
              "fills its buffers slowly, or gotracer does not keep up.",
              [query(f"max by (job, instance) (gotracer_stream_delay_seconds{{{TARGET}}})", "{{job}} {{instance}}")], "s"),
        row("Work"),
        lines("Bytes read", "Decompressed bytes by job. Capture a program that writes more than 10 MB per second for "
              "fewer `seconds`.", [query(rate("job", "gotracer_trace_bytes_total", TARGET), "{{job}}")], "Bps"),
        lines("Events read", "Events by job. Capture programs with far more events than others for fewer "
              "`seconds`.", [query(rate("job", "gotracer_trace_events_total", TARGET), "{{job}}")], "cps"),
        lines("Queue", "Traces that wait for analysis. If the line does not return to 0, traces arrive faster than they are read.",
              [query(f"sum by (instance) (gotracer_queue_length{{{SELF}}})", "{{instance}}")], "short"),
        row("This process"),
        lines("CPU", "CPU of gotracer in cores. If it stays at its limit, traces wait: raise the limit, or capture less often.", [query(rate("instance", "process_cpu_seconds_total", SELF), "{{instance}}")],
              "none"),
        lines("Memory", "Resident memory, memory reserved for traces being read, and its budget. If reserved memory is at the "
              "budget, traces wait: raise the budget or capture fewer targets at once.",
              [query(f"sum by (instance) (process_resident_memory_bytes{{{SELF}}})", "{{instance}} resident"),
               query(f"sum by (instance) (gotracer_memory_reserved_bytes{{{SELF}}})", "{{instance}} reserved"),
               query(f"sum by (instance) (gotracer_memory_budget_bytes{{{SELF}}})", "{{instance}} budget")], "bytes", log=True),
        lines("Threads and files", "If either rises over days, gotracer has a leak; please report it as a bug.",
              [query(f"sum by (instance) (process_threads{{{SELF}}})", "{{instance}} threads"),
               query(f"sum by (instance) (process_open_fds{{{SELF}}})", "{{instance}} files")], "short"),
        row("Inputs and outputs"),
        lines("Lists of targets: age", "Time since each list was last read. Above its `refresh_interval`, gotracer does not know "
              "new targets.",
              [query("time() - max by (mechanism, config) (gotracer_sd_last_refresh_success_timestamp_seconds"
                     f"{{{SELF}}})", "{{config}} {{mechanism}}")], "s"),
        lines("Lists of targets: failures", "Failed refreshes by job and mechanism. gotracer's log has the errors.",
              [query(f"sum by (mechanism, config) (increase(gotracer_sd_refresh_failures_total{{{SELF}}}[$__rate_interval]))",
                     "{{config}} {{mechanism}}")], "short", bars=True),
        lines("OTLP", "Log records, metric points and spans per second that the receiver accepted, and dropped ones. Dropped: "
              "the queue is full, or the receiver refuses them; the log has the reason.",
              [query(rate("signal", "gotracer_otlp_sent_total", SELF), "{{signal}} sent"),
               query(rate("signal", "gotracer_otlp_dropped_total", SELF), "{{signal}} lost"),
               query(rate("signal", "gotracer_otlp_failures_total", SELF), "{{signal}} failed attempts")], "cps",
              overrides=[matching("lost", color={"mode": "fixed", "fixedColor": RED})]),
        lines("OTLP queue", "Bytes that wait for a receiver. At `--otlp.queue-size`, new items are dropped.",
              [query(f"sum by (signal) (gotracer_otlp_queue_bytes{{{SELF}}})", "{{signal}}")], "bytes"),
        lines("Evidence", "Kept traces per hour, lost ones, and failed uploads to "
              "a bucket. The log has the errors.",
              [query(f"3600 * {rate('instance', 'gotracer_evidence_kept_total', SELF)}", "{{instance}} kept"),
               query(f"3600 * {rate('reason', 'gotracer_evidence_lost_total', SELF)}", "{{reason}} lost"),
               query(f"3600 * {rate('instance', 'gotracer_evidence_upload_failures_total', SELF)}",
                     "{{instance}} failed attempts")], "none",
              overrides=[matching("lost", color={"mode": "fixed", "fixedColor": RED})]),
        lines("Evidence: size", "Kept bytes, at most `max_bytes`, and bytes that wait for a bucket. At "
              "`max_waiting_bytes`, the oldest traces are dropped.",
              [query(f"sum by (instance) (gotracer_evidence_bytes{{{SELF}}})", "{{instance}} kept"),
               query(f"sum by (instance) (gotracer_evidence_waiting_bytes{{{SELF}}})", "{{instance}} waits")], "bytes"),
        lines("Uptime", "A sawtooth is a process that is killed repeatedly: look for OOM.",
              [query(f"time() - max by (instance) (process_start_time_seconds{{{SELF}}})", "{{instance}}"),
               query(f"time() - max by (instance) (gotracer_config_last_reload_success_timestamp_seconds{{{SELF}}})",
                     "{{instance}} configuration")], "s"),
    ]
    own = choice("exporter", "gotracer instance", "label_values(gotracer_build_info, instance)",
                 "The gotracer instance that Prometheus scrapes.")
    return dashboard(
        "gotracer-exporter", "Go traces / Exporter",
        "Health of gotracer itself: captures, failures, backlog, and resources.",
        [*targets("gotracer_traces_total"), own], panels, alerts)

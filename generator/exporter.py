"""Is gotracer itself well?"""

from panels import (RED, TARGET, choice, dashboard, heatmap, instant, lines, matching, query, row, stat, steps, table,
                    targets)
from rules import buckets

SELF = 'instance=~"$exporter"'


def exporter(_rules, alerts):
    rate = "sum by ({}) (rate({}{{{}}}[$__rate_interval]))".format
    panels = [
        stat("Version", "Of gotracer. Two of them: a roll-out that is not over, or an instance that was forgotten.",
             instant(f"count by (version) (gotracer_build_info{{{SELF}}})", "{{version}}"), text="name"),
        stat("Configuration", "Failed: the file was changed and can't be used; the one from before is in force, and a restart "
             "would not come up. `gotracer check-config FILE` says where.",
             instant(f"min(gotracer_config_last_reload_successful{{{SELF}}})"),
             thresholds={"mode": "absolute", "steps": [{"color": "red", "value": None}, {"color": "green", "value": 1}]},
             mappings=[{"type": "value", "options": {"0": {"text": "failed", "index": 0}, "1": {"text": "good", "index": 1}}}]),
        stat("Targets", "Programs and directories that gotracer knows. Fewer than expected: look at the lists of targets below.",
             instant(f"count(gotracer_traces_total{{{TARGET}}})")),
        stat("Without a trace", "Targets of which the last hour has no trace, and nothing of a stream. Their failures stand in the table below.",
             instant(f"count(changes(gotrace_observed_seconds_total{{{TARGET}}}[1h]) == 0) or vector(0)"),
             thresholds=steps(warn=1)),
        stat("Queue", "Traces that wait to be analysed. More and more: more `--jobs` or `--memory.budget`, or capture less "
             "often.", instant(f"sum(gotracer_queue_length{{{SELF}}})"), thresholds=steps(10, 100)),
        stat("Lost", "Share of the traces' bytes that gave no events, in the time chosen. Traces break off where programs "
             "end or connections are cut.",
             instant(f"sum(increase(gotracer_trace_lost_bytes_total{{{TARGET}}}[$__range])) / "
                     f"sum(increase(gotracer_trace_bytes_total{{{TARGET}}}[$__range]))"), "percentunit",
             thresholds=steps(0.001, 0.01), decimals=2),
        row("Traces"),
        lines("Traces a minute", "Analysed, by job. It should be as many as targets divided by `scrape_interval` in minutes.",
              [query(f"60 * {rate('job', 'gotracer_traces_total', TARGET)}", "{{job}}")], "none", stacked=True),
        lines("Failures by reason", "Traces that could not be had or read. docs/serve.md says of each reason what it means.",
              [query(f"sum by (reason) (increase(gotracer_trace_failures_total{{{TARGET}}}[$__rate_interval])) > 0",
                     "{{reason}}")], "short", bars=True, stacked=True),
        lines("Time observed", "Seconds of traces for each second, by program. Tracing costs a busy program a few percent of "
              "its CPU for that share of time.",
              [query(rate("instance", "gotrace_observed_seconds_total", TARGET), "{{instance}}")], "percentunit"),
        table(
            "Targets, those that fail first",
            "Numbers for the time chosen. Click on gotracer's address above for the last error of each in full.",
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
        heatmap("How long a trace takes", "From its start, for a captured one with the capture, to its report. Times above "
                "`seconds` are the analysis.",
                buckets("gotracer_analysis_seconds"), "s"),
        row("Streams"),
        lines("Connected", "By program: 1 while its stream comes in. 0 for longer than a roll-out takes: the table above has its "
              "failures.", [query(f"max by (job, instance) (gotracer_stream_connected{{{TARGET}}})", "{{job}} {{instance}}")],
              "none", most=1),
        lines("Gaps of streams", "Share of time that is missing, by reason. lost: connections break off; budget: the program sends "
              "more than `stream_budget`; renewed should be next to nothing.",
              [query(rate("reason", "gotracer_stream_gap_seconds_total", TARGET)
                     + f" / on () group_left () count(gotracer_stream_connected{{{TARGET}}})", "{{reason}}")], "percentunit",
              stacked=True),
        lines("Age of streams", "How old the last second was when it was counted. More than a few seconds: the program is idle and "
              "fills its buffers slowly, or gotracer does not keep up.",
              [query(f"max by (job, instance) (gotracer_stream_delay_seconds{{{TARGET}}})", "{{job}} {{instance}}")], "s"),
        row("Work"),
        lines("Bytes read", "After decompression. A program that writes more than 10 MB a second is better captured for "
              "fewer `seconds`.", [query(rate("job", "gotracer_trace_bytes_total", TARGET), "{{job}}")], "Bps"),
        lines("Events read", "From traces. Far more from one program than from others: it is the one to capture for fewer "
              "`seconds`.", [query(rate("job", "gotracer_trace_events_total", TARGET), "{{job}}")], "cps"),
        lines("Queue", "Traces that wait. Where it does not come back to 0, they come faster than they are read.",
              [query(f"sum by (instance) (gotracer_queue_length{{{SELF}}})", "{{instance}}")], "short"),
        row("This process"),
        lines("CPU", "Of gotracer, in cores. Steadily at its limit: traces wait; give it more, or capture less often.", [query(rate("instance", "process_cpu_seconds_total", SELF), "{{instance}}")],
              "none"),
        lines("Memory", "What is in RAM, what the traces being read are expected to take, and what they may. Reserved at the "
              "budget: traces wait, give it more or capture less at once.",
              [query(f"sum by (instance) (process_resident_memory_bytes{{{SELF}}})", "{{instance}} resident"),
               query(f"sum by (instance) (gotracer_memory_reserved_bytes{{{SELF}}})", "{{instance}} reserved"),
               query(f"sum by (instance) (gotracer_memory_budget_bytes{{{SELF}}})", "{{instance}} budget")], "bytes", log=True),
        lines("Threads and files", "Ones that only rise are a leak of gotracer; please report it.",
              [query(f"sum by (instance) (process_threads{{{SELF}}})", "{{instance}} threads"),
               query(f"sum by (instance) (process_open_fds{{{SELF}}})", "{{instance}} files")], "short"),
        row("What it needs and what it feeds"),
        lines("Lists of targets: age", "Since each was last read. Older than its `refresh_interval`: gotracer does not learn of "
              "new targets.",
              [query("time() - max by (mechanism, config) (gotracer_sd_last_refresh_success_timestamp_seconds"
                     f"{{{SELF}}})", "{{config}} {{mechanism}}")], "s"),
        lines("Lists of targets: failures", "Of each list, by job and mechanism. What failed and why stands in gotracer's log.",
              [query(f"sum by (mechanism, config) (increase(gotracer_sd_refresh_failures_total{{{SELF}}}[$__rate_interval]))",
                     "{{config}} {{mechanism}}")], "short", bars=True),
        lines("OTLP", "Log records, metric points and spans each second that a receiver took, and those that are lost. Lost "
              "ones: the queue is too small, or the receiver refuses them; the log says which.",
              [query(rate("signal", "gotracer_otlp_sent_total", SELF), "{{signal}} sent"),
               query(rate("signal", "gotracer_otlp_dropped_total", SELF), "{{signal}} lost"),
               query(rate("signal", "gotracer_otlp_failures_total", SELF), "{{signal}} failed attempts")], "cps",
              overrides=[matching("lost", color={"mode": "fixed", "fixedColor": RED})]),
        lines("OTLP queue", "What waits for a receiver. At `--otlp.queue-size`, what comes is lost.",
              [query(f"sum by (signal) (gotracer_otlp_queue_bytes{{{SELF}}})", "{{signal}}")], "bytes"),
        lines("Evidence", "Traces an hour that are kept, those that were to be and are not, and attempts to bring them to a "
              "bucket that failed. The log says why.",
              [query(f"3600 * {rate('instance', 'gotracer_evidence_kept_total', SELF)}", "{{instance}} kept"),
               query(f"3600 * {rate('reason', 'gotracer_evidence_lost_total', SELF)}", "{{reason}} lost"),
               query(f"3600 * {rate('instance', 'gotracer_evidence_upload_failures_total', SELF)}",
                     "{{instance}} failed attempts")], "none",
              overrides=[matching("lost", color={"mode": "fixed", "fixedColor": RED})]),
        lines("Evidence: size", "What is kept, which is at most `max_bytes`, and what waits for a bucket. At "
              "`max_waiting_bytes`, the oldest are given up.",
              [query(f"sum by (instance) (gotracer_evidence_bytes{{{SELF}}})", "{{instance}} kept"),
               query(f"sum by (instance) (gotracer_evidence_waiting_bytes{{{SELF}}})", "{{instance}} waits")], "bytes"),
        lines("Uptime", "A saw is a process that is killed again and again: look for OOM.",
              [query(f"time() - max by (instance) (process_start_time_seconds{{{SELF}}})", "{{instance}}"),
               query(f"time() - max by (instance) (gotracer_config_last_reload_success_timestamp_seconds{{{SELF}}})",
                     "{{instance}} configuration")], "s"),
    ]
    own = choice("exporter", "gotracer instance", "label_values(gotracer_build_info, instance)",
                 "gotracer as Prometheus scrapes it.")
    return dashboard(
        "gotracer-exporter", "Go traces / Exporter",
        "Is gotracer itself well: does it get its traces, does it read all of them, does it keep up, what does it take.",
        [*targets("gotracer_traces_total"), own], panels, alerts)

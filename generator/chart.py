"""The schema of the Helm chart's values below `config`: the keys of config/gotracer.yml, and the rules."""

import json

DEFINITIONS = {
    "duration": {"type": "string", "pattern": r"^([0-9.]+ ?(ns|us|µs|μs|ms|s|m)|never)$",
                 "description": "A duration, such as 2ms, or never"},
    "size": {"type": ["string", "integer"], "pattern": r"^([0-9.]+ ?(B|kB|MB|GB|KiB|MiB|GiB)?|never)$",
             "description": "A size, such as 64MiB, or never"},
    "count": {"type": ["string", "integer"], "pattern": r"^([0-9]+|never)$",
              "description": "A whole number, such as 100, or never"},
    "percentage": {"type": ["string", "number"], "pattern": r"^[0-9.]+ ?%?$", "description": "A percentage, such as 25%"},
}
CUSTOM = {"type": "object", "additionalProperties": False, "properties": {
    "enabled": {"type": "boolean"}, "warn": {"type": ["string", "number"]}, "error": {"type": ["string", "number"]}}}
UNITS = {"ns": "duration", "bytes": "size", "goroutines": "count"}


# Keys of config/gotracer.yml by section; a test compares them with the program. A key is a leaf, whose value the program
# checks, unless NESTED names its section; `[]` are lists of it.
ACCESS = ("basic_auth", "authorization", "http_headers", "tls_config", "follow_redirects", "proxy_url", "no_proxy",
          "proxy_from_environment", "proxy_connect_header")
SECTIONS = {
    "custom_rule": ("name", "on", "match", "value", "warn", "error", "summary", "advice"),
    "custom_match": ("type", "function", "stack", "reason"),
    "ignore": ("rule", "function", "stack", "service", "reason", "until"),
    "watch": ("directory", "labels", "patterns", "settle", "incomplete_after", "poll", "after", "retention_time",
              "retention_size"),
    "scrape": ("job_name", "mode", "stream_budget", "scrape_budget", "cpu_samples", "leak_profile", "scrape_interval", "scrape_timeout", "seconds", "body_size_limit",
               "scheme", "metrics_path", "path", "params", "method", "body", *ACCESS, "static_configs", "file_sd_configs",
               "http_sd_configs", "kubernetes_sd_configs", "relabel_configs"),
    "static_sd": ("targets", "labels"),
    "file_sd": ("files", "refresh_interval"),
    "http_sd": ("url", "refresh_interval", *ACCESS),
    "kubernetes_sd": ("role", "kubeconfig_file", "namespaces", "selectors"),
    "relabel": ("source_labels", "separator", "regex", "modulus", "target_label", "replacement", "action"),
    "basic_auth": ("username", "username_file", "password", "password_file"),
    "authorization": ("type", "credentials", "credentials_file"),
    "tls": ("ca", "ca_file", "cert", "cert_file", "key", "key_file", "server_name", "insecure_skip_verify",
            "min_version", "max_version"),
    "prometheus": ("enabled", "disabled_families", "series_limit", "series_soft_limit", "goroutine_places",
                   "goroutine_functions", "task_types", "regions", "created_series"),
    "otlp": ("enabled", "spans", "task_spans", "go_metrics"),
    "tasks": ("trace_id", "span_id"),
    "sharding": ("shard", "total_shards"),
    "uploads": ("max_size", "max_waiting", "per_minute", "labels"),
    "evidence": ("directory", "bucket", "max_waiting_bytes", "severity", "interval", "max_bytes", "max_target_bytes",
                 "max_age", "before", "after", "buffer", "anonymize"),
    "releases": ("enabled", "warmup", "min_captures", "min_observed", "min_change", "confidence", "current_for",
                 "max_services", "max_versions"),
    "profiles": ("enabled", "max_records", "max_bytes"),
}
NESTED = {
    "match": "custom_match",
    "static_configs": "static_sd[]", "file_sd_configs": "file_sd[]", "http_sd_configs": "http_sd[]",
    "kubernetes_sd_configs": "kubernetes_sd[]", "relabel_configs": "relabel[]", "basic_auth": "basic_auth",
    "authorization": "authorization", "tls_config": "tls",
}
REQUIRED = {"custom_rule": ["name", "on", "warn"], "watch": ["directory"], "scrape": ["job_name"]}
CONFIG = {
    "custom_rules": "custom_rule[]",
    "ignore": "ignore[]", "tasks": "tasks", "watch_configs": "watch[]", "scrape_configs": "scrape[]", "prometheus": "prometheus", "otlp": "otlp",
    "sharding": "sharding", "uploads": "uploads", "evidence": "evidence", "releases": "releases",
    "profiles": "profiles",
}


def reference(section):
    name = section.removesuffix("[]")
    one = {"$ref": f"#/definitions/config_{name}"}
    return {"type": "array", "items": one} if section != name else one


def section(name):
    properties = {key: reference(NESTED[key]) if key in NESTED else {} for key in SECTIONS[name]}
    required = {"required": REQUIRED[name]} if name in REQUIRED else {}
    return {"type": "object", "additionalProperties": False, **required, "properties": properties}


def keys(rule):
    flags = {"enabled", *(setting["key"] for setting in rule.settings)}

    def schema(key):
        if key in flags:
            return {"type": "boolean"}
        name = "percentage" if key.endswith("_percent") else UNITS[rule.unit]
        return {"$ref": f"#/definitions/{name}"}

    return {"type": "object", "additionalProperties": False, "properties": {key: schema(key) for key in rule.keys}}


def schema(text, rules):
    document = json.loads(text)
    document["definitions"] |= DEFINITIONS | {f"config_{name}": section(name) for name in SECTIONS}
    document["properties"]["config"]["properties"] |= {key: reference(of) for key, of in CONFIG.items()}
    document["definitions"]["rules"]["properties"] = {rule.name: keys(rule) for rule in rules}
    document["definitions"]["rules"]["additionalProperties"] = CUSTOM
    # Without custom rules, a name that is not built in is a mistake. With them, the program refuses it.
    document["definitions"]["built_in_rules"] = {
        "type": "object", "additionalProperties": False, "properties": {rule.name: {} for rule in rules}}
    built_in = {"rules": {"$ref": "#/definitions/built_in_rules"}}
    document["properties"]["config"] |= {
        "if": {"not": {"required": ["custom_rules"]}},
        "then": {"properties": built_in | {"services": {"additionalProperties": {"properties": built_in}}}}}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"

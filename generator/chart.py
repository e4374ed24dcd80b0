"""The rules in the schema of the Helm chart's values."""

import json

DEFINITIONS = {
    "duration": {"type": "string", "pattern": r"^[0-9.]+ ?(ns|us|µs|μs|ms|s|m)$", "description": "A duration, such as 2ms"},
    "size": {"type": ["string", "integer"], "pattern": r"^[0-9.]+ ?(B|kB|MB|GB|KiB|MiB|GiB)?$",
             "description": "A size, such as 64MiB"},
    "count": {"type": ["string", "integer"], "pattern": r"^[0-9]+$", "description": "A whole number, such as 100"},
    "percentage": {"type": ["string", "number"], "pattern": r"^[0-9.]+ ?%?$", "description": "A percentage, such as 25%"},
}
UNITS = {"ns": "duration", "bytes": "size", "goroutines": "count"}


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
    document["definitions"] |= DEFINITIONS
    document["definitions"]["rules"]["properties"] = {rule.name: keys(rule) for rule in rules}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"

"""Writes every file that is derived from the registry of rules, and the repository's address in all links:

    cargo xtask generate [DIR]

It reads the registry, as `gotracer rules --format json` prints it, from standard
input, and writes to the repository or to DIR. It needs Python 3.10 or newer."""

import json
import pathlib
import sys

import address
import alerts
import cases
import chart
import configuration
import documents
from exporter import exporter
from overview import overview
from releases import releases
from rules import Rule
from service import service

REPOSITORY = pathlib.Path(__file__).resolve().parents[1]


def files(rules):
    """Paths and contents of the generated files."""

    def kept(path):
        return (REPOSITORY / path).read_text(encoding="utf-8")

    # The chart has copies, because a package cannot contain links to files outside of it.
    for name in ("alerts.yml", "recording.yml"):
        text = alerts.filled(kept(f"generator/prometheus/{name}"), rules)
        yield f"config/prometheus/{name}", text
        yield f"helm/gotracer/files/rules/{name}", text
        yield f"mixin/{name}", alerts.selectable(text)
    for value in alerts.CUSTOM:
        yield f"crates/gotracer-core/src/rules/custom/alerts/{value}.yml", alerts.custom(value)
    yield "tests/bundle/alerts/rules.yml", cases.cases(rules)
    names = alerts.names(kept("generator/prometheus/alerts.yml"), rules)
    for make in (overview, service, releases, exporter):
        text = json.dumps(make(rules, names), indent=2, ensure_ascii=False) + "\n"
        yield f"dashboards/{make.__name__}.json", text
        yield f"helm/gotracer/files/dashboards/{make.__name__}.json", text
    for path, change in (
        ("config/gotracer.yml", configuration.configuration),
        ("helm/gotracer/values.schema.json", chart.schema),
        ("docs/runbooks/README.md", documents.runbooks),
        ("README.md", documents.readme),
    ):
        yield path, change(kept(path), rules)
    for rule in rules:
        path = f"docs/runbooks/{rule.name}.md"
        yield path, documents.runbook(kept(path) if (REPOSITORY / path).exists() else None, rule)


def main():
    directory = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else REPOSITORY
    rules = [Rule(entry) for entry in json.load(sys.stdin)["rules"]]
    for path, text in address.relinked(files(rules)).items():
        target = directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


main()

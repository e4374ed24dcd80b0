"""Writes the dashboards beside it, or into the folder that is named:

    gotracer rules --format json | python3 dashboards/generator [DIR]

Titles, advice and thresholds are those of the rules. Python 3.10 or newer, and
nothing else."""

import json
import pathlib
import sys

from exporter import exporter
from overview import overview
from releases import releases
from rules import Rule
from service import service

directory = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parents[1]
rules = [Rule(said) for said in json.load(sys.stdin)["rules"]]
for make in (overview, service, releases, exporter):
    text = json.dumps(make(rules), indent=2, ensure_ascii=False)
    (directory / f"{make.__name__}.json").write_text(text + "\n", encoding="utf-8")

"""What DuckDB reads from Parquet files, as JSON: query.py WHAT RESULTS."""

import datetime
import json
import pathlib
import re
import sys

import duckdb

what, results = sys.argv[1:]
FINDINGS = f"read_parquet('{results}/findings/*/*/*/*.parquet', hive_partitioning = true)"
MEASUREMENTS = f"read_parquet('{results}/measurements/*/*/*/*.parquet', hive_partitioning = true)"
METRICS = f"read_parquet('{results}/metrics/*/*/*/*.parquet', hive_partitioning = true)"
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def plain(value):
    """Times as microseconds."""
    if isinstance(value, datetime.datetime):
        return (value - EPOCH) // datetime.timedelta(microseconds=1)
    return value


def findings():
    rows = duckdb.sql(f"SELECT * EXCLUDE (labels, day) FROM {FINDINGS}")
    names = rows.columns
    return [dict(zip(names, map(plain, row))) for row in rows.fetchall()]


def measurements():
    rows = duckdb.sql(
        f"""SELECT rule, sum("count"), sum("sum"), sum(list_sum(list_transform(buckets, lambda b: b.count)))
            FROM {MEASUREMENTS} GROUP BY rule"""
    )
    return {rule: [int(n or 0) for n in sums] for rule, *sums in rows.fetchall()}


def metrics():
    rows = duckdb.sql(
        f"""SELECT source, series['state'], value FROM {METRICS} WHERE metric = 'gotrace_goroutine_seconds_total'"""
    )
    return [list(row) for row in rows.fetchall()]


def traces():
    rows = duckdb.sql(f"SELECT source, rule, count(*) AS n FROM {MEASUREMENTS} GROUP BY ALL")
    [(traces, most)] = duckdb.sql("SELECT count(DISTINCT source), max(n) FROM rows").fetchall()
    assert most == 1, "a row is there twice"
    return traces


def documented():
    text = (pathlib.Path(__file__).parents[2] / "docs/archive.md").read_text()
    queries = re.findall(r"```sql\n(.*?)```", text, re.S)
    return [len(duckdb.sql(q.replace("'results/", f"'{results}/")).fetchall()) for q in queries]


duckdb.sql("SET TimeZone = 'UTC'")
json.dump(globals()[what](), sys.stdout)

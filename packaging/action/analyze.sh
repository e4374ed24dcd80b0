#!/usr/bin/env bash
# The action's analysis: a report as Markdown, which is also the job's summary, and SARIF. Never fails itself: the verdict is
# an output, so that later steps can show the report first.
set -uo pipefail
folder=$RUNNER_TEMP/gotracer
mkdir -p "$folder"
sarif=$folder/gotracer.sarif report=$folder/report.md verdict=0
# Traces are patterns, which the shell may split and expand.
# shellcheck disable=SC2206
traces=($TRACES)

options=(--fail-on "$FAIL_ON" -o "$sarif" -o "$folder/findings.md")
[ -z "$BASELINE" ] || options+=(--baseline "$BASELINE")
gotracer analyze "${options[@]}" "${traces[@]}"
code=$?
[ "$code" -le "$verdict" ] || verdict=$code
echo "<!-- gotracer -->" >"$report"
cat "$folder/findings.md" >>"$report" 2>/dev/null || echo "gotracer could not read the traces." >>"$report"

if [ -n "$BASE" ]; then
  # shellcheck disable=SC2206
  base=($BASE)
  gotracer diff --base "${base[@]}" --new "${traces[@]}" --fail-on-regression "$FAIL_ON_REGRESSION" --fail-on-new error \
    --format markdown -o "$folder/diff.md"
  code=$?
  [ "$code" -le "$verdict" ] || verdict=$code
  { echo && cat "$folder/diff.md"; } >>"$report" 2>/dev/null
fi

cat "$report" >>"$GITHUB_STEP_SUMMARY"
{
  echo "verdict=$verdict"
  echo "report=$report"
  echo "sarif=$sarif"
} >>"$GITHUB_OUTPUT"

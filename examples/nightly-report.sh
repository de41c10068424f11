#!/bin/sh
# nightly-report: a report written by cron (see examples/crontab).
#
#   examples/nightly-report.sh PROJECT REPORT
#
# REPORT appears when it is complete and stays as it was otherwise. Off a terminal ts-render prints
# the answer and nothing else, so a failed run writes no half a report. What went wrong goes to
# standard error, which cron sends by mail.
set -eu

project=$1
report=$2
cd "$project"

trap 'rm -f "$report.new"' EXIT
status=0
{
	git log --since=yesterday --stat
	git status --short
} | ts-chat --timeout 600 --max-turns 20 'What happened in this project since yesterday?' |
	ts-render >"$report.new" || status=$?

case $status in
0) mv "$report.new" "$report" ;;
4) echo "nightly-report: the model cannot be reached, the report of yesterday stays" >&2 ;;
124) echo "nightly-report: no answer within ten minutes" >&2 ;;
*) echo "nightly-report: failed with $status" >&2 ;;
esac
exit "$status"

#!/bin/sh
# rollback.sh [--to STAGE] --reason R: take the rollout back at once, by one stage or to a named one.
set -eu
. "$(dirname "$0")/firmquote.sh"
stage='' reason=''
while [ $# -gt 1 ]; do
  case $1 in
    --to) stage=$2 ;;
    --reason) reason=$2 ;;
    *) die "$1: no such option" ;;
  esac
  shift 2
done
[ -n "$reason" ] || die "usage: rollback.sh [--to off|shadow|canary|priority] --reason WHY"
if [ -n "$stage" ]; then
  run firmquote rollout rollback --to "$stage" --reason "$reason"
  run firmquote wait "stage=$stage" --within 2s
else
  run firmquote rollout rollback --reason "$reason"
fi
say "the rollout is at stage $(field health.expansion_state)"

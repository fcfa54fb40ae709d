#!/bin/sh
# monitor-providers.sh [--every S] [--count N]: print the status again and again; N of 0 goes on for ever.
set -eu
. "$(dirname "$0")/firmquote.sh"
every=5 count=0
while [ $# -gt 1 ]; do
  case $1 in
    --every) every=$2 ;;
    --count) count=$2 ;;
    *) die "$1: no such option" ;;
  esac
  shift 2
done
shown=0
while [ "$count" -eq 0 ] || [ "$shown" -lt "$count" ]; do
  say "status"
  firmquote status || [ $? -eq 1 ] || die "no gateway answers"
  shown=$((shown + 1))
  [ "$shown" -eq "$count" ] || sleep "$every"
done

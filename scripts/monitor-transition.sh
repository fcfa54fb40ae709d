#!/bin/sh
# monitor-transition.sh --duration S: watch S seconds; exit 1 if a look finds a symbol that cannot be acted on.
set -eu
. "$(dirname "$0")/firmquote.sh"
[ "$#${1-}" = 2--duration ] || die "usage: monitor-transition.sh --duration SECONDS"
left=$2 looks=0 bad=0 before=''
while [ "$left" -gt 0 ]; do
  serving=$(field health.active_provider)
  looks=$((looks + 1))
  [ "$serving" = "$before" ] || say "$serving serves"
  before=$serving
  if ! firmquote wait usable --within 0.1s >/dev/null; then
    bad=$((bad + 1))
    say "a symbol has no usable quote:"
    firmquote quote
  fi
  sleep 1
  left=$((left - 1))
done
say "$looks looks, $bad with a symbol that could not be acted on"
[ "$bad" -eq 0 ]

#!/bin/sh
# emergency-failover.sh FROM TO: move the role now, and see that every symbol has a usable quote.
set -eu
. "$(dirname "$0")/firmquote.sh"
[ $# -eq 2 ] || die "usage: emergency-failover.sh FROM TO"
serving=$(field health.active_provider)
[ "$serving" = "$1" ] || say "note: $serving serves, not $1"
run firmquote activate "$2" --reason "emergency failover from $1"
run firmquote wait "active=$2" --within 10s
run firmquote wait usable --within 30s
say "$2 serves in place of $1"

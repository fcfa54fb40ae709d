#!/bin/sh
# test-provider-failover.sh [PROVIDER]: cut a simulated provider that serves; another one within 10 s, all back within 30 s.
set -eu
. "$(dirname "$0")/firmquote.sh"
provider=${1:-polygon}
run firmquote wait "up=$provider" --within 30s
run firmquote activate "$provider" --reason "test-provider-failover.sh"
trap 'firmquote lab fault "$provider" clear >/dev/null 2>&1 || true' EXIT
run firmquote lab fault "$provider" disconnect --for 4s
run firmquote wait "not-active=$provider" --within 10s
run firmquote wait usable --within 10s
run firmquote wait "up=$provider" --within 30s
run firmquote wait usable --within 30s
say "$provider was left at once, and could serve again; the role goes back to it by the rules of routing.election"

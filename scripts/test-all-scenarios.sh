#!/bin/sh
# test-all-scenarios.sh: every other script against the running demo, one after the other.
set -eu
. "$(dirname "$0")/firmquote.sh"
run "$here/integrate-multi-provider.sh"
run "$here/health-check.sh" --provider polygon
run "$here/test-kill-switches.sh"
run "$here/emergency-failover.sh" alphavantage polygon
run "$here/activate-provider.sh" --provider alphavantage --reason "test-all-scenarios.sh"
run "$here/monitor-transition.sh" --duration 3
run "$here/monitor-providers.sh" --every 1 --count 2
run "$here/test-provider-failover.sh"
run "$here/deploy-production.sh" --dry-run
run "$here/rollback.sh" --to shadow --reason "test-all-scenarios.sh"
say "all scenarios passed"

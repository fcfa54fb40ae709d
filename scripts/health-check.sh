#!/bin/sh
# health-check.sh --provider P: exit 0 when P is healthy, 1 when it is not.
set -eu
. "$(dirname "$0")/firmquote.sh"
[ "$#${1-}" = 2--provider ] || die "usage: health-check.sh --provider NAME"
run firmquote status --provider "$2"
say "$2 is healthy"

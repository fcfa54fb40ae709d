#!/bin/sh
# restore-state.sh FILE: put a backup in place of the state. The gateway must be stopped.
set -eu
. "$(dirname "$0")/firmquote.sh"
[ $# -eq 1 ] || die "usage: restore-state.sh FILE"
run firmquote state restore "$1"

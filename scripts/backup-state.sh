#!/bin/sh
# backup-state.sh [FILE]: copy the state while the gateway runs, whole and checked. Prints the file's name.
set -eu
. "$(dirname "$0")/firmquote.sh"
file=${1:-firmquote-state-$(date -u +%Y%m%dT%H%M%SZ).tar.gz}
firmquote state backup "$file" >&2 || die "the backup failed"
printf '%s\n' "$file"

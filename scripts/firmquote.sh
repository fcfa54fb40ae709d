# Sourced by the scripts beside it: where firmquote is, and how a step is told.
# shellcheck shell=sh
here=$(cd "$(dirname "$0")" && pwd)
command -v firmquote >/dev/null || PATH="$here/../.venv/bin:$PATH"
export PATH

say() {
  printf '%s  %s\n' "$(date -u +%H:%M:%S)" "$*"
}

die() {
  printf '%s  FAILED: %s\n' "$(date -u +%H:%M:%S)" "$*" >&2
  exit 1
}

# run COMMAND...: say what is done, do it, and stop if it fails.
run() {
  say "\$ $*"
  "$@" || die "$* (exit $?)"
}

field() {
  firmquote status --field "$1" || [ $? -eq 1 ] || die "no gateway answers; start one with: firmquote demo"
}

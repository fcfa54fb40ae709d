#!/bin/sh
# activate-provider.sh --provider P --reason R: let P serve, and see that it does.
set -eu
. "$(dirname "$0")/firmquote.sh"
provider='' reason=''
while [ $# -gt 1 ]; do
  case $1 in
    --provider) provider=$2 ;;
    --reason) reason=$2 ;;
    *) die "$1: no such option" ;;
  esac
  shift 2
done
[ "${provider:+p}${reason:+r}" = pr ] || die "usage: activate-provider.sh --provider NAME --reason WHY"
run firmquote activate "$provider" --reason "$reason"
run firmquote wait "active=$provider" --within 10s

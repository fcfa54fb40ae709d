#!/bin/sh
# integrate-multi-provider.sh [CONFIG]: is what runs here ready to fail over? With CONFIG, is that file fit to start?
set -eu
. "$(dirname "$0")/firmquote.sh"
if [ $# -gt 0 ]; then
  run firmquote check --config "$1"
  run firmquote doctor --config "$1"
fi
run firmquote status
healthy=0
for provider in $(field providers); do
  [ "$provider" = mock ] && continue
  if firmquote wait "healthy=$provider" --within 10s; then
    healthy=$((healthy + 1))
  fi
done
[ "$healthy" -ge 2 ] || die "$healthy live providers are healthy; a failover needs two"
run firmquote wait usable --within 30s
say "$healthy live providers are healthy, and every symbol can be acted on"

#!/bin/sh
# deploy-production.sh [--config FILE] [--watch S] [--force] [--dry-run]
# Preflight, backup, shadow, canary, watch; goes back to shadow by itself when the canary is sick.
set -eu
. "$(dirname "$0")/firmquote.sh"
config='' watch=60 force='' dry=''
while [ $# -gt 0 ]; do
  case $1 in
    --config) config=$2 && shift ;;
    --watch) watch=$2 && shift ;;
    --force) force=--force ;;
    --dry-run) dry=yes ;;
    *) die "usage: deploy-production.sh [--config FILE] [--watch SECONDS] [--force] [--dry-run]" ;;
  esac
  shift
done
reason="deploy-production.sh"

# step COMMAND...: what changes something; only told in a dry run.
step() {
  if [ -n "$dry" ]; then say "would run: $*"; else run "$@"; fi
}

back() {
  say "the canary is sick: $1"
  # The gateway may go back first: what counts is where it is afterwards.
  firmquote rollout rollback --to shadow --reason "$reason: $1" || true
  run firmquote wait stage=shadow --within 2s
  die "rolled back to shadow: $1"
}

say "1. preflight"
if [ -n "$config" ]; then
  run firmquote check --config "$config"
  run firmquote doctor --config "$config"
fi
run firmquote status
run firmquote wait usable --within 30s

say "2. backup"
step "$here/backup-state.sh"

say "3. shadow"
if [ "$(field health.expansion_state)" != shadow ]; then
  step firmquote rollout rollback --to shadow --reason "$reason begins"
  [ -n "$dry" ] || run firmquote wait stage=shadow --within 2s
fi

say "4. canary"
# shellcheck disable=SC2086 # an empty --force is no argument
step firmquote rollout promote --reason "$reason" $force
[ -z "$dry" ] || { say "dry run: nothing was changed"; exit 0; }

say "5. watch for $watch s"
wanted=$(field health.active_provider)
while [ "$watch" -gt 0 ]; do
  firmquote wait "up=$wanted" --within 0.1s >/dev/null || back "$wanted has failed"
  [ "$(field health.status)" != failed ] || back "no provider serves"
  [ "$(field health.expansion_state)" = canary ] || back "the gateway left the stage by itself"
  sleep 1
  watch=$((watch - 1))
done
say "the canary is well; the gates decide about the next stage: firmquote rollout"

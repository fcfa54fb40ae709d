#!/bin/sh
# test-kill-switches.sh: engage and release switches on the running gateway; degraded to mock within 2 s.
set -eu
. "$(dirname "$0")/firmquote.sh"
reason="test-kill-switches.sh"
release() {
  for name in force_mock decisions "symbol:$symbol"; do
    firmquote switch release "$name" --reason "$reason" >/dev/null 2>&1 || true
  done
}
symbol=$(field symbols | cut -d ' ' -f 1)
trap release EXIT
run firmquote switch engage force_mock --reason "$reason"
run firmquote wait grade=mock --within 2s
run firmquote switch release force_mock --reason "$reason"
run firmquote wait usable --within 30s
run firmquote switch engage "symbol:$symbol" --reason "$reason"
firmquote quote "$symbol" | grep -q 'switched off' || die "$symbol still has a live quote"
say "$symbol is switched off"
run firmquote switch release "symbol:$symbol" --reason "$reason"
run firmquote wait usable --within 30s
run firmquote switch engage decisions --reason "$reason"
run firmquote switch release decisions --reason "$reason"
say "every switch did what it says"

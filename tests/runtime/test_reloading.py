"""A configuration that is read again: as a whole or not at all."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random

import pytest

from firmquote.errors import ConfigError, RefusedError
from firmquote.model.safety import Caller
from firmquote.rollout import Stage
from firmquote.runtime import Gateway, SystemClock, load_config
from firmquote.runtime.keeper import read_audit
from firmquote.runtime.reloading import Reloading

ANN = Caller("ann", "test")
FILE = """
feeds:
  quotes:
    live_enabled: true
    shadow_mode: false
    provider_active: polygon
    live_symbols_allowlist: [IBM, SPY]
    canary_symbols: [IBM]
providers:
  polygon:
    api_key: {env: KEY}
rollout:
  start: full
serve:
  port: 0
"""


def reload(tmp_path: Path, change: Callable[[str], str], body: Callable[[Gateway, Reloading], Awaitable[None]]) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(FILE)
    gateway = Gateway(load_config(path), {"KEY": "k"}, SystemClock(), Random(1))

    async def main() -> None:
        with gateway.safety.keeping(tmp_path / "state"):
            path.write_text(change(FILE))
            await body(gateway, Reloading(gateway, path, {"KEY": "k"}))

    asyncio.run(main())


def test_what_can_change_at_run_time_is_taken_audited_and_told(tmp_path: Path) -> None:
    async def body(gateway: Gateway, reloading: Reloading) -> None:
        found = await reloading.reload(ANN)
        assert [(k.key, k.before, k.after) for k in found.changed] == [
            ("feeds.quotes.canary_symbols", '["IBM"]', '["SPY"]'),
            ("rollout.cool_off_s", "1800", "60.0"),
        ]
        assert (found.needs_restart, found.persisted) == ((), True)
        assert gateway.safety.stages.canary == {"SPY"}
        assert gateway.safety.promotion.rollout.policy.cool_off_s == 60
        records = [e.record for e in read_audit(tmp_path / "state", after=0, limit=9)]
        assert [(r.what, r.target, r.who) for r in records] == [
            ("configuration", "feeds.quotes.canary_symbols", "ann"),
            ("configuration", "rollout.cool_off_s", "ann"),
        ]
        assert (await reloading.reload(ANN)).changed == ()

    reload(
        tmp_path,
        lambda text: text.replace("[IBM]", "[SPY]").replace("start: full", "start: full\n  cool_off_s: 60"),
        body,
    )


def test_what_needs_a_restart_is_said_and_left_as_it_is(tmp_path: Path) -> None:
    async def body(gateway: Gateway, reloading: Reloading) -> None:
        found = await reloading.reload(ANN)
        assert found.needs_restart == ("feeds.quotes.live_symbols_allowlist", "serve.port")
        assert gateway.config.feeds.quotes.live_symbols_allowlist == ("IBM", "SPY")

    reload(tmp_path, lambda text: text.replace("[IBM, SPY]", "[IBM, SPY, AAPL]").replace("port: 0", "port: 1"), body)


def test_the_owner_lowers_the_ceiling_and_the_stage_follows_at_once(tmp_path: Path) -> None:
    async def body(gateway: Gateway, reloading: Reloading) -> None:
        stages = [gateway.safety.stages.stage]
        await reloading.reload(ANN)
        assert [*stages, gateway.safety.stages.stage] == [Stage.FULL, Stage.SHADOW]
        assert not gateway.safety.permit("IBM").may_open

    reload(tmp_path, lambda text: text.replace("shadow_mode: false", "shadow_mode: true"), body)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("rollout:", "rolout:"), "unknown key 'rolout'"),
        (("start: full", "start: fool"), "Invalid enum value 'fool'"),
        (("{env: KEY}", "{env: OTHER}"), "no key in the environment variable OTHER"),
        (("provider_active: polygon", "provider_active: polygone"), "no such provider is installed"),
    ],
)
def test_a_file_that_is_not_good_changes_nothing(tmp_path: Path, change: tuple[str, str], words: str) -> None:
    async def body(gateway: Gateway, reloading: Reloading) -> None:
        before = gateway.config
        with pytest.raises(ConfigError, match=words):
            await reloading.reload(ANN)
        assert gateway.config is before

    reload(tmp_path, lambda text: text.replace(*change).replace("[IBM]", "[SPY]"), body)


def test_without_a_file_there_is_nothing_to_reload(tmp_path: Path) -> None:
    async def body(gateway: Gateway, _: Reloading) -> None:
        with pytest.raises(RefusedError, match="no configuration file"):
            await Reloading(gateway, None, {}).reload(ANN)

    reload(tmp_path, lambda text: text, body)

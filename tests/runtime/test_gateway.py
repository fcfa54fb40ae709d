"""The gateway's own edges: where it listens, and who may give it orders."""

import asyncio
import stat
from pathlib import Path
from random import Random

import httpx
import pytest
from msgspec import structs
from tests.patience import PATIENCE_S

from firmquote.errors import ConfigError, UnknownSymbolError
from firmquote.model import Quote
from firmquote.runtime import KEY_NAME, Config, Gateway, SystemClock, demo_config, load_config
from firmquote.safety import Restrictions

DEMO = Path(__file__).parents[2] / "config" / "demo.yaml"


def offline(tmp_path: Path, **serve: object) -> Gateway:
    """Return a gateway with live data off: it needs no provider."""
    config = load_config(DEMO)
    quotes = structs.replace(config.feeds.quotes, live_enabled=False)
    section = structs.replace(config.serve, **{"port": 0, "state_dir": str(tmp_path), **serve})
    changed: Config = structs.replace(config, feeds=structs.replace(config.feeds, quotes=quotes), serve=section)
    return Gateway(changed, {}, SystemClock(), Random(1))


def live(tmp_path: Path) -> Gateway:
    """Return a gateway that shows firm quotes, without connecting to anybody."""
    config = demo_config({"polygon": {}}, port=0)
    quotes = structs.replace(config.feeds.quotes, provider_active="polygon", provider_warm=None)
    serve = structs.replace(config.serve, state_dir=str(tmp_path))
    changed = structs.replace(config, feeds=structs.replace(config.feeds, quotes=quotes), serve=serve)
    gateway = Gateway(changed, {KEY_NAME: "none"}, SystemClock(), Random(1))
    now_ns = gateway.clock.now_ns()
    for symbol in gateway.symbols:
        gateway.board.elect(symbol, "polygon")
        quote = Quote(symbol, "polygon", 99.99, 100.01, 90, 90, now_ns, now_ns, 1)
        gateway.board.apply(gateway.feeds["polygon"], [quote], now_ns)
    return gateway


def test_what_is_not_firm_is_told_of_and_all_else_is_counted_as_firm(tmp_path: Path) -> None:
    gateway = live(tmp_path)

    def not_firm() -> list[str]:
        found = [view.symbol for some in gateway.report.not_firm_in_parts() for view in some]
        assert found == [view.symbol for view in gateway.report.quotes() if view.grade != "firm"]
        counted = gateway.report.health().quality_metrics
        assert (counted["symbols"], counted["symbols_firm"]) == (
            len(gateway.symbols),
            len(gateway.symbols) - len(found),
        )
        return found

    assert not_firm() == []
    halted = gateway.symbols[0]
    gateway.board.entries[halted].halts["operator"] = "news"
    assert not_firm() == [halted]
    gateway.board.restrict(Restrictions(halts_off=True))
    assert not_firm() == sorted(gateway.symbols)


def test_the_operators_token_is_readable_by_its_owner_only_and_gone_afterwards(tmp_path: Path) -> None:
    async def main() -> None:
        gateway = offline(tmp_path / "state")
        async with asyncio.timeout(PATIENCE_S), gateway.serve() as url, httpx.AsyncClient(base_url=url) as client:
            (path,) = (tmp_path / "state").glob("*.token")
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            headers = {"Authorization": f"Bearer {path.read_text()}"}
            answer = await client.post("/v1/providers/mock/activate", json={"reason": "test"}, headers=headers)
            assert answer.status_code == 200
        assert list((tmp_path / "state").glob("*.token")) == []

    asyncio.run(main())


def test_an_address_that_others_can_reach_is_refused(tmp_path: Path) -> None:
    async def main() -> None:
        with pytest.raises(ConfigError, match="others than this machine can connect, and there is no token"):
            async with offline(tmp_path, host="0.0.0.0").serve():
                pass

    asyncio.run(main())


def test_with_live_data_off_only_the_mock_serves_and_nothing_is_tradable(tmp_path: Path) -> None:
    async def main() -> None:
        gateway = offline(tmp_path)
        running = asyncio.create_task(gateway.run())
        async with asyncio.timeout(PATIENCE_S):
            while gateway.report.not_ready() is not None or not gateway.report.decisions():
                await SystemClock().sleep_until(SystemClock.monotonic_ns() + 1_000_000)
        assert {view.grade for view in gateway.report.quotes()} == {"mock"}
        assert gateway.report.health().expansion_state == "off"
        assert gateway.report.decision("IBM") in gateway.report.decisions()
        with pytest.raises(UnknownSymbolError, match="NOPE: not served here"):
            gateway.report.decision("NOPE")
        names = {metric.name for metric in gateway.report.metrics()}
        assert {
            "firmquote_accepted_total",
            "firmquote_quote_grade",
            "firmquote_decisions_total",
            "firmquote_strategy_faults_total",
        } <= names
        running.cancel()
        await asyncio.wait({running})

    asyncio.run(main())

"""What runs gateways: a rename ends one and begins the next, on the same port."""

import asyncio
from contextlib import closing
from datetime import date
from pathlib import Path

import httpx
import pytest
from msgspec import structs
from tests.patience import PATIENCE_S

from firmquote.model import NS_PER_MS
from firmquote.runtime import SystemClock, load_config, run_gateway
from firmquote.store import Instrument, open_symbol_record
from firmquote.symbols import Basis

pytestmark = pytest.mark.scenario
DEMO = Path(__file__).parents[2] / "config" / "demo.yaml"


async def symbols(client: httpx.AsyncClient) -> list[str]:
    try:
        return [quote["symbol"] for quote in (await client.get("/v1/quotes")).json()]
    except httpx.TransportError:  # between the old one and the new one
        return []


def remember_ibm_since_2020(directory: Path) -> None:
    with closing(open_symbol_record(directory / "symbols-demo.sqlite")) as record:
        basis = Basis("IBM", date(2020, 1, 2))
        record.write([Instrument(configured="IBM", symbol="IBM", named=basis, priced=basis)])


def token(directory: Path) -> str:
    (file,) = directory.glob("operator-*.token")
    return file.read_text()


def test_a_rename_that_is_told_begins_a_new_gateway_under_the_new_name_at_the_same_address(tmp_path: Path) -> None:
    remember_ibm_since_2020(tmp_path)
    config = load_config(DEMO)
    quotes = structs.replace(config.feeds.quotes, live_enabled=False)
    config = structs.replace(
        config,
        feeds=structs.replace(config.feeds, quotes=quotes),
        serve=structs.replace(config.serve, port=0, state_dir=str(tmp_path)),
    )

    async def main() -> None:
        stop = asyncio.Event()
        announced: asyncio.Queue[str] = asyncio.Queue()
        running = asyncio.create_task(run_gateway(config, stop, announce=announced.put_nowait, environ={}))
        async with asyncio.timeout(PATIENCE_S), httpx.AsyncClient(base_url=await announced.get()) as client:
            assert await symbols(client) == ["AIG", "BAC", "IBM", "SPY"]
            rename = {"type": "rename", "symbol": "IBM", "effective": "2021-01-04", "new_symbol": "BIG"}
            await client.post(
                "/v1/actions",
                json={"action": rename, "reason": "test"},
                headers={"Authorization": f"Bearer {token(tmp_path)}"},
            )
            while await symbols(client) != ["AIG", "BAC", "BIG", "SPY"]:
                await SystemClock().sleep_until(SystemClock.monotonic_ns() + 10 * NS_PER_MS)
            assert announced.empty()
            stop.set()
            await running

    asyncio.run(main())

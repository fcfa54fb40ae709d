"""Against the real providers, with a real account: INTEGRATION_TESTS=true and the keys in the environment."""

import asyncio
import os
from random import Random

import pytest
import uvloop
from msgspec import structs

from firmquote.model import Grade
from firmquote.runtime import Config, Gateway, SystemClock
from firmquote.runtime.config import Feeds, QuotesFeed, ServeSection

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        os.environ.get("INTEGRATION_TESTS") != "true",
        reason="needs a real account: set INTEGRATION_TESTS=true and the keys (docs/how-to/your-keys.md)",
    ),
]
SYMBOL = "SPY"
DEADLINE_S = 60


@pytest.mark.parametrize("provider", ["polygon", "alphavantage", "alpaca"])
def test_a_real_provider_fills_the_board(provider: str) -> None:
    async def main() -> None:
        quotes = QuotesFeed(live_enabled=True, provider_active=provider, live_symbols_allowlist=(SYMBOL,))
        config = structs.replace(Config(feeds=Feeds(quotes=quotes)), serve=ServeSection(port=0))
        gateway = Gateway(config, os.environ, SystemClock(), Random(1))
        running = asyncio.create_task(gateway.run())
        async with asyncio.timeout(DEADLINE_S):
            while not gateway.feeds[provider].lines[SYMBOL].has_price:
                member = gateway.manager.members[provider]
                assert member.refused is None, member.refused
                await SystemClock().sleep_until(SystemClock.monotonic_ns() + 100_000_000)
        assert Grade[gateway.report.quote(SYMBOL).grade.upper()] >= Grade.STALE
        running.cancel()
        await asyncio.wait({running})

    uvloop.run(main())

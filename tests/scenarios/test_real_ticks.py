"""Real ticks through real sockets: nothing is invented, mixed or lost."""

import pytest
from tests.scenarios.gateway import TAPE, Scenario, play, scenario, with_roles

from firmquote.board import Feed
from firmquote.lab import Fault, LabConfig, SimulatorConfig, TapeTrade
from firmquote.model import LastPrice, Quote

pytestmark = pytest.mark.scenario
SPEED = 20.0
ENOUGH = 6_000


def rows(symbol: str) -> set[tuple[float, float, int, int]]:
    return {(q.bid, q.ask, q.bid_size_shares, q.ask_size_shares) for q in TAPE.quotes(symbol)}


def judged(feed: Feed) -> int:
    counts = feed.counts()
    return counts.accepted + sum(counts.refused.values())


@pytest.mark.parametrize("provider", ["polygon", "alpaca"])
def test_every_quote_on_the_board_is_a_row_of_the_tape_and_the_counts_add_up(provider: str) -> None:
    truth = {symbol: rows(symbol) for symbol in TAPE.symbols}
    compared = 0

    def compare(running: Scenario) -> None:
        nonlocal compared
        for entry in running.changed():
            line = entry.elected
            assert line is not None
            if isinstance(line.price, Quote):
                q = line.price
                assert q.bid is not None
                assert q.ask is not None
                assert (q.symbol, q.provider) == (entry.symbol, line.provider)
                assert (q.bid, q.ask, q.bid_size_shares, q.ask_size_shares) in truth[entry.symbol]
                compared += 1

    async def body() -> None:
        config = LabConfig(speed=SPEED)
        roles = with_roles(provider, "alphavantage")
        async with scenario(lab=config, providers=(provider, "alphavantage"), change=roles) as running:
            feed = running.gateway.feeds[provider]
            while feed.accepted < ENOUGH or compared < ENOUGH / 10:  # a late machine compares less often
                await running.turn()
                compare(running)
            simulator = running.lab.simulators[provider]
            streams = simulator.streams
            assert streams is not None
            await simulator.inject(Fault.FREEZE)  # nothing new is sent; what is on its way arrives
            asked_by_rest = len(TAPE.symbols)
            await running.until(lambda: judged(feed) == sum(streams.sent.values()) + asked_by_rest)
            counts = feed.counts()
            assert set(counts.refused) <= {"duplicate", "out_of_order"}, "only the backfill may repeat the stream"
            assert sum(counts.refused.values()) <= asked_by_rest
            assert (counts.unparsed, counts.unknown_symbols) == (0, 0)

    play(body)


def test_alpha_vantages_prices_are_the_last_trades_of_the_tape() -> None:
    trades = [row for row in TAPE.rows if isinstance(row, TapeTrade)]
    prices = {symbol: {row.price for row in trades if row.symbol == symbol} for symbol in TAPE.symbols}

    async def body() -> None:
        async with scenario(lab=LabConfig(simulators={"alphavantage": SimulatorConfig(per_minute=1_200)})) as running:
            feed = running.gateway.feeds["alphavantage"]
            await running.until(lambda: feed.accepted >= len(TAPE.symbols))
            for symbol, line in feed.lines.items():
                assert isinstance(line.price, LastPrice)
                assert line.price.price in prices[symbol]

    play(body)

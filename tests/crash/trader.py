"""A trading process to be killed: a real desk, real files, and a market that is made up as fast as it is traded on.

Started once, it forks a worker for every line it reads (`trade` or `settle`), so that a restart takes milliseconds. A
worker writes the key of every order whose batch is on the disk: what it has told of must never be lost.
"""

import asyncio
import logging
import os
import sys
from pathlib import Path
from random import Random

import structlog

from firmquote.board import Board
from firmquote.decision import Broker, Caps, DecisionConfig, DrawdownPolicy, OrderPolicy, PaperBroker, PaperPolicy
from firmquote.lab.simulator import LAB_KEY
from firmquote.model import FeedClass, Quote, Secret, Session
from firmquote.model.trading import AdviceInput
from firmquote.quality import GradePolicy, PlausibilityPolicy
from firmquote.rollout import Stage, StageMap
from firmquote.runtime import alpaca_broker
from firmquote.runtime.alpaca_broker import AlpacaBroker
from firmquote.runtime.clock import SystemClock
from firmquote.runtime.guarding import Guarding
from firmquote.runtime.permits import GatewayPermits
from firmquote.runtime.trading import Trading
from firmquote.runtime.turns import at_once
from firmquote.safety import NO_RESTRICTIONS, GuardPolicy
from firmquote.symbols import parse_symbol

SYMBOLS = ("A", "B", "C", "D", "E", "F")
ANY = StageMap(stage=Stage.FULL)
CONFIG = DecisionConfig(
    cooldown_s=0,
    cooldown_stop_s=0,
    caps=Caps(symbol_usd=1e6, gross_usd=1e7, net_usd=1e7, orders_per_day=10_000_000),
    drawdown=DrawdownPolicy(day_reduce_pct=100, day_pause_pct=100, week_reduce_pct=100, week_pause_pct=100),
    strategies={},
    orders=OrderPolicy(expire_s=0.05),
    paper=PaperPolicy(cash_usd=10_000_000, latency_ms_min=0, latency_ms_max=5),
)


def build(directory: Path, broker: Broker | None = None) -> Trading:
    """Return a desk over `directory`."""
    board = Board(SYMBOLS, grading=GradePolicy(), plausibility=PlausibilityPolicy())
    board.add_feed("made", FeedClass.CONSOLIDATED)
    for symbol in SYMBOLS:
        board.elect(symbol, "made")
    return Trading(
        symbols=SYMBOLS,
        config=CONFIG,
        board=board,
        broker=broker or PaperBroker(CONFIG.paper),
        permits=GatewayPermits(
            board, stages=lambda: ANY, restrictions=lambda: NO_RESTRICTIONS, budget_left_pct=lambda _: None
        ),
        calendar=None,
        directory=directory,
        clock=SystemClock(),
        guarding=Guarding(GuardPolicy(), board, SystemClock()),
        resolve=lambda typed: parse_symbol(typed.upper()).text,
    )


class Market:
    """Quotes that wander and show a few shares, and advice that changes its mind."""

    def __init__(self, trading: Trading, seed: int) -> None:
        self._trading = trading
        self._random = Random(seed)
        self._feed = next(iter(trading.board.entries["A"].lines.values())).feed
        self._mids = dict.fromkeys(SYMBOLS, 100.0)
        self._sequence = 0

    def turn(self, *, advise: bool) -> None:
        """Move every price once, decide, and let time pass."""
        trading, now_ns = self._trading, SystemClock.now_ns()
        for symbol in SYMBOLS:
            self._sequence += 1
            mid = self._mids[symbol] = self._mids[symbol] * (1 + self._random.uniform(-2e-5, 2e-5))
            shares = self._random.randint(0, 40)
            quote = Quote(symbol, "made", mid - 0.01, mid + 0.01, shares, shares, now_ns, now_ns, self._sequence)
            trading.board.apply(self._feed, [quote], now_ns)
            if advise and self._random.random() < 0.2:
                score = self._random.choice([-1.0, -0.5, 0.5, 1.0])
                trading.advise(AdviceInput(symbol=symbol, score=score, source="made", ttl_s=0.05), now_ns)
        trading.on_moved(trading.board.flush())
        at_once(trading.on_timer(now_ns))


def broker_at(url: str | None) -> Broker | None:
    """Return Alpaca's broker at `url`, asking often, or none."""
    if url is None:
        return None
    alpaca_broker.POLL_NS = alpaca_broker.RETRY_NS = 5_000_000
    return AlpacaBroker(url, Secret(LAB_KEY), SystemClock())


async def trade(directory: Path, seed: int, url: str | None, *, settle: bool) -> None:
    """Trade until killed; or, to settle, until nothing is on its way."""
    trading = build(directory, broker_at(url))
    stored = trading.desk.on_stored

    def tell(batch: object, now_ns: int) -> None:
        stored(batch, now_ns)  # type: ignore[arg-type]  # the desk's own
        for order in batch.orders:  # type: ignore[attr-defined]  # likewise
            said = f"{order.key} {order.filled_shares}\n"
            os.write(1, said.encode())

    trading.desk.on_stored = tell  # type: ignore[method-assign]  # the test listens at the one place that counts
    await trading.open()
    os.write(1, b"open\n")
    trading.second(SystemClock.now_ns(), Session.REGULAR)
    running = asyncio.create_task(trading.run())
    market = Market(trading, seed)
    clock = SystemClock()
    while not settle or trading.desk.book.orders.by_key:
        market.turn(advise=not settle)
        await clock.sleep_until(clock.monotonic_ns() + 1_000_000)
    running.cancel()
    await asyncio.wait({running})
    trading.close()
    os.write(1, b"settled\n")


def main() -> None:
    """Fork a worker for every line."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    directory = Path(sys.argv[1])
    url = sys.argv[2] if len(sys.argv) > 2 else None
    for number, line in enumerate(sys.stdin):
        pid = os.fork()
        if pid == 0:
            asyncio.run(trade(directory, number, url, settle=line.strip() == "settle"))
            os._exit(0)
        os.write(1, f"pid {pid}\n".encode())
        os.waitpid(pid, 0)
        os.write(1, b"gone\n")


if __name__ == "__main__":
    main()

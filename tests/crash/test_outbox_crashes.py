"""`kill -9` in the outbox at random moments: no order lost, none doubled, and the books add up to the cent."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from threading import Thread, Timer

import msgspec
import pytest
from tests.crash.trader import CONFIG, SYMBOLS
from tests.patience import PATIENCE_S

from firmquote.decision import Portfolio, Record, Rules
from firmquote.lab.alpaca_trading import AlpacaTrading
from firmquote.model.trading import MICROS_PER_USD, Side
from firmquote.runtime.clock import SystemClock
from firmquote.runtime.ledgers import CHAIN_NAME, OUTBOX_FILE
from firmquote.store import Outbox, read_back, verify_chain

ROOT = Path(__file__).parents[2]


class Victim:
    """The trading process, and everything that it has told of."""

    def __init__(self, process: "subprocess.Popen[bytes]", directory: Path) -> None:
        self._process = process
        self.directory = directory
        self.told: dict[str, int] = {}
        """Order → shares filled, as it was told after its batch was stored."""

    def start(self, what: str = "trade") -> int:
        """Start a worker and return its process id."""
        assert self._process.stdin is not None
        self._process.stdin.write(what.encode() + b"\n")
        self._process.stdin.flush()
        return int(self._until("pid").split()[1])

    def kill(self, pid: int, after_ms: float) -> None:
        """Let it trade for a while, then kill it and hear what it had told."""
        self._until("open")
        # By a timer, and not between two lines: those come right after a batch was stored.
        Timer(after_ms / 1_000, os.kill, (pid, signal.SIGKILL)).start()
        self._until("gone")

    def settle(self) -> None:
        """Let everything on its way come to its end."""
        self.start("settle")
        self._until("settled")
        self._until("gone")

    def _until(self, word: str) -> str:
        while True:
            line = self._read()
            if line.startswith(word):
                return line

    def _read(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline().decode()
        assert line, "the trading process is gone"
        if line.count("-") == 2:
            key, filled = line.split()
            self.told[key] = max(self.told.get(key, 0), int(filled))
        return line


@contextmanager
def victim(directory: Path, *arguments: str) -> Iterator[Victim]:
    command = [sys.executable, "-m", "tests.crash.trader", str(directory), *arguments]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, start_new_session=True
    ) as process:
        try:
            yield Victim(process, directory)
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # its workers too


def check_books(found: Victim) -> None:
    """What is on the disk agrees with itself and with everything that was told."""
    outbox = Outbox(found.directory / OUTBOX_FILE)
    outbox.reconcile()
    cash = round(CONFIG.paper.cash_usd * MICROS_PER_USD)
    decisions = set()
    for view in outbox.orders(limit=10**9):
        order = view.order
        assert order.decision not in decisions, f"decision {order.decision} has two orders"
        decisions.add(order.decision)
        assert order.filled_shares <= order.quantity_shares
        assert [fill.number for fill in view.fills] == list(range(1, order.fills + 1))
        assert sum(fill.shares for fill in view.fills) == order.filled_shares
        cash += order.filled_micros * (1 if order.side is Side.SELL else -1)
    for key, filled in found.told.items():
        stored = outbox.order(key)
        assert stored is not None, f"{key} was told of and is lost"
        assert stored.filled_shares >= filled, f"{key} was told filled {filled} and has {stored.filled_shares}"
    check_receipts(found.directory, outbox)
    account = outbox.account()
    assert account is not None or not decisions, "before the first batch there is none"
    if account is not None:
        assert account.cash_micros == cash, "every fill was paid for once"
        assert Portfolio(account, outbox.positions()).account.cash_micros == cash
    outbox.close()
    assert verify_chain(found.directory, CHAIN_NAME).good


def check_receipts(directory: Path, outbox: Outbox) -> None:
    """Each order that a receipt names was made, or a later start says that it was not: the last one has yet to be."""
    named: set[str] = set()
    lately: set[str] = set()
    unmade: set[str] = set()
    for link in reversed(list(read_back(directory, CHAIN_NAME))):
        record = msgspec.json.decode(link.body, type=Record)
        if isinstance(record, Rules):
            assert lately.issuperset(record.unmade)
            unmade.update(record.unmade)
            named |= lately
            lately = set()
        elif record.order is not None:
            lately.add(record.order)
    assert {key for key in named if outbox.order(key) is None} == unmade


@contextmanager
def alpaca() -> Iterator[AlpacaTrading]:
    """Run Alpaca's simulator in a thread of this process: it outlives every kill."""
    sim = AlpacaTrading(SystemClock(), shares_at_once=7)
    sim.quotes = dict.fromkeys(SYMBOLS, (99.99, 100.01))
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(sim.start(), loop).result(PATIENCE_S)
    try:
        yield sim
    finally:
        asyncio.run_coroutine_threadsafe(sim.stop(), loop).result(PATIENCE_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def campaign(directory: Path, kills: int, seed: int, *arguments: str, orders: int = 0) -> None:
    """Kill it so often at least, and until it has told of so many orders."""
    random = Random(seed)
    with victim(directory, *arguments) as found:
        killed = 0
        while killed < kills or len(found.told) < orders:
            killed += 1
            found.kill(found.start(), random.uniform(0, 250))
            check_books(found)
        found.settle()
        check_books(found)
        outbox = Outbox(directory / OUTBOX_FILE)
        assert outbox.open_orders() == [], "an order that was stored came to its end after the crashes"
        outbox.close()


def check_alpaca(directory: Path, sim: AlpacaTrading) -> None:
    """Alpaca got every order once, and holds what our books say."""
    outbox = Outbox(directory / OUTBOX_FILE)
    ours = {position.symbol: position.shares for position in outbox.positions() if position.shares}
    assert sim.held() == ours
    filled = {order.client_order_id: order.filled for order in sim.orders.values()}
    assert len(filled) == len(sim.orders)
    for key, shares in filled.items():
        order = outbox.order(key)
        assert order is not None, f"Alpaca has {key}, and our books do not"
        assert order.filled_shares == shares
    outbox.close()


def test_orders_at_alpaca_survive_kills_at_random_moments(tmp_path: Path) -> None:
    with alpaca() as sim:
        campaign(tmp_path, 3, 3, sim.url)
        check_alpaca(tmp_path, sim)


@pytest.mark.proof
def test_orders_at_alpaca_survive_a_hundred_kills(tmp_path: Path) -> None:
    with alpaca() as sim:
        campaign(tmp_path, 100, 4, sim.url, orders=100)
        check_alpaca(tmp_path, sim)
        assert len(sim.orders) > 50


def test_the_outbox_survives_kills_at_random_moments(tmp_path: Path) -> None:
    campaign(tmp_path, 6, seed=1, orders=20)


@pytest.mark.proof
def test_the_outbox_survives_two_hundred_kills(tmp_path: Path) -> None:
    campaign(tmp_path, 200, seed=2, orders=1_000)

"""A process that spends as much as it may, to be killed at any moment: `python -m firmquote.lab.spender '{…}'`.

It asks a simulator over real sockets with our own client, through our own ledger's desk. `count_after` is the
counterexample: it counts a request when its answer has come, as LLM gateways do.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from firmquote.budget import Ask, ProviderBudget, Purpose, limits_in_force
from firmquote.errors import LineError
from firmquote.lab.simulator import LAB_KEY
from firmquote.model import NS_PER_MS, NS_PER_S, ProviderLimits, Request
from firmquote.runtime import SystemClock
from firmquote.runtime.ledger_desk import LedgerDesk
from firmquote.store import Grant
from firmquote.wire import HttpClient, HttpLimits


class Order(Struct, forbid_unknown_fields=True):
    """What to do."""

    ledger: str
    url: str
    callers: int
    """So many ask at one moment, again and again."""
    per_minute: int
    per_day: int
    wall_ahead_s: float = 0.0
    count_after: bool = False


class JumpedClock:
    """The machine's clock, with the wall ahead."""

    def __init__(self, ahead_s: float) -> None:
        self._ahead_ns = int(ahead_s * NS_PER_S)
        self.monotonic_ns = SystemClock.monotonic_ns
        self.sleep_until = SystemClock().sleep_until

    def now_ns(self) -> int:
        """Return the stepped time."""
        return SystemClock.now_ns() + self._ahead_ns


REQUEST = Request(
    path="/query",
    symbols=("IBM",),
    query=(("function", "GLOBAL_QUOTE"), ("symbol", "IBM")),
    secret_query=(("apikey", LAB_KEY),),
)


class CountAfter:
    """The counterexample: what is spent is known once the answer is there, and what gets none costs nothing."""

    def __init__(self, per_minute: int, per_day: int) -> None:
        self._left = min(per_minute, per_day)

    async def spend(self, send: Callable[[], Awaitable[None]]) -> None:
        """Send if the count allows it, then count."""
        if self._left > 0:
            with suppress(LineError):
                await send()
                self._left -= 1


class Ours:
    """The ledger's desk."""

    def __init__(self, desk: LedgerDesk) -> None:
        self._desk = desk

    async def spend(self, send: Callable[[], Awaitable[None]]) -> None:
        """Send what was granted, and settle it."""
        answer = await self._desk.reserve(Ask(provider="a", purpose=Purpose.OPERATOR, symbols=("IBM",)))
        if not isinstance(answer, Grant):
            clock = SystemClock()
            await clock.sleep_until(clock.monotonic_ns() + min(answer.wait_ns, 20 * NS_PER_MS))
            return
        self._desk.note_sent(answer)
        try:
            await send()
        except LineError:
            self._desk.lose(answer)
        else:
            self._desk.settle(answer, 1)


def _tell(words: str | None) -> None:
    sys.stderr.write(f"ledger: {words or 'open'}\n")


def _say(word: str) -> None:
    sys.stdout.write(word + "\n")
    sys.stdout.flush()


async def main(order: Order) -> None:
    """Spend until killed. Says `ready` before anybody asks, and `asked` once everybody was answered."""
    clock = JumpedClock(order.wall_ahead_s)
    plan = ProviderLimits(requests_per_minute=order.per_minute, requests_per_day=order.per_day, zone="America/New_York")
    limits = limits_in_force(plan, ProviderBudget(), reserve_pct=0, provider="a")
    desk = LedgerDesk(Path(order.ledger), {"a": limits}, clock, _tell)
    running = asyncio.create_task(desk.run())
    spender = CountAfter(order.per_minute, order.per_day) if order.count_after else Ours(desk)
    http = HttpLimits(connections=50)
    async with HttpClient("a", order.url, now_ns=clock.now_ns, limits=http) as client:

        async def send() -> None:
            await client.get(REQUEST)

        async def all_ask() -> None:
            await asyncio.gather(*(spender.spend(send) for _ in range(order.callers)))

        _say("ready")
        await all_ask()
        _say("asked")
        while not running.done():
            await all_ask()


if __name__ == "__main__":
    asyncio.run(main(msgspec.json.decode(sys.argv[1], type=Order)))

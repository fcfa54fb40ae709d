"""The ledger from the event loop: shared transactions, callers that go away, trouble that ends."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

from tests.patience import PATIENCE_S

from firmquote.budget import Ask, ProviderBudget, Purpose, Refusal, RefusalKind, limits_in_force
from firmquote.model import NS_PER_S, ProviderLimits
from firmquote.runtime.ledger_desk import LedgerDesk
from firmquote.store import Grant
from firmquote.store.entries import State
from firmquote.testing import ManualClock

ASK = Ask(provider="a", purpose=Purpose.OPERATOR, symbols=("IBM",))


class Desk(LedgerDesk):
    """A desk of one provider with a thousand requests a day, and what it told."""

    def __init__(self, path: Path, clock: ManualClock) -> None:
        self.told: list[str | None] = []
        limits = limits_in_force(ProviderLimits(requests_per_day=1_000), ProviderBudget(), reserve_pct=0, provider="a")
        super().__init__(path, {"a": limits}, clock, self.told.append)

    @property
    def spent(self) -> int:
        return self.standings["a"].usages[0].requests


def with_desk(path: Path, body: Callable[[Desk, ManualClock], Awaitable[None]]) -> None:
    async def main() -> None:
        clock = ManualClock()
        desk = Desk(path, clock)
        running = asyncio.create_task(desk.run())
        async with asyncio.timeout(PATIENCE_S):
            await body(desk, clock)
        running.cancel()
        await asyncio.wait({running})

    asyncio.run(main())


def test_callers_that_wait_at_the_same_moment_share_a_transaction(tmp_path: Path) -> None:
    async def body(desk: Desk, _: ManualClock) -> None:
        await desk.reserve(ASK)
        before = desk.transactions
        answers = await asyncio.gather(*(desk.reserve(ASK) for _ in range(1_200)))
        assert sum(isinstance(answer, Grant) for answer in answers) == 999
        assert desk.transactions - before <= 2
        assert desk.spent == 1_000

    with_desk(tmp_path / "ledger", body)


def test_what_was_settled_a_moment_before_the_end_is_settled_in_the_file(tmp_path: Path) -> None:
    async def body(desk: Desk, _: ManualClock) -> None:
        for _once in range(3):
            grant = await desk.reserve(ASK)
            assert isinstance(grant, Grant)
            desk.note_sent(grant)
            desk.settle(grant, 1)

    with_desk(tmp_path / "ledger", body)
    with closing(sqlite3.connect(tmp_path / "ledger")) as database:
        assert database.execute("SELECT state, count(*) FROM spend GROUP BY state").fetchall() == [(State.SETTLED, 3)]


def test_what_was_granted_to_a_caller_that_has_gone_is_given_back(tmp_path: Path) -> None:
    async def body(desk: Desk, _: ManualClock) -> None:
        await desk.reserve(ASK)
        caller = asyncio.create_task(desk.reserve(ASK))
        while not desk._work.asks:
            await asyncio.wait({caller}, timeout=0)
        caller.cancel()
        await asyncio.wait({caller})
        while desk.spent != 1:
            await desk.reserve(Ask(provider="a", purpose=Purpose.ORDINARY, symbols=(), requests=5_000))

    with_desk(tmp_path / "ledger", body)


def test_spending_goes_on_by_itself_once_the_ledger_can_be_written_again(tmp_path: Path) -> None:
    async def body(desk: Desk, clock: ManualClock) -> None:
        await desk.reserve(ASK)
        desk.later(lambda ledger, _: ledger.database.execute("PRAGMA query_only=ON"))
        refused = await desk.reserve(ASK)
        assert isinstance(refused, Refusal)
        assert refused.kind is RefusalKind.LEDGER
        assert "cannot be written. Give this user the right to write it" in refused.words
        clock.advance(4 * NS_PER_S)
        assert isinstance(await desk.reserve(ASK), Refusal)
        clock.advance(2 * NS_PER_S)
        assert isinstance(await desk.reserve(ASK), Grant)
        first, trouble, last = desk.told
        assert (first, last) == (None, None)
        assert trouble == refused.words

    with_desk(tmp_path / "ledger", body)


def test_whoever_still_waits_when_the_gateway_stops_is_told_no(tmp_path: Path) -> None:
    async def main() -> None:
        desk = Desk(tmp_path / "ledger", ManualClock())
        running = asyncio.create_task(desk.run())
        assert isinstance(await desk.reserve(ASK), Grant)
        waiting = asyncio.create_task(desk.reserve(ASK))
        await asyncio.wait({waiting}, timeout=0)
        running.cancel()
        await asyncio.wait({running, waiting}, timeout=PATIENCE_S)
        assert isinstance(waiting.result(), (Refusal, Grant))

    asyncio.run(main())

"""One trading day of a budget under virtual time: the product's governor and ledger against the provider's simulator.

The requests are real ones, over loopback, and the simulator holds its plan's limits by its own count. Polygon is the
warm provider: it streams, so it costs its backfill alone. An operator asks now and then, and a position is opened at
noon. The report says where each request went.
"""

from collections.abc import Mapping
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

from msgspec import Struct

from firmquote.budget import (
    Ask,
    BudgetPolicy,
    Governor,
    Limits,
    Moment,
    ProviderBudget,
    Purpose,
    Step,
    Tier,
    limits_in_force,
)
from firmquote.lab.market import Market
from firmquote.lab.player import Player
from firmquote.lab.rehearsal import VirtualClock
from firmquote.lab.serve import KINDS
from firmquote.lab.simulator import LAB_KEY, Simulator, SimulatorConfig
from firmquote.lab.tape import Tape
from firmquote.model import NS_PER_MS, NS_PER_S, LastPrice, Opening, PollProtocol, Quote, Request
from firmquote.runtime import KEY_NAME, demo_config
from firmquote.runtime.loading import build_normalizer, open_provider
from firmquote.store import Grant, Ledger, SymbolSpend, open_ledger, spent_by_symbol
from firmquote.symbols import xnys_calendar
from firmquote.wire import HttpClient, HttpLimits

NEW_YORK = ZoneInfo("America/New_York")
DAY = "2026-11-24"
"""An ordinary Tuesday."""
POLLED, WARM = "alphavantage", "polygon"
LOOK_NS = NS_PER_S
SLOW_LOOK_NS = 60 * NS_PER_S
"""How often it is planned anew while requests are minutes apart, or none is made."""
SLOW_PER_S = 0.01
ROUND_TRIP_NS = 150 * NS_PER_MS
POSITION = "BAC"
OPERATOR_HOURS = (11.5, 13.0, 15.0)


class DayReport(Struct, frozen=True, kw_only=True):
    """How the day went."""

    plan: str
    answered: int
    refused_by_provider: int
    refused_by_ledger: int
    first_s: float
    """Of the session, when the first request of the regular session was made, in seconds after its beginning."""
    last_before_close_s: float
    """How long before the end of the simulated hours the last request was made."""
    longest_gap_s: float
    """Between two requests in the simulated part of the regular session."""
    left: int | None
    """Requests of the day that ordinary work had left at the end."""
    steps: tuple[tuple[str, str], ...]
    """(New York time, step) of each change."""
    spends: tuple[SymbolSpend, ...]
    """Where each request went."""


class DayClock(VirtualClock):
    """Nobody waits."""

    async def sleep_until(self, monotonic_ns: int) -> None:
        """Return at once."""
        del monotonic_ns


class TradingDay:
    """Drives one day."""

    def __init__(self, tape: Tape, *, free: bool, seed: int = 1, hours: tuple[float, float] = (0.0, 24.0)) -> None:
        """`hours` of New York's day are played; the whole day by default."""
        self._free = free
        self._random = Random(seed)  # noqa: S311 - network jitter, not a secret
        self._begin_ns, self._end_ns = at_hour(hours[0]), at_hour(hours[1])
        self._clock = DayClock(self._begin_ns)
        speed = 3_600 / ((self._end_ns - self._begin_ns) / NS_PER_S)  # the tape's hour fills the day once
        self._market = Market(Player(tape, now_ns=self._clock.now_ns(), speed=speed))
        self._symbols = tape.symbols
        config = SimulatorConfig(free_plan=free)
        self._simulators = {
            name: Simulator(
                name, KINDS[name], self._market, self._clock, config if name == POLLED else SimulatorConfig()
            )
            for name in (POLLED, WARM)
        }
        self._asked_ns: list[int] = []
        self._steps: list[tuple[str, str]] = []
        self._refused_by_ledger = 0

    async def play(self) -> DayReport:
        """Play the day and report."""
        for simulator in self._simulators.values():
            await simulator.start()
        try:
            with TemporaryDirectory(prefix="firmquote-day-") as directory:
                return await self._play(Path(directory) / "ledger.sqlite")
        finally:
            for simulator in self._simulators.values():
                await simulator.stop()

    async def _play(self, path: Path) -> DayReport:
        polls, limits = self._open()
        ledger = open_ledger(path, limits, self._moment())
        tiers = {symbol: Tier.WATCH if symbol in ("IBM", "SPY") else Tier.OTHER for symbol in self._symbols}
        governor = Governor(POLLED, limits[POLLED], BudgetPolicy(), xnys_calendar(), tiers, batch=1)
        clients = {
            name: HttpClient(name, poll.base_url, now_ns=self._clock.now_ns, limits=HttpLimits())
            for name, poll in polls.items()
        }
        async with clients[POLLED] as client, clients[WARM] as warm:
            self._step_market()
            for request in polls[WARM].plan(self._symbols):  # what a stream cannot know of quiet symbols
                await self._ask(ledger, warm, polls[WARM], request, Purpose.WARM, governor)
            await self._loop(ledger, client, polls[POLLED], governor)
        _, usage = ledger.usage(self._moment())
        spends = tuple(spent_by_symbol(ledger.database, self._begin_ns))
        day = [u for u in usage[POLLED][0] if u.window.value == "day"]
        ledger.close()
        return self._report(spends, None if not day else day[0].requests_left)

    def _open(self) -> tuple[dict[str, PollProtocol], dict[str, Limits]]:
        settings: dict[str, Mapping[str, str]] = {n: s.settings for n, s in self._simulators.items()}
        if self._free:
            settings[POLLED] = {**settings[POLLED], "plan": "free"}
        config = demo_config(settings)
        normalizer = build_normalizer((POLLED, WARM), config.symbols)
        polls: dict[str, PollProtocol] = {}
        limits = {}
        for name in (POLLED, WARM):
            provider, opening = open_provider(name, config, {KEY_NAME: LAB_KEY}, normalizer)
            assert isinstance(opening, Opening)
            assert provider.open_poll is not None
            polls[name] = provider.open_poll(opening)
            plan = provider.limits(opening.config)
            limits[name] = limits_in_force(plan, ProviderBudget(), reserve_pct=15, provider=name)
        return polls, limits

    async def _loop(self, ledger: Ledger, client: HttpClient, poll: PollProtocol, governor: Governor) -> None:
        clock, looked_ns = self._clock, 0
        operators = [at_hour(hour) for hour in OPERATOR_HOURS if self._begin_ns <= at_hour(hour) < self._end_ns]
        while clock.now_ns() < self._end_ns:
            now_ns = clock.now_ns()
            if now_ns - looked_ns >= LOOK_NS:
                looked_ns = now_ns
                self._look(ledger, governor, now_ns)
            if operators and now_ns >= operators[0]:
                operators.pop(0)
                await self._ask(ledger, client, poll, poll.plan([POSITION])[0], Purpose.OPERATOR, governor)
                continue
            turn = governor.turn(clock.monotonic_ns())
            if turn.symbols:
                for request in poll.plan(turn.symbols):
                    await self._ask(ledger, client, poll, request, Purpose.ORDINARY, governor)
                continue
            most_ns = SLOW_LOOK_NS if governor.pace.requests_per_s < SLOW_PER_S else LOOK_NS
            clock.move_to(now_ns + max(NS_PER_MS, min(turn.wait_ns, most_ns)))
            self._step_market()

    def _look(self, ledger: Ledger, governor: Governor, now_ns: int) -> None:
        held = {POSITION: Tier.POSITION} if now_ns >= at_hour(12) else {}
        governor.cadence.set_tiers(held)
        _, usage = ledger.usage(self._moment())
        change = governor.look(usage[POLLED][0], Purpose.ORDINARY, now_ns=now_ns)
        if change is not None:
            when = datetime.fromtimestamp(now_ns / NS_PER_S, NEW_YORK).strftime("%H:%M")
            self._steps.append((when, Step(change.after).label))

    async def _ask(
        self,
        ledger: Ledger,
        client: HttpClient,
        poll: PollProtocol,
        request: Request,
        purpose: Purpose,
        governor: Governor,
    ) -> None:
        clock = self._clock
        provider = WARM if purpose is Purpose.WARM else POLLED
        (answer,) = ledger.reserve([Ask(provider=provider, purpose=purpose, symbols=request.symbols)], self._moment())
        if not isinstance(answer, Grant):
            self._refused_by_ledger += 1
            clock.move_to(clock.now_ns() + min(answer.wait_ns, LOOK_NS))
            return
        if provider == POLLED:
            governor.note_asked(request.symbols, clock.monotonic_ns())
            self._asked_ns.append(clock.now_ns())
        half_ns = int(ROUND_TRIP_NS * self._random.uniform(0.2, 1))
        clock.move_to(clock.now_ns() + half_ns)
        response = await client.get(request)
        clock.move_to(clock.now_ns() + half_ns)
        events = poll.on_response(request, response)
        prices = [event for event in events if isinstance(event, (LastPrice, Quote))]
        for price in prices:
            if isinstance(price, LastPrice):
                governor.cadence.see(price.symbol, price.price, clock.now_ns())
        ledger.settle([(answer, len(prices))], self._moment())

    def _report(self, spends: tuple[SymbolSpend, ...], left: int | None) -> DayReport:
        opens_ns, closes_ns = max(at_hour(9.5), self._begin_ns), min(at_hour(16), self._end_ns)
        regular = [at for at in self._asked_ns if opens_ns <= at < closes_ns]
        times = [opens_ns, *regular, closes_ns]
        rest = self._simulators[POLLED].rest
        return DayReport(
            plan="free" if self._free else "premium 75",
            answered=rest.served,
            refused_by_provider=rest.refused + self._simulators[WARM].rest.refused,
            refused_by_ledger=self._refused_by_ledger,
            first_s=(times[1] - opens_ns) / NS_PER_S,
            last_before_close_s=(closes_ns - times[-2]) / NS_PER_S,
            longest_gap_s=max(b - a for a, b in pairwise(times)) / NS_PER_S,
            left=left,
            steps=tuple(self._steps),
            spends=spends,
        )

    def _moment(self) -> Moment:
        return Moment(self._clock.now_ns(), self._clock.monotonic_ns(), "day")

    def _step_market(self) -> None:
        now_ns = self._clock.now_ns()
        moves = self._market.advance(now_ns)
        for simulator in self._simulators.values():
            simulator.step(moves, now_ns)


def at_hour(hour: float) -> int:
    """Return a moment of the day in New York."""
    midnight = datetime.fromisoformat(DAY).replace(tzinfo=NEW_YORK)
    return int(midnight.timestamp()) * NS_PER_S + int(hour * 3_600 * NS_PER_S)

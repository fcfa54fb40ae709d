"""Joins budgets to everything else: the ledger, one governor a polled provider, roles, events and reports."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from firmquote.budget import (
    AlwaysRegular,
    Ask,
    BudgetPolicy,
    Calendar,
    Governor,
    Limits,
    ProviderBudget,
    Purpose,
    Refusal,
    Tier,
    limits_in_force,
    read_headers,
    told_usage,
    window_end_ns,
)
from firmquote.errors import ConfigError
from firmquote.model import (
    NS_PER_S,
    Clock,
    Event,
    LastPrice,
    LineState,
    LineStatus,
    Opening,
    Provider,
    ProviderLimits,
    Quote,
    Request,
    Response,
    Window,
    mid,
)
from firmquote.routing import Change, ProviderManager
from firmquote.runtime.conductor import Conductor
from firmquote.runtime.config import Config
from firmquote.runtime.ledger_desk import LedgerDesk
from firmquote.store import Grant
from firmquote.symbols import xnys_calendar

LEDGER_FILE = "budget/ledger.sqlite"
HOUR_S = 3_600.0
TOO_MANY = 429
PAUSE_S = 60.0
"""How long a provider is left alone that says "too many" and names no time."""
LEDGER = "ledger"
"""The ledger's name in events, where a provider's stands otherwise."""


class Counts(Struct):
    """How often a request was not needed."""

    cache_hits: int = 0
    coalesced: int = 0
    asked: int = 0


class Spending:
    """CostGovernor of the whole process."""

    def __init__(
        self,
        policy: BudgetPolicy,
        plans: Mapping[str, ProviderLimits],
        manager: ProviderManager,
        clock: Clock,
        calendar: Calendar,
        *,
        desk: Callable[[Mapping[str, Limits], Callable[[str | None], None]], LedgerDesk],
        publish: Callable[[Sequence[Change]], None],
        wanted_first: str,
    ) -> None:
        unknown = set(policy.providers) - set(plans)
        if unknown:
            raise ConfigError(
                f"budgets.providers.{min(unknown)}: takes no part here. Known: {', '.join(sorted(plans))}."
            )
        self.policy = policy
        self.limits = {
            name: limits_in_force(
                plan, policy.providers.get(name, ProviderBudget()), reserve_pct=policy.reserve_pct, provider=name
            )
            for name, plan in plans.items()
        }
        self.governors: dict[str, Governor] = {}
        self.counts = {name: Counts() for name in plans}
        self.positions: Callable[[], Iterable[str]] = tuple
        """Canonical symbols in which money is at risk now."""
        self.desk = desk(self.limits, self._on_trouble)
        self._manager = manager
        self._clock = clock
        self._calendar = calendar
        self._publish = publish
        self._wanted_first = wanted_first
        self._troubled = False
        self._tiers: dict[str, dict[str, Tier]] = {}
        """Without positions."""

    @property
    def is_stopped(self) -> bool:
        """Whether nothing is spent because of the ledger."""
        return self._troubled

    def govern(self, provider: str, symbols: Sequence[str], watched: Iterable[str], *, batch: int) -> Governor:
        """Return the governor of a polled provider."""
        watch = frozenset(watched)
        tiers = {symbol: Tier.WATCH if symbol in watch else Tier.OTHER for symbol in symbols}
        governor = Governor(provider, self.limits[provider], self.policy, self._calendar, tiers, batch=batch)
        self._tiers[provider] = tiers
        self.governors[provider] = governor
        return governor

    def subscribable(self, provider: str, symbols: Sequence[str], watched: Iterable[str]) -> Sequence[str]:
        """Return the symbols that the provider's limit lets us subscribe, those that are watched first."""
        limit = self.limits[provider].symbols
        if limit is None or len(symbols) <= limit:
            return symbols
        watch = frozenset(watched)
        kept = frozenset(sorted(symbols, key=lambda symbol: symbol not in watch)[:limit])
        return tuple(symbol for symbol in symbols if symbol in kept)

    def second(self) -> None:
        """Plan anew, and say what changed."""
        held = frozenset(self.positions())
        for name, governor in self.governors.items():
            governor.cadence.set_tiers({s: Tier.POSITION if s in held else t for s, t in self._tiers[name].items()})
            standing = self.desk.standings[name]
            if self._troubled:
                self._manager.on_budget(name, self.desk.trouble)
            if self._troubled or not standing.now_ns:
                continue  # what is left is not known, or not known yet
            monotonic_ns = self._clock.monotonic_ns()
            pause = standing.pause
            waiting = None if pause is None else (pause.until_ns - monotonic_ns, pause.words)
            change = governor.look(standing.usages, self.purpose(name), now_ns=standing.now_ns, pause=waiting)
            self._manager.on_budget(name, governor.unaffordable)
            if change is not None:
                self._say(name, change.before.label, change.after.label, change.words)

    async def permit(self, provider: str, request: Request, purpose: Purpose) -> Grant | Refusal:
        """Return the right to make one request at once, or why not."""
        ask = Ask(provider=provider, purpose=purpose, symbols=request.symbols, requests=request.cost_requests)
        answer = await self.desk.reserve(ask)
        if isinstance(answer, Grant):
            self.counts[provider].asked += 1
            governor = self.governors.get(provider)
            if governor is not None:
                governor.note_asked(request.symbols, self._clock.monotonic_ns())
        return answer

    def on_answer(self, grant: Grant, response: Response, events: Sequence[Event]) -> None:
        """Settle a request, learn from its prices, and believe what the provider says of our budget."""
        provider = grant.ask.provider
        prices = [(event.symbol, _price(event)) for event in events if isinstance(event, (Quote, LastPrice))]
        self.desk.settle(grant, len(prices))
        governor = self.governors.get(provider)
        for symbol, price in prices:
            if governor is not None and price is not None:
                governor.cadence.see(symbol, price, response.received_ns)
        told = read_headers(response.headers, now_ns=response.received_ns)
        if told.date_ns is not None:
            self.desk.confirm_time(told.date_ns)
        usage = told_usage(told, self.limits[provider])
        if usage is not None:
            self.desk.absorb(provider, *usage)
        limited = next((e for e in events if isinstance(e, LineStatus) and e.state is LineState.LIMITED), None)
        if limited is not None:
            wish_s = told.retry_after_s if limited.retry_after_s is None else limited.retry_after_s
            self._pause(provider, wish_s, limited.detail)
        elif response.status == TOO_MANY:
            self._pause(provider, told.retry_after_s, f"HTTP {TOO_MANY}")

    def _pause(self, provider: str, wish_s: float | None, words: str) -> None:
        for_s = PAUSE_S if wish_s is None else wish_s
        limits = self.limits[provider]
        if for_s > HOUR_S and limits.allowance(Window.DAY).requests is not None:
            # A daily limit: gone until the day ends where the provider is. Where its day begins is sometimes a guess,
            # so it is tried again each hour.
            now_ns = self.desk.standings[provider].now_ns or self._clock.now_ns()
            for_s = min(HOUR_S, (window_end_ns(Window.DAY, now_ns, limits.zone) - now_ns) / NS_PER_S)
        self.desk.pause(provider, for_s, f"{provider} said: {words}")
        self._say(provider, "asking", "paused", f"for {for_s:g} s; {provider} said: {words}")

    def purpose(self, provider: str) -> Purpose:
        """Return what a request of this provider is made for now."""
        if self._manager.role(provider) != "active":
            return Purpose.WARM
        return Purpose.ORDINARY if provider == self._wanted_first else Purpose.FAILOVER

    def _on_trouble(self, words: str | None) -> None:
        if words is not None:
            self._troubled = True
            self._say(LEDGER, "writable", "unusable", f"nothing is spent: {words}")
        elif self._troubled:
            self._troubled = False
            self._say(LEDGER, "unusable", "writable", "spending goes on")

    def _say(self, who: str, before: str, after: str, cause: str) -> None:
        at_ns = self._clock.now_ns()
        self._publish([Change(at_ns=at_ns, kind="budget", provider=who, before=before, after=after, cause=cause)])


def _price(event: Quote | LastPrice) -> float | None:
    if isinstance(event, LastPrice):
        return event.price
    return mid(event.bid, event.ask) if event.bid is not None and event.ask is not None else None


def build_spending(
    config: Config,
    opened: Mapping[str, tuple[Provider, Opening]],
    conductor: Conductor,
    clock: Clock,
    directory: Path,
) -> Spending:
    """Return the budgets of all providers that take part; their ledger lies below `directory`."""
    always = config.quality.calendar == "always_regular"
    path = ledger_path(config, directory)
    return Spending(
        config.budgets,
        {name: provider.limits(opening.config) for name, (provider, opening) in opened.items()},
        conductor.manager,
        clock,
        AlwaysRegular() if always else xnys_calendar(),
        desk=lambda limits, on_trouble: LedgerDesk(path, limits, clock, on_trouble),
        publish=conductor.publish,
        wanted_first=config.feeds.quotes.provider_active,
    )


def ledger_path(config: Config, directory: Path) -> Path:
    """Return where the ledger is."""
    return directory / LEDGER_FILE if config.budgets.ledger is None else Path(config.budgets.ledger).expanduser()

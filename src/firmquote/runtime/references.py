"""Asks the providers' reference APIs for corporate actions: at the start, and when a trading day begins."""

import asyncio
from collections import deque
from collections.abc import Sequence
from datetime import date, timedelta

import structlog
from msgspec import Struct

from firmquote.budget import Purpose
from firmquote.errors import ProviderError, StoreError, WireError
from firmquote.model import NS_PER_S, Clock, Request
from firmquote.runtime.asking import FOLLOW_UPS_MAX, carry_out
from firmquote.runtime.corporate import CorporateDesk
from firmquote.runtime.spending import Spending
from firmquote.store import Grant
from firmquote.symbols import CorporateAction, Doubtful, ReferenceProtocol
from firmquote.wire import HttpClient, HttpLimits

LOOK_NS = 30 * NS_PER_S
RETRY_NS = 1_800 * NS_PER_S
LOOK_BACK_DAYS = 7
"""A provider may learn of an action late, and we may have been away."""
_log = structlog.get_logger("firmquote")


class Source(Struct, frozen=True):
    """A provider that can be asked."""

    provider: str
    protocol: ReferenceProtocol


class _Round(Struct):
    """What one provider is asked on one day, as far as that has come."""

    source: Source
    day: date
    since: date
    waiting: deque[Request]
    follow_ups: int = 0
    told: int = 0
    new: int = 0
    doubts: dict[str, None] = {}
    """Each once."""


class References:
    """Bounded: a round a day for each provider; what the budget or the provider refuses is tried again later, alone."""

    def __init__(
        self, sources: Sequence[Source], desk: CorporateDesk, spending: Spending, symbols: Sequence[str], clock: Clock
    ) -> None:
        self._sources = sources
        self._desk = desk
        self._spending = spending
        self._symbols = symbols
        self._clock = clock
        self._rounds: dict[str, _Round] = {}

    @property
    def doubts(self) -> list[str]:
        """Return what was told of our symbols and is not applied, since nobody can be sure what it means."""
        return [f"{name}: {words}" for name, one in self._rounds.items() for words in one.doubts]

    async def run(self) -> None:
        """Ask whenever a day has begun, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for source in self._sources:
                group.create_task(self._follow(source))

    async def _follow(self, source: Source) -> None:
        while True:
            try:
                wait_ns = await self._go_on(source)
            except (ProviderError, StoreError) as error:
                wait_ns = RETRY_NS
                _log.warning("corporate actions not asked for", provider=source.provider, cause=str(error))
            await self._clock.sleep_until(self._clock.monotonic_ns() + wait_ns)

    async def _go_on(self, source: Source) -> int:
        """Ask what is left of today's round; returns after how long to look again."""
        today = self._desk.today()
        one = self._rounds.get(source.provider)
        if one is None or one.day != today:
            since = today - timedelta(days=LOOK_BACK_DAYS)
            waiting = deque(source.protocol.plan_actions(self._symbols, since=since))
            one = self._rounds[source.provider] = _Round(source=source, day=today, since=since, waiting=waiting)
        if not one.waiting:
            return LOOK_NS
        provider, protocol, clock = source.provider, source.protocol, self._clock
        async with HttpClient(provider, protocol.base_url, now_ns=clock.now_ns, limits=HttpLimits()) as client:
            while one.waiting:
                begun_ns = clock.monotonic_ns()
                grant = await self._spending.permit(provider, one.waiting[0], Purpose.WARM)
                if not isinstance(grant, Grant):
                    _log.info("corporate actions wait", provider=provider, cause=grant.words)
                    return min(max(grant.wait_ns, LOOK_NS), RETRY_NS)
                await self._ask(client, one, grant)
                await clock.sleep_until(begun_ns + protocol.request_interval_ns)
        _log.info("corporate actions", provider=provider, told=one.told, new=one.new, doubtful=len(one.doubts))
        return LOOK_NS

    async def _ask(self, client: HttpClient, one: _Round, grant: Grant) -> None:
        heard: list[CorporateAction | Doubtful | Request] = await carry_out(
            client,
            one.waiting[0],
            grant,
            self._spending,
            lambda request, response: one.source.protocol.on_actions(request, response, since=one.since),
        )
        one.waiting.popleft()
        actions: list[CorporateAction] = []
        for each in heard:
            if isinstance(each, Request):
                one.waiting.append(each)
                one.follow_ups += 1
            elif isinstance(each, Doubtful):
                if str(each) not in one.doubts:
                    _log.warning("corporate action not applied", provider=one.source.provider, cause=str(each))
                one.doubts[str(each)] = None
            else:
                actions.append(each)
        one.told += len(actions)
        one.new += self._desk.tell(one.source.provider, actions)
        if one.follow_ups > FOLLOW_UPS_MAX:
            one.waiting.clear()
            words = (
                f"{one.source.provider}: more than {FOLLOW_UPS_MAX} pages of corporate actions. The rest is left out."
            )
            raise WireError(words, provider=one.source.provider)

"""Asks the providers' reference APIs for corporate actions: at the start, and when a trading day begins."""

from collections.abc import Sequence
from datetime import date, timedelta

import structlog
from msgspec import Struct

from firmquote.budget import Purpose
from firmquote.errors import LineError, StoreError
from firmquote.model import NS_PER_S, Clock, LineStatus, Unparsed
from firmquote.runtime.corporate import CorporateDesk
from firmquote.runtime.spending import Spending
from firmquote.store import Grant
from firmquote.symbols import CorporateAction, ReferenceProtocol
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


class References:
    """Bounded: a round a day for each provider, and a failed one is tried again after half an hour."""

    def __init__(
        self, sources: Sequence[Source], desk: CorporateDesk, spending: Spending, symbols: Sequence[str], clock: Clock
    ) -> None:
        self._sources = sources
        self._desk = desk
        self._spending = spending
        self._symbols = symbols
        self._clock = clock
        self._asked: dict[str, date] = {}
        self._retry_ns: dict[str, int] = {}

    async def run(self) -> None:
        """Ask whenever a day has begun, until cancelled."""
        if not self._sources:
            return
        while True:
            for source in self._sources:
                await self._look(source)
            await self._clock.sleep_until(self._clock.monotonic_ns() + LOOK_NS)

    async def _look(self, source: Source) -> None:
        today, now_ns = self._desk.today(), self._clock.monotonic_ns()
        if self._asked.get(source.provider) == today or now_ns < self._retry_ns.get(source.provider, 0):
            return
        try:
            told = await self._ask(source, today - timedelta(days=LOOK_BACK_DAYS))
            new = self._desk.tell(source.provider, told)
        except (LineError, StoreError, _RefusedError) as error:
            self._retry_ns[source.provider] = now_ns + RETRY_NS
            _log.warning("corporate actions not asked for", provider=source.provider, cause=str(error))
            return
        self._asked[source.provider] = today
        _log.info("corporate actions", provider=source.provider, told=len(told), new=new)

    async def _ask(self, source: Source, since: date) -> list[CorporateAction]:
        found: list[CorporateAction] = []
        protocol, spending = source.protocol, self._spending
        limits = HttpLimits()
        async with HttpClient(source.provider, protocol.base_url, now_ns=self._clock.now_ns, limits=limits) as client:
            for request in protocol.plan_actions(self._symbols, since=since):
                begun_ns = self._clock.monotonic_ns()
                grant = await spending.permit(source.provider, request, Purpose.WARM)
                if not isinstance(grant, Grant):
                    raise _RefusedError(grant.words)
                spending.desk.note_sent(grant)
                response = await client.get(request)
                told = protocol.on_actions(request, response, since=since)
                troubles = [each for each in told if isinstance(each, LineStatus | Unparsed)]
                spending.on_answer(grant, response, troubles)
                if troubles:
                    raise _RefusedError(f"{request.path}: {troubles[0]}")
                found += [each for each in told if not isinstance(each, LineStatus | Unparsed)]
                await self._clock.sleep_until(begun_ns + protocol.request_interval_ns)
        return found


class _RefusedError(Exception):
    """The budget or the provider said no."""

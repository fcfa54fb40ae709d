"""Asks a provider's reference API, each request within the budget, and reads old names of an instrument from it."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import TypeVar

import structlog
from msgspec.structs import replace

from firmquote.budget import AlwaysRegular, Purpose
from firmquote.errors import (
    AuthError,
    BudgetError,
    ConfigError,
    EntitlementError,
    LimitError,
    LineError,
    ProviderError,
    WireError,
)
from firmquote.model import NS_PER_S, Clock, LineState, LineStatus, Request, Response, Unparsed
from firmquote.routing import Change, ProviderManager
from firmquote.runtime.config import Config
from firmquote.runtime.front import state_dir
from firmquote.runtime.ledger_desk import LedgerDesk
from firmquote.runtime.loading import build_normalizer, open_provider
from firmquote.runtime.registry import provider_names
from firmquote.runtime.spending import Spending, ledger_path
from firmquote.store import Grant
from firmquote.symbols import Listing, NamesProtocol, TickerChange, Trouble, listing_of_changes
from firmquote.wire import HttpClient, HttpLimits

FOLLOW_UPS_MAX = 100
"""Requests that answers may ask for in one round: pages, and what a name leads to."""
_ERRORS: Mapping[LineState, type[ProviderError]] = {
    LineState.REFUSED_KEY: AuthError,
    LineState.NOT_ENTITLED: EntitlementError,
    LineState.LIMITED: LimitError,
}
T = TypeVar("T")
_log = structlog.get_logger("firmquote")


async def carry_out(
    client: HttpClient,
    request: Request,
    grant: Grant,
    spending: Spending,
    read: Callable[[Request, Response], Sequence[T | Trouble]],
) -> list[T]:
    """Make one request that was granted, and settle it; returns what its answer tells.

    Raises:
        ProviderError: no answer, a refusal, or bytes that cannot be read.
    """
    spending.desk.note_sent(grant)
    try:
        response = await client.get(request)
    except LineError:
        spending.desk.lose(grant)
        raise
    told = read(request, response)
    troubles = [each for each in told if isinstance(each, LineStatus | Unparsed)]
    spending.on_answer(grant, response, troubles)
    if troubles:
        raise _error(grant.ask.provider, request, troubles[0])
    return [each for each in told if not isinstance(each, LineStatus | Unparsed)]


async def ask_listing(
    provider: str, symbol: str, day: date, config: Config, environ: Mapping[str, str], clock: Clock
) -> Listing | None:
    """Ask `provider` for all names of the instrument that `symbol` meant on `day`; `None` where it knows none.

    Raises:
        ConfigError: it tells no old names, or its key cannot be found.
        BudgetError: the ledger that it shares with a running gateway allows no request now.
        ProviderError: it gave no answer that can be used.
    """
    opened, opening = open_provider(provider, config, environ, build_normalizer(provider_names(), config.symbols))
    if opened.open_names is None:
        raise ConfigError(f"{provider}: tells no old names. Ask polygon, or give --map-files.")
    api: NamesProtocol = opened.open_names(opening)
    budgets = replace(config.budgets, providers={k: v for k, v in config.budgets.providers.items() if k == provider})
    ledger = ledger_path(config, state_dir(config))
    spending = Spending(
        budgets,
        {provider: opened.limits(opening.config)},
        ProviderManager((provider,), config.routing, chance=lambda: 0.0, now_ns=clock.now_ns(), symbols=(symbol,)),
        clock,
        AlwaysRegular(),
        desk=lambda limits, on_trouble: LedgerDesk(ledger, limits, clock, on_trouble),
        publish=_note,
        wanted_first=provider,
    )
    running = asyncio.create_task(spending.desk.run())
    try:
        changes = await _names(provider, api, api.plan_names(symbol, day=day), spending, clock)
    finally:
        running.cancel()
        await asyncio.wait({running})
    try:
        return listing_of_changes(symbol, changes) if changes else None
    except ConfigError as error:  # what it told is no history
        raise WireError(f"{provider}: {error}", provider=provider) from error


async def _names(
    provider: str, api: NamesProtocol, planned: Sequence[Request], spending: Spending, clock: Clock
) -> list[TickerChange]:
    found: list[TickerChange] = []
    waiting = deque(planned)
    async with HttpClient(provider, api.base_url, now_ns=clock.now_ns, limits=HttpLimits()) as client:
        for _ in range(FOLLOW_UPS_MAX):
            if not waiting:
                break
            request = waiting.popleft()
            grant = await spending.permit(provider, request, Purpose.OPERATOR)
            if not isinstance(grant, Grant):
                raise BudgetError(f"{grant.words}. Try again in {max(1, grant.wait_ns // NS_PER_S)} s.")
            heard: list[TickerChange | Request] = await carry_out(client, request, grant, spending, api.on_names)
            for each in heard:
                if isinstance(each, Request):
                    waiting.append(each)
                else:
                    found.append(each)
    return found


def _error(provider: str, request: Request, trouble: Trouble) -> ProviderError:
    if isinstance(trouble, Unparsed):
        words = f"{provider}: {request.path}: an answer that fits no known shape. Tell us if it stays."
        return WireError(words, provider=provider, sample=trouble.sample)
    words = f"{provider}: {request.path}: {trouble.detail} ({trouble.state.value.replace('_', ' ')})."
    return _ERRORS.get(trouble.state, LineError)(words, provider=provider)


def _note(told: Sequence[Change]) -> None:
    for change in told:
        _log.info(change.kind, provider=change.provider, before=change.before, after=change.after, cause=change.cause)

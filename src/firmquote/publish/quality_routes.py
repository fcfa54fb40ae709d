"""The routes of data quality, corporate actions and halts."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated

from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from firmquote.model.quality import ActionsView, HaltView, QualityView
from firmquote.publish.access import AnyRequest, Guards
from firmquote.publish.quality_view import QualityPort
from firmquote.publish.safety_routes import caller_of

Cause = Annotated[str, Meta(min_length=1, max_length=500)]


class HaltOrder(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Halt trading in a symbol, or let it go on, whoever halted it."""

    halted: bool
    reason: Cause


class ActionOrder(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Tell a corporate action; what the operator tells settles what providers tell differently."""

    action: dict[str, str | int | float | None]
    """`type`, `symbol`, `effective` and the fields of its type; a ratio is a number or `"3/2"`."""
    reason: Cause


class BeliefOrder(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Believe one provider's price of a symbol that is in quarantine."""

    provider: str
    reason: Cause


def quality_routes(view: QualityPort, guards: Guards) -> Sequence[HTTPRouteHandler]:
    """Return the routes below `/v1`; what changes something takes the scope `operate`."""

    @get("/quality")
    async def quality() -> QualityView:
        """Return verdicts with their reasons, rates of refusals and mismatches with examples, clocks and halts."""
        return view.quality()

    @post("/quality/{symbol:str}/believe", guards=[guards.operate], status_code=HTTPStatus.OK)
    async def believe(symbol: FromPath[str], data: JSONBody[BeliefOrder], request: AnyRequest) -> QualityView:
        """Believe the price level on which a provider insists: ends a quarantine."""
        return view.believe(symbol, data.provider, caller=caller_of(request), reason=data.reason)

    @get("/halts")
    async def halts() -> list[HaltView]:
        """Return the halted symbols, and who says so."""
        return list(view.quality().halts)

    @post("/halts/{symbol:str}", guards=[guards.operate], status_code=HTTPStatus.OK)
    async def order_halt(symbol: FromPath[str], data: JSONBody[HaltOrder], request: AnyRequest) -> HaltView:
        """Halt a symbol, over restarts too, or let trading in it go on."""
        return view.order_halt(symbol, halted=data.halted, caller=caller_of(request), reason=data.reason)

    @get("/actions")
    async def actions() -> ActionsView:
        """Return corporate actions with their sources and state, and what conflicts."""
        return view.actions()

    @post("/actions", guards=[guards.operate], status_code=HTTPStatus.OK)
    async def tell_action(data: JSONBody[ActionOrder], request: AnyRequest) -> ActionsView:
        """Tell a corporate action."""
        return view.tell_action(data.action, caller=caller_of(request), reason=data.reason)

    return [quality, believe, halts, order_halt, actions, tell_action]

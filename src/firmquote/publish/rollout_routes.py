"""The routes of the rollout."""

from http import HTTPStatus
from typing import Annotated, Literal

from litestar import get, post
from litestar.handlers.http_handlers import HTTPRouteHandler
from litestar.params import JSONBody
from msgspec import Meta, Struct

from firmquote.model.rollout import RolloutView
from firmquote.publish.access import AnyRequest, Guards
from firmquote.publish.safety_routes import REASON_MAX, caller_of
from firmquote.publish.safety_view import RolloutOrders

Reason = Annotated[str, Meta(min_length=1, max_length=REASON_MAX)]


class PromoteOrder(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Go one stage further."""

    reason: Reason
    forced: bool = False
    """Although gates have not passed. The owner's configuration and a hold still stand in the way."""


class RollBackOrder(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Go back by one stage, or to a named one."""

    reason: Reason
    to: Literal["off", "shadow", "canary", "priority"] | None = None


class HoldOrder(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Let nothing be promoted; `held: false` lets it again."""

    reason: Reason
    held: bool = True


class ReadmitOrder(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Take a symbol out of quarantine."""

    reason: Reason
    symbol: Annotated[str, Meta(min_length=1, max_length=64)]


def rollout_routes(rollout: RolloutOrders, guards: Guards) -> list[HTTPRouteHandler]:
    """Return the routes; what changes something takes the scope `operate`."""

    @get("/rollout")
    async def show() -> RolloutView:
        """Return the stage, the gates, and what stands in the way of the next stage."""
        return rollout.view()

    @post("/rollout/promote", guards=[guards.operate], status_code=HTTPStatus.OK)
    async def promote(data: JSONBody[PromoteOrder], request: AnyRequest) -> RolloutView:
        """Go one stage further."""
        return await rollout.promote(caller_of(request), data.reason, forced=data.forced)

    @post("/rollout/rollback", guards=[guards.operate], status_code=HTTPStatus.OK)
    async def roll_back(data: JSONBody[RollBackOrder], request: AnyRequest) -> RolloutView:
        """Go back."""
        return await rollout.roll_back(caller_of(request), data.reason, to=data.to)

    @post("/rollout/hold", guards=[guards.operate], status_code=HTTPStatus.OK)
    async def hold(data: JSONBody[HoldOrder], request: AnyRequest) -> RolloutView:
        """Hold the rollout where it is, or let it go on. Rollbacks happen either way."""
        return await rollout.hold(caller_of(request), data.reason, held=data.held)

    @post("/rollout/readmit", guards=[guards.operate], status_code=HTTPStatus.OK)
    async def readmit(data: JSONBody[ReadmitOrder], request: AnyRequest) -> RolloutView:
        """Take a symbol out of quarantine."""
        return await rollout.readmit(caller_of(request), data.reason, symbol=data.symbol)

    return [show, promote, roll_back, hold, readmit]

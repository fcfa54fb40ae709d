"""The routes of kill switches, of the dead man's lease and of the audit trail."""

from http import HTTPStatus
from typing import Annotated

from litestar import get, post
from litestar.handlers.http_handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta, Struct

from firmquote.model.access import Identity
from firmquote.model.safety import AuditPage, Caller, ReloadView, RestartView, SwitchesView, SwitchOutcome, SwitchView
from firmquote.publish.access import AnyRequest, Guards, client_of
from firmquote.publish.safety_view import SafetyView

REASON_MAX = 500
PAGE_MAX = 1_000
NO_REASON = "no reason given"


class SwitchOrder(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Engage a switch, or release it. A release needs a reason; to engage, none is asked for."""

    engaged: bool
    reason: Annotated[str, Meta(max_length=REASON_MAX)] = ""
    for_s: Annotated[float, Meta(gt=0, le=31_536_000)] | None = None
    """Release by itself after this long; only with `engaged: true`."""

    def __post_init__(self) -> None:
        """Refuse a release without a reason, or with a time."""
        if not self.engaged and not self.reason.strip():
            raise ValueError("a release needs a reason")
        if not self.engaged and self.for_s is not None:
            raise ValueError("for_s is for engaging only")


def caller_of(request: AnyRequest) -> Caller:
    """Return who asks, and from where; a guard has let them in."""
    program = "cli" if request.headers.get("user-agent", "").startswith("firmquote") else "api"
    identity: Identity = request.state.identity
    return Caller(who=identity.name, where=f"{program} {client_of(request)}")


def safety_routes(view: SafetyView, guards: Guards) -> list[HTTPRouteHandler]:
    """Return the routes; what changes something takes the scope `operate`."""

    @get("/switches")
    async def switches() -> SwitchesView:
        """Return all switches and what they forbid together."""
        return view.switches()

    @get("/switches/{name:str}")
    async def switch(name: FromPath[str]) -> SwitchView:
        """Return one switch: who holds it, why and until when."""
        return view.switch(name)

    @post("/switches/{name:str}", guards=[guards.operate], status_code=HTTPStatus.OK)
    async def order_switch(name: FromPath[str], data: JSONBody[SwitchOrder], request: AnyRequest) -> SwitchOutcome:
        """Engage or release a switch."""
        if not data.engaged:
            guards.refuse_repetition(request)
        reason = data.reason.strip() or NO_REASON
        return await view.order_switch(
            name, engaged=data.engaged, caller=caller_of(request), reason=reason, for_s=data.for_s
        )

    @post("/lease", guards=[guards.operate], status_code=HTTPStatus.OK)
    async def renew_lease(request: AnyRequest) -> SwitchesView:
        """Renew the dead man's lease."""
        return view.renew_lease(caller_of(request))

    @get("/audit", guards=[guards.operate])
    async def audit(
        after: Annotated[int, QueryParameter(ge=0, le=2**62)] = 0,
        limit: Annotated[int, QueryParameter(ge=1, le=PAGE_MAX)] = 100,
    ) -> AuditPage:
        """Return audit records numbered above `after`, oldest first."""
        return await view.audit(after=after, limit=limit)

    @post("/reload", guards=[guards.admin], status_code=HTTPStatus.OK)
    async def reload(request: AnyRequest) -> ReloadView:
        """Read the configuration again; what needs a restart is said and left as it is."""
        return await view.reload(caller_of(request))

    @post("/restart", guards=[guards.admin], status_code=HTTPStatus.ACCEPTED)
    async def restart(request: AnyRequest) -> RestartView:
        """Start a process that warms up and takes over; until then, and if it fails, this one goes on."""
        return await view.restart(caller_of(request))

    return [switches, switch, order_switch, renew_lease, audit, reload, restart]

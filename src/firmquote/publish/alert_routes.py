"""`/v1/alerts` and the runbook that they point to."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated, Protocol

from litestar import MediaType, get, post
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody
from litestar.types import Guard
from msgspec import Meta, Struct

from firmquote.model.alerts import AlertReport, AlertView
from firmquote.publish.runbook import runbook_section, runbook_text


class AlertsView(Protocol):
    """What the routes need."""

    def alerts(self) -> AlertReport: ...

    def acknowledge(self, number: int, who: str, reason: str) -> AlertView:
        """Note that somebody is on it. Raises ConfigError where no such alert fires."""
        ...

    def test_alerts(self, reason: str) -> None: ...


class Test(Struct, frozen=True, forbid_unknown_fields=True):
    """Why the channels are tried."""

    reason: Annotated[str, Meta(min_length=1, max_length=500)]


class Acknowledgement(Struct, frozen=True, forbid_unknown_fields=True):
    """Who is on it and what is being done."""

    reason: Annotated[str, Meta(min_length=1, max_length=500)]
    who: Annotated[str, Meta(min_length=1, max_length=100)] = "operator"


def alert_routes(view: AlertsView, reads: list[Guard], guard: Guard) -> Sequence[HTTPRouteHandler]:
    """Return the routes; `reads` guards what is read, `guard` what changes something."""

    @get("/v1/alerts", guards=reads)
    async def alerts() -> AlertReport:
        """Return what fires, worst first, and what has resolved, newest first."""
        return view.alerts()

    @post("/v1/alerts/{number:int}/acknowledge", guards=[guard], status_code=HTTPStatus.OK)
    async def acknowledge(number: FromPath[int], data: JSONBody[Acknowledgement]) -> AlertView:
        """Take an alert: no reminder and no escalation until it resolves."""
        return view.acknowledge(number, data.who, data.reason)

    @post("/v1/alerts/test", guards=[guard], status_code=HTTPStatus.ACCEPTED)
    async def test(data: JSONBody[Test]) -> AlertReport:
        """Fire an alert that means nothing and resolves after three seconds, through every channel."""
        view.test_alerts(data.reason)
        return view.alerts()

    @get("/runbook", media_type=MediaType.TEXT, guards=reads)
    async def runbook() -> str:
        """Return the whole runbook."""
        return runbook_text()

    @get("/runbook/{name:str}", media_type=MediaType.TEXT, guards=reads)
    async def section(name: FromPath[str]) -> str:
        """Return the runbook's section for one alert."""
        found = runbook_section(name)
        if found is None:
            raise NotFoundException(f"the runbook has no section {name}")
        return found

    return [alerts, acknowledge, test, runbook, section]

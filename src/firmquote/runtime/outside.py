"""Watches a gateway from outside, for the one alert that a gateway cannot send: that it is gone.

Run it on another machine, or at least as another process; it uses the channels of the gateway's own configuration. It
answers `/runbook/NAME` itself, because the gateway, to which the link would lead, is not there.
"""

import asyncio
import ssl
from collections.abc import Callable, Mapping

import structlog
from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector, web

from firmquote.errors import PortInUseError
from firmquote.model import NS_PER_S, Clock
from firmquote.publish.alerting import AlertDesk, AlertPolicy, Condition
from firmquote.publish.runbook import runbook_section
from firmquote.runtime.delivering import Delivery

TIMEOUT = ClientTimeout(total=3)
_log = structlog.get_logger("firmquote")


class Outside:
    """Asks `url` every `every_s`, and tells people once it has not answered for `alerts.after_s.gateway_down`."""

    def __init__(
        self,
        policy: AlertPolicy,
        environ: Mapping[str, str],
        clock: Clock,
        *,
        url: str,
        every_s: float,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Open the channels. Raises ConfigError where one has no good address.

        `tls` says whose certificates are trusted, where those are not the system's authorities.
        """
        self._url = url.rstrip("/")
        self._clock = clock
        self._tls = tls
        self._every_ns = int(every_s * NS_PER_S)
        self._desk = AlertDesk(policy, policy.runbook_url or "")
        self._has_own_runbook = policy.runbook_url is None
        self._delivery = Delivery(policy, environ, clock, self._desk.confirm)

    async def run(self, host: str, port: int, announce: Callable[[str], None]) -> None:
        """Watch until cancelled. Raises PortInUseError."""
        app = web.Application()
        app.add_routes([web.get("/runbook/{name}", _answer)])
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            try:
                await web.TCPSite(runner, host, port).start()
            except OSError as error:
                raise PortInUseError(f"port {port} on {host} is taken. Choose another one with --port.") from error
            own = f"http://{host}:{runner.addresses[0][1]}/runbook/"
            if self._has_own_runbook:
                self._desk.runbook = own
            announce(own)
            if not self._delivery.channels:
                _log.warning("guard", trouble="nobody will be told: alerts.channels names nobody")
            async with asyncio.TaskGroup() as group:
                group.create_task(self._delivery.run())
                group.create_task(self._watch())
        finally:
            await runner.cleanup()

    async def _watch(self) -> None:
        async with ClientSession(timeout=TIMEOUT, connector=TCPConnector(ssl=self._tls or True)) as session:
            while True:
                trouble = await _ask(session, f"{self._url}/healthz")
                conditions = [] if trouble is None else [Condition("gateway_down", "", f"{self._url}: {trouble}")]
                for message in self._desk.observe(conditions, self._clock.now_ns()):
                    self._delivery.send(message)
                await self._clock.sleep_until(self._clock.monotonic_ns() + self._every_ns)


async def _ask(session: ClientSession, url: str) -> str | None:
    """Return why the gateway does not answer, or `None` where it does."""
    try:
        async with session.get(url) as answer:
            return None if answer.ok else f"HTTP {answer.status}"
    except (ClientError, TimeoutError) as error:
        return str(error) or f"no answer within {TIMEOUT.total:g} s"


async def _answer(request: web.Request) -> web.Response:
    found = runbook_section(request.match_info["name"])
    return web.Response(status=404) if found is None else web.Response(text=found)

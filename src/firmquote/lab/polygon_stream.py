"""What Polygon says on its stream, from the dossier (polygon.md sections 3 and 4), sharing nothing with our client."""

import json

from firmquote.lab.faults import SimQuote
from firmquote.lab.simulator import World
from firmquote.lab.streams import Connection, Farewell, Frame
from firmquote.model import NS_PER_MS

_FAREWELLS = {
    Farewell.BAD_KEY: ("auth_failed", "authentication failed"),
    Farewell.LOGIN_TIMEOUT: ("auth_timeout", "authentication timed out"),
    Farewell.TOO_MANY: ("max_connections", "Maximum number of websocket connections exceeded."),
    Farewell.TOO_SLOW: ("slow_consumer", "Client could not keep up."),
}


def _status(status: str, message: str) -> str:
    return json.dumps([{"ev": "status", "status": status, "message": message}])


class PolygonDialect:
    """One connection per key: the newest wins. Quotes in JSON text."""

    path = "/stocks"
    prefix = "Q."

    def __init__(self, world: World) -> None:
        self._clock = world.clock
        self._faults = world.faults
        self._keys = world.config.keys
        self._unit = 100 if world.config.lots else 1

    def greet(self, connection: Connection, others: list[Connection]) -> None:  # noqa: ARG002 - all are welcome
        """Say that the socket is open."""
        connection.put(_status("connected", "Connected Successfully"))

    def hear(self, connection: Connection, words: Frame, others: list[Connection]) -> None:
        """Log in, subscribe, unsubscribe."""
        try:
            action = json.loads(words)
            verb, params = str(action["action"]), str(action.get("params", ""))
        except (ValueError, KeyError, TypeError):
            connection.put(_status("error", "invalid message"))
            return
        if verb == "auth":
            self._login(connection, params, others)
        elif connection.key is None:
            connection.put(_status("error", "not authenticated"))
        else:
            self._change(connection, verb, params)

    def quotes(self, connection: Connection, quotes: list[SimQuote]) -> Frame:  # noqa: ARG002 - all read the same
        """Return the quotes as one JSON array."""
        return json.dumps([self._wire(quote) for quote in quotes], separators=(",", ":"))

    def status(self, connection: Connection, symbol: str, *, halted: bool) -> Frame | None:
        """Return a halt or its end as it comes for Nasdaq's stocks, if the client subscribed to price limits."""
        return self._luld(connection, symbol, {"i": [17 if halted else 18], "z": 3})

    def band(self, connection: Connection, symbol: str, low: float, high: float) -> Frame | None:
        """Return price limits, if the client subscribed to them."""
        return self._luld(connection, symbol, {"h": high, "l": low, "i": [1], "z": 3})

    def farewell(self, connection: Connection, cause: Farewell) -> Frame:  # noqa: ARG002 - all are told the same
        """Return the status that comes before the close."""
        return _status(*_FAREWELLS[cause])

    def _luld(self, connection: Connection, symbol: str, fields: dict[str, object]) -> Frame | None:
        if connection.channels.isdisjoint((f"LULD.{symbol}", "LULD.*")):
            return None
        return json.dumps([{"ev": "LULD", "T": symbol, **fields, "t": self._clock.now_ns() // NS_PER_MS, "q": 1}])

    def _login(self, connection: Connection, key: str, others: list[Connection]) -> None:
        if key not in self._keys or self._faults.refuses_keys(self._clock.now_ns()):
            connection.drop(self.farewell(connection, Farewell.BAD_KEY))
            return
        for other in others:
            if other.key == key:
                other.drop(self.farewell(other, Farewell.TOO_MANY))
        connection.log_in(key)
        connection.put(_status("auth_success", "authenticated"))

    def _change(self, connection: Connection, verb: str, params: str) -> None:
        for channel in params.split(","):
            new = channel not in connection.channels or channel in connection.forgotten
            if verb == "subscribe" and new:
                connection.channels.add(channel)
                connection.forgotten.discard(channel)
                connection.put(_status("success", f"subscribed to: {channel}"))
            elif verb == "unsubscribe" and channel in connection.channels:
                connection.channels.discard(channel)
                connection.put(_status("success", f"unsubscribed to: {channel}"))

    def _wire(self, quote: SimQuote) -> dict[str, object]:
        return {
            "ev": "Q",
            "sym": quote.symbol,
            "bx": 11,
            "bp": quote.bid,
            "bs": quote.bid_size_shares // self._unit,
            "ax": 12,
            "ap": quote.ask,
            "as": quote.ask_size_shares // self._unit,
            "c": 0,
            "t": quote.event_ns // NS_PER_MS,
            "q": quote.sequence,
            "z": 1,
        }

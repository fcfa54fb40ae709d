"""What Alpaca says on its stream, from the dossier (alpaca.md sections 2 to 5), sharing nothing with our client."""

import re
from collections.abc import Mapping

import msgspec

from firmquote.lab.faults import Fault, SimQuote
from firmquote.lab.simulator import World
from firmquote.lab.streams import Connection, Farewell, Frame
from firmquote.lab.times import rfc3339_nano
from firmquote.model import NS_PER_S

FREE_SYMBOLS = 30
LOT_SHARES = 100
_CHANNELS = ("trades", "quotes", "bars", "updatedBars", "dailyBars", "statuses", "lulds")
_FOLLOW_TRADES = ("corrections", "cancelErrors")
_COUNTED = ("trades", "quotes")
"""Channels whose symbols the free plan counts (that statuses are not counted is unconfirmed)."""
_SYMBOL = re.compile(r"[A-Z][A-Z0-9]*(\.[A-Z]+)*|\*")
_WORDS = {
    400: "invalid syntax",
    401: "not authenticated",
    402: "auth failed",
    403: "already authenticated",
    404: "auth timeout",
    405: "symbol limit exceeded",
    406: "connection limit exceeded",
    407: "slow client",
    409: "insufficient subscription",
}
_FAREWELLS = {Farewell.BAD_KEY: 402, Farewell.LOGIN_TIMEOUT: 404, Farewell.TOO_MANY: 406, Farewell.TOO_SLOW: 407}


class AlpacaDialect:
    """One connection per account and feed: the first one stays, a second is refused. JSON, or msgpack if asked for."""

    path = "/v2/{feed:iex|sip|delayed_sip}"
    prefix = "quotes."

    def __init__(self, world: World) -> None:
        self._clock = world.clock
        self._faults = world.faults
        self._keys = {tuple(key.partition(":")[::2]) for key in world.config.keys}
        self._free = world.config.free_plan
        self._unit = LOT_SHARES if world.config.lots else 1

    def greet(self, connection: Connection, others: list[Connection]) -> None:
        """Say that the socket is open; the upgrade may already have brought the key."""
        _say(connection, {"T": "success", "msg": "connected"})
        key_id = connection.headers.get("APCA-API-KEY-ID")
        if key_id is not None:
            self._login(connection, key_id, connection.headers.get("APCA-API-SECRET-KEY", ""), others)

    def hear(self, connection: Connection, words: Frame, others: list[Connection]) -> None:
        """Log in, subscribe, unsubscribe."""
        try:
            message = msgspec.msgpack.decode(words) if isinstance(words, bytes) else msgspec.json.decode(words)
            action = message["action"]
        except (msgspec.DecodeError, KeyError, TypeError):
            _refuse(connection, 400)
            return
        if action == "auth":
            self._login(connection, str(message.get("key")), str(message.get("secret")), others)
        elif connection.key is None:
            _refuse(connection, 401)
        elif action in ("subscribe", "unsubscribe"):
            self._change(connection, action, message)
        else:
            _refuse(connection, 400)

    def quotes(self, connection: Connection, quotes: list[SimQuote]) -> Frame:
        """Return the quotes as one array."""
        return _encode(connection, [self._wire(connection, quote) for quote in quotes])

    def status(self, connection: Connection, symbol: str, *, halted: bool) -> Frame | None:
        """Return a trading status in the codes of tape C, if the client subscribed to statuses."""
        if not _wants(connection, "statuses", symbol):
            return None
        code, words, cause = ("H", "Trading Halt", "T12") if halted else ("T", "Trading Resumption", "C11")
        at = _time(connection, self._clock.now_ns())
        message = {"T": "s", "S": symbol, "sc": code, "sm": words, "rc": cause, "rm": "", "t": at, "z": "C"}
        return _encode(connection, [message])

    def band(self, connection: Connection, symbol: str, low: float, high: float) -> Frame | None:
        """Return price limits, if the client subscribed to them."""
        if not _wants(connection, "lulds", symbol):
            return None
        at = _time(connection, self._clock.now_ns())
        return _encode(connection, [{"T": "l", "S": symbol, "u": high, "d": low, "i": "B", "t": at, "z": "C"}])

    def farewell(self, connection: Connection, cause: Farewell) -> Frame:
        """Return the error that comes before the close."""
        return _encode(connection, [_error(_FAREWELLS[cause])])

    def _login(self, connection: Connection, key_id: str, secret: str, others: list[Connection]) -> None:
        now_ns = self._clock.now_ns()
        if connection.key is not None:
            _refuse(connection, 403)
        elif (key_id, secret) not in self._keys or self._faults.refuses_keys(now_ns):
            connection.drop(self.farewell(connection, Farewell.BAD_KEY))
        elif self._free and connection.path.endswith("/sip"):
            connection.drop(_encode(connection, [_error(409)]))
        elif self._faults.active(Fault.EVICT, now_ns) or any(
            (other.key, other.path) == (key_id, connection.path) for other in others
        ):
            connection.drop(self.farewell(connection, Farewell.TOO_MANY))
        else:
            connection.log_in(key_id)
            _say(connection, {"T": "success", "msg": "authenticated"})

    def _change(self, connection: Connection, action: str, message: Mapping[str, object]) -> None:
        named: set[str] = set()
        for channel, symbols in message.items():
            if channel == "action":
                continue
            if channel not in _CHANNELS or not isinstance(symbols, list) or not all(map(_is_symbol, symbols)):
                _refuse(connection, 400)
                return
            named |= {f"{channel}.{symbol}" for symbol in symbols}
        after = connection.channels | named if action == "subscribe" else connection.channels - named
        if self._free and sum(channel.split(".")[0] in _COUNTED for channel in after) > FREE_SYMBOLS:
            _refuse(connection, 405)
            return
        connection.channels = after
        connection.forgotten -= named
        sets = {channel: _symbols_of(after, channel) for channel in _CHANNELS}
        _say(connection, {"T": "subscription", **sets, **dict.fromkeys(_FOLLOW_TRADES, sets["trades"])})

    def _wire(self, connection: Connection, quote: SimQuote) -> dict[str, object]:
        return {
            "T": "q",
            "S": quote.symbol,
            "bx": "Q",
            "bp": quote.bid,
            "bs": quote.bid_size_shares // self._unit,
            "ax": "K",
            "ap": quote.ask,
            "as": quote.ask_size_shares // self._unit,
            "t": _time(connection, quote.event_ns),
            "c": ["R"],
            "z": "C",
        }


def _wants(connection: Connection, channel: str, symbol: str) -> bool:
    return not connection.channels.isdisjoint((f"{channel}.{symbol}", f"{channel}.*"))


def _is_binary(connection: Connection) -> bool:
    return connection.headers.get("Content-Type") == "application/msgpack"


def _time(connection: Connection, at_ns: int) -> object:
    return _timestamp(at_ns) if _is_binary(connection) else rfc3339_nano(at_ns)


def _is_symbol(text: object) -> bool:
    return isinstance(text, str) and _SYMBOL.fullmatch(text) is not None


def _symbols_of(channels: set[str], name: str) -> list[str]:
    return sorted(channel.partition(".")[2] for channel in channels if channel.startswith(name + "."))


def _encode(connection: Connection, messages: list[dict[str, object]]) -> Frame:
    return msgspec.msgpack.encode(messages) if _is_binary(connection) else msgspec.json.encode(messages).decode()


def _say(connection: Connection, message: dict[str, object]) -> None:
    connection.put(_encode(connection, [message]))


def _error(code: int) -> dict[str, object]:
    return {"T": "error", "code": code, "msg": _WORDS[code]}


def _refuse(connection: Connection, code: int) -> None:
    _say(connection, _error(code))


def _timestamp(at_ns: int) -> msgspec.msgpack.Ext:
    """Return msgpack's own timestamp of 96 bits, which keeps the nanoseconds."""
    seconds, rest_ns = divmod(at_ns, NS_PER_S)
    return msgspec.msgpack.Ext(-1, rest_ns.to_bytes(4, "big") + seconds.to_bytes(8, "big", signed=True))

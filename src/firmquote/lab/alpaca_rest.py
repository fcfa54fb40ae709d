"""Alpaca's REST endpoints as a simulator, from the dossier (alpaca.md sections 1 to 6)."""

import json
import re
from collections.abc import Awaitable, Callable
from datetime import datetime

from aiohttp import web

from firmquote.lab.alpaca_reference import AlpacaReferenceRest
from firmquote.lab.alpaca_stream import LOT_SHARES
from firmquote.lab.faults import Fault, SimQuote
from firmquote.lab.limits import MinuteLimit
from firmquote.lab.simulator import World
from firmquote.lab.times import rfc3339_nano
from firmquote.model import NS_PER_S

FREE_PER_MINUTE = 200
PLUS_PER_MINUTE = 10_000
PAGE_MAX = 10_000
_TOO_MANY = "too many requests."
_NO_SIP = "subscription does not permit querying recent SIP data"
_SYMBOL = re.compile(r"[A-Z][A-Z0-9]*(\.[A-Z]+)*")
_FEEDS = ("iex", "sip", "delayed_sip")


class AlpacaRest:
    """Latest quotes and trades, snapshots and quote history."""

    def __init__(self, world: World) -> None:
        self.served = 0
        self.refused = 0
        config = world.config
        self._world = world
        self._clock = world.clock
        self._faults = world.faults
        self._keys = {tuple(key.partition(":")[::2]) for key in config.keys}
        self._free = config.free_plan
        self._limit = MinuteLimit(FREE_PER_MINUTE if config.free_plan else config.per_minute or PLUS_PER_MINUTE)
        self._unit = LOT_SHARES if config.lots else 1
        self._reference = AlpacaReferenceRest(world.market.reference, world.clock, self)

    def routes(self) -> list[web.RouteDef]:
        """Return the endpoints."""
        return [
            web.get("/v2/stocks/quotes/latest", self._each("quotes", self._quote)),
            web.get("/v2/stocks/trades/latest", self._each("trades", self._trade)),
            web.get("/v2/stocks/snapshots", self._each(None, self._snapshot)),
            web.get("/v2/stocks/quotes", self._history),
            web.get("/v2/stocks/{symbol}/quotes/latest", self._one),
            *self._reference.routes(),
        ]

    def _each(
        self, wrapped_in: str | None, read: Callable[[str], dict[str, object] | None]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        """Return a handler that reads every named symbol; those without an answer are absent."""

        async def handle(request: web.Request) -> web.Response:
            symbols = self._symbols(request)
            if not isinstance(symbols, list):
                return symbols
            found: dict[str, object] = {symbol: body for symbol in symbols if (body := read(symbol)) is not None}
            return self.ok(found if wrapped_in is None else {wrapped_in: found})

        return handle

    async def _one(self, request: web.Request) -> web.Response:
        denied = self.deny(request)
        if denied is not None:
            return denied
        symbol = request.match_info["symbol"]
        quote = self._quote(symbol)
        if quote is None:
            return self.error(404, f"no quote found for {symbol}")
        return self.ok({"symbol": symbol, "quote": quote})

    async def _history(self, request: web.Request) -> web.Response:
        symbols = self._symbols(request)
        if not isinstance(symbols, list):
            return symbols
        try:
            limit = min(int(request.query.get("limit", 1_000)), PAGE_MAX)
            token = request.query.get("page_token", f"0-{self._clock.now_ns()}")
            offset, end_ns = map(int, token.split("-"))
            start = datetime.fromisoformat(request.query.get("start", "1970-01-01T00:00:00+00:00")).timestamp()
        except ValueError:
            return self.error(400, "limit, page_token and start must be readable")
        quotes = [
            quote
            for symbol in symbols
            for quote in self._world.market.recent.get(symbol, [])
            if start * NS_PER_S <= quote.event_ns <= end_ns  # the market goes on between two pages
        ]
        page: dict[str, list[dict[str, object]]] = {}
        for quote in quotes[offset : offset + limit]:
            page.setdefault(quote.symbol, []).append(self._wire(quote))
        more = f"{offset + limit}-{end_ns}" if offset + limit < len(quotes) else None
        return self.ok({"quotes": page, "next_page_token": more})

    def _quote(self, symbol: str) -> dict[str, object] | None:
        quote = self._world.shown.get(symbol)
        return None if quote is None else self._wire(quote)

    def _trade(self, symbol: str) -> dict[str, object] | None:
        found = self._world.market.trades.get(symbol)
        if found is None:
            return None
        at_ns, row = found
        return {
            "t": rfc3339_nano(at_ns), "x": "V", "p": row.price, "s": row.size_shares, "c": ["@"], "i": 1, "z": "C",
        }  # fmt: skip

    def _snapshot(self, symbol: str) -> dict[str, object] | None:
        quote = self._quote(symbol)
        if quote is None:
            return None
        missing = dict.fromkeys(("minuteBar", "dailyBar", "prevDailyBar"))
        return {"latestTrade": self._trade(symbol), "latestQuote": quote, **missing}

    def _wire(self, quote: SimQuote) -> dict[str, object]:
        return {
            "t": rfc3339_nano(quote.event_ns),
            "ax": "K",
            "ap": quote.ask,
            "as": quote.ask_size_shares // self._unit,
            "bx": "Q",
            "bp": quote.bid,
            "bs": quote.bid_size_shares // self._unit,
            "c": ["R"],
            "z": "C",
        }

    def _symbols(self, request: web.Request) -> list[str] | web.Response:
        denied = self.deny(request)
        if denied is not None:
            return denied
        symbols = [symbol for symbol in request.query.get("symbols", "").split(",") if symbol]
        if not symbols:
            return self.error(400, "symbols is required")
        wrong = [symbol for symbol in symbols if not _SYMBOL.fullmatch(symbol)]
        return self.error(400, f"invalid symbol: {wrong[0]}!") if wrong else symbols

    def deny(self, request: web.Request) -> web.Response | None:
        """Return why `request` is not served, or `None` where it is."""
        now_ns = self._clock.now_ns()
        key = request.headers.get("APCA-API-KEY-ID", ""), request.headers.get("APCA-API-SECRET-KEY", "")
        if key not in self._keys or self._faults.refuses_keys(now_ns):
            return self.error(401, "unauthorized")
        if self._faults.active(Fault.HTTP_500, now_ns):
            return self.error(500, "internal server error")
        if self._faults.active(Fault.HTTP_429, now_ns) or not self._limit.take(now_ns):
            return self.error(429, _TOO_MANY)
        if self._faults.active(Fault.HTTP_NOTE, now_ns):
            return self.error(200, _TOO_MANY)
        feed = request.query.get("feed", "iex" if self._free else "sip")
        if feed not in _FEEDS:
            return self.error(400, f"invalid feed: {feed}")
        return self.error(403, _NO_SIP) if self._free and feed == "sip" else None

    def ok(self, body: dict[str, object]) -> web.Response:
        """Return an answer, and count it."""
        self.served += 1
        payload = self._faults.corrupt(json.dumps(body).encode(), self._clock.now_ns())
        return web.Response(body=payload, content_type="application/json", headers=self._rate())

    def error(self, status: int, words: str) -> web.Response:
        """Return a refusal, and count it."""
        self.refused += 1
        return web.json_response({"message": words}, status=status, headers=self._rate())

    def _rate(self) -> dict[str, str]:
        limit, left, reset_s = self._limit.standing(self._clock.now_ns())
        return {
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Remaining": str(left),
            "X-RateLimit-Reset": str(reset_s),
        }

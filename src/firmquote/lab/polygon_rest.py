"""Polygon's REST endpoints as a simulator, from the dossier (polygon.md sections 1 to 3 and 6)."""

import json
from itertools import count

from aiohttp import web

from firmquote.lab.faults import Fault, SimQuote
from firmquote.lab.limits import MinuteLimit
from firmquote.lab.polygon_reference import PolygonReferenceRest
from firmquote.lab.simulator import World
from firmquote.lab.times import rfc3339_eastern

LIMIT_WORDS = (
    "You've exceeded the maximum requests per minute, please wait or upgrade your subscription to continue. "
    "https://polygon.io/pricing"
)
FREE_PER_MINUTE = 5
PAGE_DEFAULT = 1_000
PAGE_MAX = 50_000


class PolygonRest:
    """Last NBBO, last trade, snapshots, quote history and market status, of the market's present moment."""

    def __init__(self, world: World) -> None:
        self.served = 0
        self.refused = 0
        self._market = world.market
        self._shown = world.shown
        self._clock = world.clock
        self._faults = world.faults
        self._keys = world.config.keys
        self._limit = MinuteLimit(FREE_PER_MINUTE if world.config.free_plan else world.config.per_minute)
        self._ids = count(1)
        self._reference = PolygonReferenceRest(world.market.reference, world.clock, self)

    def routes(self) -> list[web.RouteDef]:
        """Return the endpoints."""
        snapshot = "/v2/snapshot/locale/us/markets/stocks/tickers"
        return [
            web.get("/v2/last/nbbo/{ticker}", self._nbbo),
            web.get("/v2/last/trade/{ticker}", self._trade),
            web.get(snapshot, self._snapshots),
            web.get(snapshot + "/{ticker}", self._snapshot),
            web.get("/v3/quotes/{ticker}", self._history),
            web.get("/v1/marketstatus/now", self._market_status),
            *self._reference.routes(),
        ]

    async def _nbbo(self, request: web.Request) -> web.Response:
        denied = self.deny(request)
        if denied is not None:
            return denied
        quote = self._shown.get(request.match_info["ticker"])
        if quote is None:
            return self.error(404, "NOT_FOUND", "Data not found.")
        venues = {"x": 11, "X": 12, "z": 1}
        results = {"T": quote.symbol, **_upper(quote), **venues, "q": quote.sequence, "y": quote.event_ns}
        return self.ok({"results": results})

    async def _trade(self, request: web.Request) -> web.Response:
        denied = self.deny(request)
        if denied is not None:
            return denied
        found = self._market.trades.get(request.match_info["ticker"])
        if found is None:
            return self.error(404, "NOT_FOUND", "Data not found.")
        at_ns, row = found
        results = {"T": row.symbol, "p": row.price, "s": row.size_shares, "t": at_ns, "y": at_ns, "x": 11, "z": 1}
        return self.ok({"results": {**results, "i": "1", "q": 1, "c": []}})

    async def _snapshots(self, request: web.Request) -> web.Response:
        denied = self.deny(request)
        if denied is not None:
            return denied
        wanted = [ticker for ticker in request.query.get("tickers", "").split(",") if ticker]
        symbols = [symbol for symbol in wanted or self._market.symbols if symbol in self._shown]
        return self.ok({"count": len(symbols), "tickers": [self._ticker(symbol) for symbol in symbols]})

    async def _snapshot(self, request: web.Request) -> web.Response:
        denied = self.deny(request)
        if denied is not None:
            return denied
        ticker = request.match_info["ticker"]
        if ticker not in self._shown:
            return self.error(404, "NOT_FOUND", "Ticker not found.")
        return self.ok({"ticker": self._ticker(ticker)})

    async def _history(self, request: web.Request) -> web.Response:
        denied = self.deny(request)
        if denied is not None:
            return denied
        query = request.query
        try:
            limit = min(int(query.get("limit", PAGE_DEFAULT)), PAGE_MAX)
            after = int(query.get("timestamp.gte", 0))
            before = int(query.get("timestamp.lte", 2**63))
            offset = int(query.get("cursor", 0))
        except ValueError:
            return self.error(400, "ERROR", "limit and timestamps must be whole numbers")
        quotes = self._market.recent.get(request.match_info["ticker"], [])
        inside = [quote for quote in quotes if after <= quote.event_ns <= before]
        ordered = inside if query.get("order") == "asc" else inside[::-1]
        page = ordered[offset : offset + limit]
        more = {}
        if offset + limit < len(ordered):  # the market goes on between two pages: they end where the first one did
            last_ns = min(before, quotes[-1].event_ns)
            url = request.url.update_query({"cursor": offset + limit, "timestamp.lte": last_ns})
            more["next_url"] = str(url.without_query_params("apiKey"))
        return self.ok({"results": [_long(quote) for quote in page], **more})

    async def _market_status(self, request: web.Request) -> web.Response:
        denied = self.deny(request)
        if denied is not None:
            return denied
        return self.ok(
            {
                "market": "open",
                "earlyHours": False,
                "afterHours": False,
                "serverTime": rfc3339_eastern(self._clock.now_ns()),
                "exchanges": {"nyse": "open", "nasdaq": "open", "otc": "open"},
                "currencies": {"fx": "open", "crypto": "open"},
            }
        )

    def _ticker(self, symbol: str) -> dict[str, object]:
        quote = self._shown[symbol]
        body: dict[str, object] = {"ticker": symbol, "updated": quote.event_ns, "lastQuote": _upper(quote)}
        trade = self._market.trades.get(symbol)
        if trade is not None:
            at_ns, row = trade
            change = row.price - self._market.first_price[symbol]
            body["lastTrade"] = {"c": None, "i": "1", "p": row.price, "s": row.size_shares, "t": at_ns, "x": 11}
            body["todaysChange"] = round(change, 4)
            body["todaysChangePerc"] = round(change / self._market.first_price[symbol] * 100, 4)
        return body

    def deny(self, request: web.Request) -> web.Response | None:
        """Return why `request` is not served, or `None` where it is."""
        now_ns = self._clock.now_ns()
        bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
        key = bearer or request.query.get("apiKey", "")
        if not key:
            return self.error(401, "ERROR", "API Key was not provided")
        if key not in self._keys or self._faults.refuses_keys(now_ns):
            return self.error(401, "ERROR", "Unknown API Key")
        if self._faults.active(Fault.HTTP_500, now_ns):
            self.refused += 1
            return web.Response(status=500, text="<html>Internal Server Error</html>", content_type="text/html")
        if self._faults.active(Fault.HTTP_429, now_ns) or not self._limit.take(now_ns):
            return self.error(429, "ERROR", LIMIT_WORDS)
        if self._faults.active(Fault.HTTP_NOTE, now_ns):
            return self.error(200, "ERROR", LIMIT_WORDS)
        return None

    def ok(self, body: dict[str, object]) -> web.Response:
        """Return an answer, and count it."""
        self.served += 1
        text = json.dumps({"status": "OK", "request_id": f"{next(self._ids):032x}", **body})
        payload = self._faults.corrupt(text.encode(), self._clock.now_ns())
        return web.Response(body=payload, content_type="application/json")

    def error(self, status: int, word: str, words: str) -> web.Response:
        """Return a refusal, and count it."""
        self.refused += 1
        field = "error" if word == "ERROR" else "message"
        return web.json_response({"status": word, "request_id": f"{next(self._ids):032x}", field: words}, status=status)


def _upper(quote: SimQuote) -> dict[str, object]:
    """Lower case is the bid, upper case the ask; `t` in nanoseconds."""
    return {
        "p": quote.bid,
        "s": quote.bid_size_shares,
        "P": quote.ask,
        "S": quote.ask_size_shares,
        "t": quote.event_ns,
    }


def _long(quote: SimQuote) -> dict[str, object]:
    return {
        "bid_price": quote.bid,
        "bid_size": quote.bid_size_shares,
        "bid_exchange": 11,
        "ask_price": quote.ask,
        "ask_size": quote.ask_size_shares,
        "ask_exchange": 12,
        "sip_timestamp": quote.event_ns,
        "participant_timestamp": quote.event_ns,
        "sequence_number": quote.sequence,
        "tape": 1,
    }

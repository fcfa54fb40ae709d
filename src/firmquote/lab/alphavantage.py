"""Alpha Vantage as a simulator, from the dossier: one URL, strings for numbers, HTTP 200 for everything."""

import json
from collections.abc import Mapping
from decimal import Decimal

from aiohttp import web

from firmquote.lab.faults import Fault
from firmquote.lab.limits import MinuteLimit
from firmquote.lab.simulator import Kind, World
from firmquote.lab.times import eastern
from firmquote.model import NS_PER_S
from firmquote.symbols import Dividend, SpinOff, Split

SITE = "https://www.alphavantage.co"
MISSING_KEY = (
    f"the parameter apikey is invalid or missing. Please claim your free API key on ({SITE}/support/#api-key). "
    "It should take less than 20 seconds."
)
DEMO_KEY = (
    f"The **demo** API key is for demo purposes only. Please claim your free API key at ({SITE}/support/#api-key) "
    "to explore our full API offerings."
)
PREMIUM = (
    f"Thank you for using Alpha Vantage! This is a premium endpoint. You may subscribe to any of the premium plans at "
    f"{SITE}/premium/ to instantly unlock all premium endpoints"
)
BURST = (
    "Thank you for using Alpha Vantage! Please consider spreading out your free API requests more sparingly "
    f"(1 request per second). You may subscribe to any of the premium plans at {SITE}/premium/ to lift the free key "
    "rate limit (25 requests per day) and instantly remove all daily rate limits."
)
MINUTE = "Minute-level rate limit exceed. Please spread out your requests."
FREE_PER_DAY = 25
PREMIUM_PER_MINUTE = 75
BULK_MAX = 100


class AlphaVantageSimulator:
    """Sells the last prices of the tape's trades."""

    def __init__(self, world: World) -> None:
        self.served = 0
        self.refused = 0
        self._market = world.market
        self._shown = world.shown
        self._clock = world.clock
        self._faults = world.faults
        self._keys = world.config.keys
        self._premium = not world.config.free_plan
        self._limit = MinuteLimit(world.config.per_minute or PREMIUM_PER_MINUTE)
        self._today = ""
        self._used_today = 0
        self._last_ns = 0

    def routes(self) -> list[web.RouteDef]:
        """Return the one endpoint."""
        return [web.get("/query", self._query)]

    async def _query(self, request: web.Request) -> web.Response:
        now_ns = self._clock.now_ns()
        if self._faults.active(Fault.HTTP_500, now_ns):
            self.refused += 1
            return web.Response(status=503, text="<html>Service Unavailable</html>", content_type="text/html")
        if self._faults.active(Fault.HTTP_429, now_ns):
            self.refused += 1
            return web.Response(status=429, text="Too Many Requests")
        key = request.query.get("apikey", "")
        notice = self._notice(key, request.query.get("function", ""), now_ns)
        if notice is not None:
            self.refused += 1
            return self._answer(notice, now_ns)
        self.served += 1
        return self._serve(request, now_ns)

    def _notice(self, key: str, function: str, now_ns: int) -> dict[str, object] | None:
        if not key or self._faults.refuses_keys(now_ns):
            return {"Error Message": MISSING_KEY}
        if key == "demo":
            return {"Information": DEMO_KEY}
        if self._faults.active(Fault.HTTP_NOTE, now_ns):
            return {"Information": _daily(key)}
        if self._premium and key in self._keys:
            return None if self._limit.take(now_ns) else {"Information": MINUTE}
        if function == "REALTIME_BULK_QUOTES":
            return {"Information": PREMIUM}
        return self._free_limit(key, now_ns)

    def _free_limit(self, key: str, now_ns: int) -> dict[str, object] | None:
        today = eastern(now_ns).date().isoformat()
        if today != self._today:
            self._today, self._used_today = today, 0
        if now_ns - self._last_ns < NS_PER_S:
            return {"Information": BURST}
        self._last_ns = now_ns
        self._used_today += 1
        return {"Information": _daily(key)} if self._used_today > FREE_PER_DAY else None

    def _serve(self, request: web.Request, now_ns: int) -> web.Response:
        function = request.query.get("function", "")
        symbol = request.query.get("symbol", "")
        match function:
            case "GLOBAL_QUOTE" if not symbol:
                return self._answer({"Error Message": _invalid(function)}, now_ns)
            case "GLOBAL_QUOTE":
                fields = self._global_quote(symbol)
                if request.query.get("datatype") == "csv":
                    return self._csv(fields, now_ns)
                late = request.query.get("entitlement") == "delayed"
                name = "Global Quote - DATA DELAYED BY 15 MINUTES" if late else "Global Quote"
                return self._answer({name: fields}, now_ns)
            case "REALTIME_BULK_QUOTES":
                rows = [self._bulk_row(one) for one in symbol.split(",")[:BULK_MAX]]
                body = {"endpoint": "Realtime Bulk Quotes", "message": "success", "data": rows}
                return self._answer(body, now_ns)
            case "SPLITS" | "DIVIDENDS":
                rows = self._splits(symbol) if function == "SPLITS" else self._dividends(symbol)
                return self._answer({"symbol": symbol, "data": rows}, now_ns)
            case "SYMBOL_SEARCH":
                return self._answer({"bestMatches": self._matches(request.query.get("keywords", ""))}, now_ns)
            case "MARKET_STATUS":
                return self._answer({"endpoint": "Global Market Open & Close Status", "markets": [_MARKET]}, now_ns)
        return self._answer({"Error Message": f"This API function ({function}) does not exist."}, now_ns)

    def _prices(self, spelling: str) -> tuple[int, float, float, int] | None:
        symbol = spelling.replace("-", ".")
        trade = self._shown.get(symbol)
        if trade is None:
            return None
        return trade.event_ns, trade.bid, self._market.first_price[symbol], self._market.day_volume[symbol]

    def _global_quote(self, spelling: str) -> dict[str, str]:
        found = self._prices(spelling)
        if found is None:
            return {}
        at_ns, price, before, volume = found
        change = Decimal(str(price)) - Decimal(str(before))
        return {
            "01. symbol": spelling,
            "02. open": f"{before:.4f}",
            "03. high": f"{max(price, before):.4f}",
            "04. low": f"{min(price, before):.4f}",
            "05. price": f"{price:.4f}",
            "06. volume": str(volume),
            "07. latest trading day": eastern(at_ns).date().isoformat(),
            "08. previous close": f"{before:.4f}",
            "09. change": f"{change:.4f}",
            "10. change percent": f"{float(change) / before * 100:.4f}%",
        }

    def _bulk_row(self, spelling: str) -> dict[str, str]:
        found = self._prices(spelling)
        if found is None:
            return {"symbol": spelling, "timestamp": "", "close": "N/A", "volume": "N/A", "previous_close": "N/A"}
        at_ns, price, before, volume = found
        return {
            "symbol": spelling,
            "timestamp": eastern(at_ns).replace(tzinfo=None).isoformat(" ", timespec="milliseconds"),
            "open": str(before),
            "high": str(max(price, before)),
            "low": str(min(price, before)),
            "close": str(price),
            "volume": str(volume),
            "previous_close": str(before),
            "change": str(round(price - before, 4)),
            "change_percent": str(round((price - before) / before * 100, 4)),
            "extended_hours_quote": "",
            "extended_hours_change": "",
            "extended_hours_change_percent": "",
        }

    def _splits(self, spelling: str) -> list[dict[str, str]]:
        """Spin-offs are among them, as factors."""
        found = []
        for each in self._market.reference.of(spelling.replace("-", ".")):
            if isinstance(each, Split):
                factor = each.ratio
            elif isinstance(each, SpinOff) and each.price_factor is not None:
                factor = 1 / each.price_factor
            else:
                continue
            found.append({"effective_date": each.effective.isoformat(), "split_factor": f"{float(factor):.4f}"})
        return found

    def _dividends(self, spelling: str) -> list[dict[str, str]]:
        none = dict.fromkeys(("declaration_date", "record_date", "payment_date"), "None")
        return [
            {"ex_dividend_date": each.effective.isoformat(), **none, "amount": f"{each.cash_usd:g}"}
            for each in self._market.reference.of(spelling.replace("-", "."))
            if isinstance(each, Dividend)
        ]

    def _matches(self, keywords: str) -> list[dict[str, str]]:
        found = [symbol for symbol in self._market.symbols if keywords and keywords.upper() in symbol]
        return [
            {"1. symbol": symbol, "2. name": symbol, "3. type": "Equity", "4. region": "United States",
             "5. marketOpen": "09:30", "6. marketClose": "16:00", "7. timezone": "UTC-04", "8. currency": "USD",
             "9. matchScore": f"{len(keywords) / len(symbol):.4f}"}
            for symbol in found
        ]  # fmt: skip

    def _answer(self, body: Mapping[str, object], now_ns: int) -> web.Response:
        payload = self._faults.corrupt(json.dumps(body, indent=4).encode(), now_ns)
        return web.Response(body=payload, content_type="application/json")

    def _csv(self, fields: dict[str, str], now_ns: int) -> web.Response:
        header = "symbol,open,high,low,price,volume,latestDay,previousClose,change,changePercent"
        text = "\r\n".join([header, *([",".join(fields.values())] if fields else [])]) + "\r\n"
        return web.Response(body=self._faults.corrupt(text.encode(), now_ns), content_type="application/x-download")


def _daily(key: str) -> str:
    return (
        f"We have detected your API key as {key} and our standard API rate limit is {FREE_PER_DAY} requests per day. "
        f"Please subscribe to any of the premium plans at {SITE}/premium/ to instantly remove all daily rate limits."
    )


def _invalid(function: str) -> str:
    return f"Invalid API call. Please retry or visit the documentation ({SITE}/documentation/) for {function}."


_MARKET = {
    "market_type": "Equity",
    "region": "United States",
    "primary_exchanges": "NASDAQ, NYSE, AMEX, BATS",
    "local_open": "09:30",
    "local_close": "16:15",
    "current_status": "open",
    "notes": "",
}

ALPHA_VANTAGE = Kind(title="Alpha Vantage", port=8092, rest=AlphaVantageSimulator, last_prices=True)

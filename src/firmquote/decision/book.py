"""What is held and what is on its way, together: the numbers that gates and stops look at."""

from collections.abc import Mapping

from firmquote.decision.portfolio import Portfolio
from firmquote.decision.situation import Exposure, Held
from firmquote.decision.working import WorkingOrders
from firmquote.model.trading import MICROS_PER_USD, Side

_NOTHING_HELD = Held()


class Book:
    """Reads `portfolio` and `orders`; owns the sectors."""

    def __init__(self, portfolio: Portfolio, orders: WorkingOrders, sectors: Mapping[str, str]) -> None:
        self.portfolio = portfolio
        self.orders = orders
        members: dict[str, list[str]] = {}
        for symbol, sector in sectors.items():
            members.setdefault(sector, []).append(symbol)
        self._sector_of = {symbol: members[sector] for symbol, sector in sectors.items()}

    def held(self, symbol: str) -> Held:
        """Return what is held of a symbol and what its working orders may do."""
        position = self.portfolio.positions.get(symbol)
        buying = self.orders.open_shares(symbol, Side.BUY)
        selling = self.orders.open_shares(symbol, Side.SELL)
        if position is None or not position.shares:
            return Held(buying_shares=buying, selling_shares=selling) if buying or selling else _NOTHING_HELD
        return Held(
            shares=position.shares,
            average_cost=position.average_cost,
            best=position.best,
            buying_shares=buying,
            selling_shares=selling,
        )

    def exposure(self, symbol: str) -> Exposure:
        """Return what is at risk, working orders included."""
        portfolio, orders = self.portfolio, self.orders
        day_pct, week_pct = portfolio.drawdown_pct()
        sector = self._sector_of.get(symbol, (symbol,))
        return Exposure(
            symbol_usd=self._at_risk(symbol) / MICROS_PER_USD,
            sector_usd=sum(map(self._at_risk, sector)) / MICROS_PER_USD,
            gross_usd=(portfolio.gross_micros + orders.reserved_micros) / MICROS_PER_USD,
            net_usd=(portfolio.net_micros + orders.reserved_micros) / MICROS_PER_USD,
            orders_today=portfolio.account.orders_today,
            nav_usd=portfolio.nav_micros / MICROS_PER_USD,
            drawdown_day_pct=day_pct,
            drawdown_week_pct=week_pct,
        )

    def _at_risk(self, symbol: str) -> int:
        return abs(self.portfolio.value_micros(symbol)) + self.orders.reserved_of(symbol)

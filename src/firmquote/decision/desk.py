"""The desk: from a view to orders, and from fills to positions. Pure; what must last leaves as a `Batch`.

A decision changes the desk at once (the next one counts its order already), and the shell then stores what
`take_batch` returns, all of it or nothing, before any order of it reaches a broker.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from math import ceil, floor

from msgspec import Struct

from firmquote.decision.book import Book
from firmquote.decision.broker import Broker
from firmquote.decision.config import DecisionConfig
from firmquote.decision.engine import DecisionEngine, Outcome
from firmquote.decision.gates import COLLAR_BPS
from firmquote.decision.judge import UNITS, Intent, document, hit_stop
from firmquote.decision.market import MarketView
from firmquote.decision.portfolio import Account, Adjustment, Position
from firmquote.decision.receipt import Receipt, Rules, rules_of
from firmquote.decision.working import OrderUpdate
from firmquote.model import BPS, NS_PER_S, USABLE
from firmquote.model.trading import Fill, Order, OrderState, Side
from firmquote.symbols import CorporateAction

STORE = "store"
"""Who pauses while what must last cannot be written."""
UNSTORED_MAX = 10_000
"""Records that may wait to be stored; beyond that nothing is opened, and decisions are counted only."""
BEST_KEPT_NS = NS_PER_S
"""How often the best prices of positions and the best value of the account are stored while they rise."""

Witness = Callable[[str, int], tuple[tuple[MarketView, ...], dict[str, int]]]
"""(symbol, now) → the quotes that are not used, and what was refused of the provider that serves."""


class Batch(Struct, frozen=True, kw_only=True):
    """What must be stored together. Orders and positions replace older ones of the same key."""

    receipts: tuple[Receipt, ...] = ()
    orders: tuple[Order, ...] = ()
    fills: tuple[Fill, ...] = ()
    positions: tuple[Position, ...] = ()
    adjustments: tuple[Adjustment, ...] = ()
    account: Account | None = None

    @property
    def has_books(self) -> bool:
        """Whether there is more in it than receipts."""
        return bool(self.orders or self.fills or self.positions or self.adjustments or self.account)

    def __bool__(self) -> bool:
        return bool(self.receipts) or self.has_books


class Desk:
    """Joins the engine, its book and a broker."""

    def __init__(
        self, engine: DecisionEngine, broker: Broker, *, next_number: int, witness: Witness, day: date
    ) -> None:
        self.engine = engine
        self.book = engine.book
        self.broker = broker
        self.rules: Rules = rules_of(engine.config)
        self.next_number = next_number
        self._witness = witness
        self._config: DecisionConfig = engine.config
        self._cancelled: set[str] = set()
        self._receipts: list[Receipt] = []
        self._orders: dict[str, Order] = {}
        self._fills: list[Fill] = []
        self._positions: dict[str, Position] = {}
        self._adjustments: list[Adjustment] = []
        self._account = False
        self._best_kept_ns = 0
        engine.pauses.update(self.book.portfolio.account.latched)
        self.begin_day(day)

    # -- the hot path

    def on_view(self, view: MarketView, now_ns: int) -> None:
        """Mark what is held, decide, and let the broker see the price where it has orders."""
        symbol, book = view.symbol, self.book
        bid, ask = view.bid, view.ask
        if symbol in book.portfolio.positions and view.graded.grade >= USABLE:
            if bid is not None and ask is not None:
                book.portfolio.mark(symbol, bid, ask)
            elif view.last is not None:
                book.portfolio.mark(symbol, view.last, view.last)
        if symbol in book.orders.by_symbol:
            self.broker.on_view(view, now_ns)
            self._make_way(view)
        outcome = self.engine.look(view, now_ns)
        if outcome is not None:
            self._act(outcome)

    # -- time

    def on_timer(self, now_ns: int) -> None:
        """Book what the broker did, cancel what may not work any longer, and watch the losses."""
        for event in self.broker.take(now_ns):
            if isinstance(event, Fill):
                self._on_fill(event)
            else:
                self._on_update(event)
        self.book.portfolio.note_best()
        self._watch_losses()
        if self.engine.pauses:
            self.cancel_opening()
        self.cancel(order.key for order in self.book.orders.by_key.values() if not self._may_work(order))
        self._keep_best(now_ns)

    def begin_day(self, day: date) -> None:
        """A trading day begins: what counts per day starts anew."""
        if day != self.book.portfolio.account.day:
            self.book.portfolio.begin_day(day)
            self._account = True

    def carry(self, actions: Sequence[CorporateAction]) -> tuple[str, ...]:
        """Apply the corporate actions that are due; returns the symbols whose positions changed."""
        today = self.book.portfolio.account.day
        self.cancel(order.key for order in self.book.orders.touched(actions, today))
        before = {symbol: position.shares for symbol, position in self.book.portfolio.positions.items()}
        changed = self.book.portfolio.carry(actions, today)
        for position in changed:
            self._positions[position.symbol] = position
            more = position.shares - before.get(position.symbol, 0)
            if more:
                self._adjustments.append(
                    Adjustment(symbol=position.symbol, shares=more, day=today, words="corporate action")
                )
            self._account = True
        return tuple(position.symbol for position in changed)

    def restore(self, book: Book, *, next_number: int, day: date) -> None:
        """Go on with what was stored; what was produced before it was read is forgotten."""
        self.take_batch()
        self._cancelled.clear()
        self.book = self.engine.book = book
        self.next_number = next_number
        self.engine.pauses.update(book.portfolio.account.latched)
        self.begin_day(day)

    def latch(self, who: str, why: str) -> None:
        """Pause the opening of risk until an operator resumes, also over restarts."""
        self.book.portfolio.latch(who, why)
        self.engine.pauses[who] = why
        self._account = True

    def resume(self) -> tuple[str, ...]:
        """Lift every latched pause and measure losses from here; returns what was lifted."""
        lifted = tuple(self.book.portfolio.account.latched.values())
        for who in self.book.portfolio.account.latched:
            self.engine.pauses.pop(who, None)
        self.book.portfolio.resume()
        self._account = True
        return lifted

    # -- orders

    def cancel_opening(self, symbols: Iterable[str] | None = None) -> None:
        """Ask for the end of the working orders that open risk: of some symbols, or all."""
        wanted = None if symbols is None else frozenset(symbols)
        self.cancel(
            order.key
            for order in self.book.orders.by_key.values()
            if order.opens_risk and (wanted is None or order.symbol in wanted)
        )

    def cancel(self, keys: Iterable[str]) -> None:
        """Ask for the end of orders, once each."""
        for key in list(keys):
            if key not in self._cancelled:
                self._cancelled.add(key)
                self.broker.cancel(key)

    # -- what must last

    @property
    def unstored(self) -> int:
        """How many records wait to be stored."""
        return len(self._receipts) + len(self._fills) + len(self._orders) + len(self._positions) + self._account

    @property
    def has_books(self) -> bool:
        """Whether more than receipts waits to be stored: orders, which nobody may have before that, or the account."""
        return bool(self._orders or self._fills or self._positions or self._account)

    def take_batch(self) -> Batch:
        """Return everything that changed since the last call; the caller stores it before it calls `on_stored`."""
        batch = Batch(
            receipts=tuple(self._receipts),
            orders=tuple(self._orders.values()),
            fills=tuple(self._fills),
            positions=tuple(map(self.book.portfolio.with_mark, self._positions.values())),
            adjustments=tuple(self._adjustments),
            account=self.book.portfolio.account if self._account else None,
        )
        self._receipts, self._orders, self._fills, self._positions, self._adjustments = [], {}, [], {}, []
        self._account = False
        return batch

    def on_stored(self, batch: Batch, now_ns: int) -> None:
        """Hand the orders of a stored batch to the broker; one that it has already is left alone.

        One that was cancelled while it waited for the disk never gets there: the broker could not know of that.
        """
        for order in batch.orders:
            if order.state is not OrderState.PENDING or order.key not in self.book.orders.by_key:
                continue
            if order.key in self._cancelled:
                self._on_update(OrderUpdate(order.key, OrderState.CANCELLED, "cancelled before it was sent"))
            else:
                self.broker.place(order, now_ns)

    def take_last(self) -> Batch:
        """Return everything, with the marks and the best prices of now, for a process that goes on after this one."""
        self._positions |= self.book.portfolio.positions
        self._account = True
        return self.take_batch()

    # -- how

    def _make_way(self, view: MarketView) -> None:
        """A stop, or a score that gives up everything, does not wait behind a smaller order or a limit out of reach."""
        held = self.book.held(view.symbol)
        if not held.shares or not held.reducing_shares:
            return
        stopped = hit_stop(view, held, self._config.stops) is not None
        if stopped or (held.reducing_shares < abs(held.shares) and self.engine.gives_up_by_score(view.symbol)):
            self.cancel(
                order.key
                for order in self.book.orders.of(view.symbol)
                if not order.opens_risk and (order.limit_price is not None or not stopped)
            )

    def _may_work(self, order: Order) -> bool:
        """Say whether switches let the order go on: some forbid only what opens risk."""
        permission = self.engine.permission_now(order.symbol)
        return permission.switch is None or (permission.may_reduce and not order.opens_risk)

    def _keep_best(self, now_ns: int) -> None:
        """See that what trailing stops and drawdowns are measured from is stored, once a second at most."""
        if abs(now_ns - self._best_kept_ns) < BEST_KEPT_NS:
            return
        self._best_kept_ns = now_ns
        risen, account_too = self.book.portfolio.take_risen()
        for symbol in risen:
            self._positions[symbol] = self.book.portfolio.positions[symbol]
        self._account = self._account or account_too

    def _act(self, outcome: Outcome) -> None:
        if self.unstored > UNSTORED_MAX:
            self.engine.pauses[STORE] = f"{self.unstored} records wait to be stored"
            self.engine.unrecorded += 1
            return
        number, self.next_number = self.next_number, self.next_number + 1
        situation, verdict = outcome.situation, outcome.verdict
        order = self._order_for(outcome, number)
        others, refused = self._witness(situation.view.symbol, situation.now_ns)
        self._receipts.append(
            Receipt(
                decision=document(number, situation, verdict, self._config),
                situation=situation,
                others=others,
                refused=refused,
                order=None if order is None else order.key,
                config_version=self.rules.version,
                permissions=tuple([self.engine.permission(view.symbol, view.provider) for view in others]),
            )
        )
        self.engine.on_recorded(outcome, number)
        if order is not None:
            self.engine.on_ordered(outcome)
            self.book.orders.add(order)
            self._orders[order.key] = order
            if order.opens_risk:
                self.book.portfolio.count_order()
                self._account = True

    def _order_for(self, outcome: Outcome, number: int) -> Order | None:
        if STORE in self.engine.pauses:  # after a crash nobody would know of it
            return None
        if outcome.verdict.intent in UNITS:
            return self._opening(outcome, number)
        if outcome.verdict.intent is not Intent.REDUCE:
            return None
        self.cancel_opening((outcome.situation.view.symbol,))
        return self._reducing(outcome, number)

    def _opening(self, outcome: Outcome, number: int) -> Order | None:
        view, units = outcome.situation.view, UNITS[outcome.verdict.intent]
        ask = view.ask if view.ask is not None else view.mid
        assert ask is not None, "no gate lets risk be opened without a price"
        policy = self._config.orders
        reach_bps = policy.limit_bps if policy.type == "limit" else COLLAR_BPS
        limit = _to_tick(ask * (1 + reach_bps / BPS), up=True)
        shares = int(units * self._config.unit_usd / limit)
        if not shares:
            return None
        return self._order(outcome, number, Side.BUY, shares, limit, reserve=limit)

    def _reducing(self, outcome: Outcome, number: int) -> Order | None:
        situation, verdict = outcome.situation, outcome.verdict
        if not self.engine.reduces_now(situation, verdict):
            return None
        view, held = situation.view, situation.held
        side = Side.SELL if held.shares > 0 else Side.BUY
        price = view.bid if side is Side.SELL else view.ask
        price = view.mid if price is None else price
        assert price is not None, "a usable quote has a price"
        shares = abs(held.shares)
        if not self.engine.gives_up(situation, verdict):
            shares = min(shares, max(1, int(self._config.unit_usd / price)))
        policy = self._config.orders
        limit = None
        if policy.type == "limit" and verdict.stop is None:
            selling = side is Side.SELL
            limit = _to_tick(price * (1 + (-policy.limit_bps if selling else policy.limit_bps) / BPS), up=not selling)
        return self._order(outcome, number, side, shares, limit, reserve=None)

    def _order(
        self, outcome: Outcome, number: int, side: Side, shares: int, limit: float | None, *, reserve: float | None
    ) -> Order:
        situation = outcome.situation
        day = self.book.portfolio.account.day
        return Order(
            key=f"{situation.view.symbol}-{number}-{day:%Y%m%d}",
            symbol=situation.view.symbol,
            decision=number,
            day=day.isoformat(),
            side=side,
            quantity_shares=shares,
            limit_price=limit,
            intent=outcome.verdict.intent.value,
            cause=outcome.verdict.stop or f"score {situation.score:+.2f}",
            created_ns=situation.now_ns,
            expires_ns=situation.now_ns + int(self._config.orders.expire_s * NS_PER_S),
            reserve_price=reserve,
        )

    def _on_fill(self, fill: Fill) -> None:
        if fill.key not in self.book.orders.by_key:
            what = f"{fill.side.value} {fill.shares} {fill.symbol} at {fill.price:g}, {fill.key}"
            self.latch(
                "orders",
                f"{self.broker.name} filled what is no working order ({what}), and our books do not have it: "
                "compare them with what it holds, then `firmquote decisions resume`",
            )
            return
        order = self.book.orders.on_fill(fill)
        self._orders[order.key] = order
        self._fills.append(fill)
        self._positions[fill.symbol] = self.book.portfolio.fill(fill)
        self._account = True
        self._if_final(order)

    def _on_update(self, update: OrderUpdate) -> None:
        order = self.book.orders.on_update(update)
        if order is not None:
            self._orders[order.key] = order
            self._if_final(order)

    def _if_final(self, order: Order) -> None:
        if order.state.final:
            self._cancelled.discard(order.key)
            self.engine.think_again(order.symbol)

    def _watch_losses(self) -> None:
        limits = self._config.drawdown
        day_pct, week_pct = self.book.portfolio.drawdown_pct()
        for name, lost, limit in (
            ("day", day_pct, limits.day_pause_pct),
            ("week", week_pct, limits.week_pause_pct),
        ):
            if lost >= limit and name not in self.book.portfolio.account.latched:
                self.latch(name, f"{lost:.2f} % lost of the {name}'s best")


def _to_tick(price: float, *, up: bool) -> float:
    """Round to what the exchange takes: cents, or hundredths of a cent below one dollar."""
    steps = 100 if price >= 1 else 10_000
    return (ceil if up else floor)(round(price * steps, 6)) / steps

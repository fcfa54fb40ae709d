"""What happens to the board when a provider sends wrong quotes? Real ticks, faults at random times, virtual time.

Two streams bring the same ticks, the second a little later; a third provider is asked for the last trade every three
seconds. The fault is in the first stream, which serves. For each class of fault: how often it was caught, how fast, and
the worst price that was published meanwhile, in basis points from the tape's own.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Iterator, Sequence
from random import Random

from msgspec import Struct, structs

from firmquote.lab.faults import DEFAULT_MAGNITUDE, ActiveFault, Fault, FaultSet, SimQuote
from firmquote.lab.rehearsal import Rehearsal
from firmquote.lab.tape import Tape, TapeQuote, TapeTrade
from firmquote.model import BPS, NS_PER_MS, NS_PER_S, USABLE, Grade, LastPrice, Price, Quote
from firmquote.model.drill import DrillCheck, DrillReport, at_least, at_most
from firmquote.runtime.config import QualitySection

FAULTY, WITNESS, LAST = "first", "second", "last"
STEP_NS = 5 * NS_PER_MS
WITNESS_LATER_NS = 30 * NS_PER_MS
ASKED_NS = 3 * NS_PER_S
WARM_UP_S = 10.0
FAULT_S = 20.0
NEVER_MS = FAULT_S * 1_000
"""What stands in the report for the time to catch what was not caught while the fault lasted."""
TRUTH_NS = NS_PER_S
"""What is shown is compared with the tape of the last second: a quote may be that late and still be right."""


class FaultClass(Struct, frozen=True, kw_only=True):
    """One way of being wrong, with what is asked of the defence."""

    name: str
    fault: Fault
    magnitude: float = 0.0
    caught_ms_max: float
    firm_bps_max: float
    """How wrong a price may be that is published as firm."""


CLASSES = (
    FaultClass(name="prices x10 (split)", fault=Fault.SCALE, magnitude=10, caught_ms_max=100, firm_bps_max=5),
    FaultClass(name="prices /10 (split)", fault=Fault.SCALE, magnitude=0.1, caught_ms_max=100, firm_bps_max=5),
    FaultClass(name="prices x2 (split)", fault=Fault.SCALE, magnitude=2, caught_ms_max=100, firm_bps_max=5),
    FaultClass(name="cents (prices x100)", fault=Fault.SCALE, magnitude=100, caught_ms_max=100, firm_bps_max=5),
    FaultClass(name="sizes x100", fault=Fault.SIZES, magnitude=100, caught_ms_max=10_000, firm_bps_max=5),
    FaultClass(name="sizes /100", fault=Fault.SIZES, magnitude=0.01, caught_ms_max=10_000, firm_bps_max=5),
    FaultClass(name="stale repeat", fault=Fault.REPEAT, caught_ms_max=20_000, firm_bps_max=20),
    FaultClass(name="drifting 5 bps/s", fault=Fault.DRIFT, magnitude=5, caught_ms_max=5_000, firm_bps_max=110),
    FaultClass(name="mixed symbols", fault=Fault.MIX_UP, caught_ms_max=100, firm_bps_max=5),
    FaultClass(name="clock +3 s", fault=Fault.WRONG_CLOCK, magnitude=3, caught_ms_max=100, firm_bps_max=5),
    FaultClass(name="clock -3 s", fault=Fault.WRONG_CLOCK, magnitude=-3, caught_ms_max=100, firm_bps_max=5),
    FaultClass(name="clock +1 h", fault=Fault.WRONG_CLOCK, magnitude=3_600, caught_ms_max=100, firm_bps_max=5),
    FaultClass(name="clock -1 h", fault=Fault.WRONG_CLOCK, magnitude=-3_600, caught_ms_max=100, firm_bps_max=5),
    FaultClass(name="crossed", fault=Fault.CROSS, caught_ms_max=100, firm_bps_max=5),
)


class Trial(Struct, frozen=True, kw_only=True):
    """One run. `caught_ms` counts from the first wrong quote; `None` where nothing was noticed."""

    caught_ms: float | None
    firm_bps: float
    """The worst price that was shown as firm."""
    shown_bps: float
    """The worst price that was shown as firm or indicative."""
    unfit: tuple[str, ...]
    """Reasons for which the witness, who is right, was found unfit."""


class Row(Struct, frozen=True, kw_only=True):
    """One line of the table."""

    name: str
    trials: int
    caught: int
    median_ms: float | None
    worst_ms: float | None
    worst_firm_bps: float
    worst_shown_bps: float
    false_verdicts: int


def run_drill(
    tape: Tape, *, trials: int, seed: int, policy: QualitySection | None = None
) -> tuple[DrillReport, list[Row]]:
    """Run every class `trials` times, and as often without a fault; returns the checks and the table."""
    policy = policy or QualitySection()
    rows: list[Row] = []
    checks: list[DrillCheck] = []
    for kind in CLASSES:
        random = Random(f"{seed} {kind.name}")  # noqa: S311 - a replayable choice of times, no secret
        row = _row(kind.name, [run_trial(tape, kind, random, policy) for _ in range(trials)])
        rows.append(row)
        checks += [
            at_least(f"{kind.name}: caught", row.caught / row.trials, 1.0, "share"),
            at_most(
                f"{kind.name}: time to catch",
                NEVER_MS if row.worst_ms is None else row.worst_ms,
                kind.caught_ms_max,
                "ms",
            ),
            at_most(f"{kind.name}: worst firm price", row.worst_firm_bps, kind.firm_bps_max, "bps"),
            at_most(f"{kind.name}: witness blamed", row.false_verdicts, 0, "verdicts"),
        ]
    random = Random(f"{seed} no fault")  # noqa: S311 - as above
    calm = _row("no fault", [run_trial(tape, None, random, policy) for _ in range(trials)])
    rows.append(calm)
    checks += [
        at_most("no fault: false alarms", calm.caught + calm.false_verdicts, 0, "verdicts"),
        at_most("no fault: worst firm price", calm.worst_firm_bps, 5, "bps"),
    ]
    return DrillReport(drill="quality", checks=tuple(checks)), rows


def run_trial(tape: Tape, kind: FaultClass | None, random: Random, policy: QualitySection) -> Trial:
    """Play a random stretch of the tape, with the fault from a random moment on."""
    length_ns = int((WARM_UP_S + 2 + FAULT_S) * NS_PER_S)
    start_ns = random.randrange(tape.start_ns, tape.end_ns - length_ns)
    fault_ns = start_ns + int((WARM_UP_S + 2 * random.random()) * NS_PER_S)
    return _Run(tape, kind, start_ns, fault_ns, policy).play(start_ns + length_ns)


class _Run:
    """One trial while it runs."""

    def __init__(
        self, tape: Tape, kind: FaultClass | None, start_ns: int, fault_ns: int, policy: QualitySection
    ) -> None:
        self._kind = kind
        self._fault_ns = fault_ns
        self._rows = tape.rows
        self._place = bisect_left(tape.rows, start_ns, key=lambda row: row.ts_ns)
        self._now_ns = start_ns
        self._gateway = Rehearsal(tape.symbols, [FAULTY, WITNESS], [LAST], now_ns=start_ns, policy=policy)
        self._faults = FaultSet()
        self._later: deque[SimQuote] = deque()
        self._truth: dict[str, deque[tuple[int, Price]]] = {symbol: deque() for symbol in tape.symbols}
        self._trades: dict[str, Price] = {}
        self._asked_ns = start_ns
        self._sequence = 0
        self._wrong_ns: int | None = None
        self._caught_ns: int | None = None
        self._refused = 0
        self._firm_bps = 0.0
        self._shown_bps = 0.0
        self._unfit: set[str] = set()

    def play(self, until_ns: int) -> Trial:
        self._step(self._standing())
        while self._now_ns < until_ns:
            self._now_ns += STEP_NS
            quotes: list[SimQuote] = []
            while self._place < len(self._rows) and self._rows[self._place].ts_ns <= self._now_ns:
                row = self._rows[self._place]
                self._place += 1
                if isinstance(row, TapeTrade):
                    self._trades[row.symbol] = row.price
                else:
                    quotes.append(self._sim(row))
            self._step(quotes)
        caught = self._caught_ns
        wrong_ns = self._fault_ns if self._wrong_ns is None else self._wrong_ns
        return Trial(
            caught_ms=None if caught is None else (caught - wrong_ns) / NS_PER_MS,
            firm_bps=self._firm_bps,
            shown_bps=self._shown_bps,
            unfit=tuple(sorted(self._unfit)),
        )

    def _standing(self) -> list[SimQuote]:
        """What every symbol's quote was when the stretch begins, as a backfill would bring it."""
        newest: dict[str, TapeQuote] = {}
        for place in range(self._place - 1, -1, -1):
            row = self._rows[place]
            if isinstance(row, TapeQuote):
                newest.setdefault(row.symbol, row)
            if len(newest) == len(self._truth):
                break
        return [self._sim(structs.replace(row, ts_ns=self._now_ns)) for row in newest.values()]

    def _sim(self, row: TapeQuote) -> SimQuote:
        self._sequence += 1
        self._truth[row.symbol].append((row.ts_ns, (row.bid + row.ask) / 2))
        sizes = row.bid_size_shares, row.ask_size_shares
        return SimQuote(row.symbol, row.bid, sizes[0], row.ask, sizes[1], row.ts_ns, self._sequence)

    def _step(self, quotes: list[SimQuote]) -> None:
        gateway, now_ns = self._gateway, self._now_ns
        gateway.clock.move_to(now_ns)
        self._begin_fault()
        wrong = self._faults.distort(quotes, now_ns)
        if wrong:
            if self._wrong_ns is None and now_ns >= self._fault_ns:
                self._wrong_ns = now_ns
            gateway.send(FAULTY, wrong)
        self._later.extend(quotes)
        due = []
        while self._later and self._later[0].event_ns + WITNESS_LATER_NS <= now_ns:
            due.append(self._later.popleft())
        if due:
            gateway.send(WITNESS, due)
        if now_ns >= self._asked_ns:
            self._asked_ns += ASKED_NS
            for symbol, price in self._trades.items():
                gateway.answer(LAST, symbol, price)
        ran = gateway.move_to(now_ns)
        self._notice()
        if ran:
            self._measure()

    def _begin_fault(self) -> None:
        kind = self._kind
        if kind is None or self._now_ns < self._fault_ns or self._faults.active(kind.fault, self._now_ns):
            return
        self._refused = self._refusals()
        magnitude = kind.magnitude or DEFAULT_MAGNITUDE.get(kind.fault, 0.0)
        self._faults.inject(ActiveFault(fault=kind.fault, since_ns=self._now_ns, magnitude=magnitude))

    def _refusals(self) -> int:
        return sum(self._gateway.feeds[FAULTY].refused.values())

    def _notice(self) -> None:
        lines = [entry.lines for entry in self._gateway.board.entries.values()]
        self._unfit.update(v.reason.value for by in lines if (v := by[WITNESS].verdict) is not None and v.excludes)
        if self._caught_ns is not None or self._now_ns < self._fault_ns:
            return
        found = any(by[FAULTY].verdict is not None for by in lines)
        if found or (self._kind is not None and self._refusals() > self._refused):
            self._caught_ns = self._now_ns

    def _measure(self) -> None:
        if self._now_ns < self._fault_ns:
            return
        for symbol, truth in self._truth.items():
            while len(truth) > 1 and truth[1][0] <= self._now_ns - TRUTH_NS:
                truth.popleft()
            view = self._gateway.view(symbol)
            if not truth or view.price is None or view.graded.grade < USABLE:
                continue
            away_bps = _away_bps(_shown_price(view.price), [price for _, price in truth])
            self._shown_bps = max(self._shown_bps, away_bps)
            if view.graded.grade is Grade.FIRM:
                self._firm_bps = max(self._firm_bps, away_bps)


def _shown_price(price: Quote | LastPrice) -> Price:
    if isinstance(price, LastPrice):
        return price.price
    sides = [side for side in (price.bid, price.ask) if side is not None]
    return sum(sides) / len(sides)


def _away_bps(price: Price, truth: Sequence[Price]) -> float:
    low, high = min(truth), max(truth)
    return max(0.0, low - price, price - high) / low * BPS


def _row(name: str, found: Sequence[Trial]) -> Row:
    times = sorted(trial.caught_ms for trial in found if trial.caught_ms is not None)
    return Row(
        name=name,
        trials=len(found),
        caught=len(times),
        median_ms=times[len(times) // 2] if times else None,
        worst_ms=times[-1] if times else None,
        worst_firm_bps=max(trial.firm_bps for trial in found),
        worst_shown_bps=max(trial.shown_bps for trial in found),
        false_verdicts=sum(len(trial.unfit) for trial in found),
    )


def table_lines(rows: Sequence[Row]) -> Iterator[str]:
    """Yield the table as text, for people."""
    yield f"{'fault':22}{'caught':>9}{'median ms':>11}{'worst ms':>10}{'firm bps':>10}{'shown bps':>11}{'blamed':>8}"
    for row in rows:
        median_ms = "-" if row.median_ms is None else f"{row.median_ms:.0f}"
        worst_ms = "-" if row.worst_ms is None else f"{row.worst_ms:.0f}"
        yield (
            f"{row.name:22}{f'{row.caught}/{row.trials}':>9}{median_ms:>11}{worst_ms:>10}"
            f"{row.worst_firm_bps:>10.1f}{row.worst_shown_bps:>11.1f}{row.false_verdicts:>8}"
        )


__all__ = ["CLASSES", "FaultClass", "Row", "Trial", "run_drill", "run_trial", "table_lines"]

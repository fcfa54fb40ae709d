"""Does the watch cry wolf? Real ticks with nothing wrong, in virtual time: whatever moves is a false failover."""

from bisect import bisect_left
from collections import deque
from collections.abc import Sequence

from msgspec import Struct

from firmquote.lab.faults import SimQuote
from firmquote.lab.rehearsal import Rehearsal
from firmquote.lab.tape import Tape, TapeQuote, TapeTrade
from firmquote.model import NS_PER_MS, NS_PER_S, Session
from firmquote.routing import ElectionPolicy, RoutingPolicy
from firmquote.runtime.config import QualitySection

STEP_NS = 10 * NS_PER_MS
LATER_NS = 6 * NS_PER_MS
"""How much later each further stream brings the same quote."""
ASKED_NS = 3 * NS_PER_S
"""How often the polled provider is asked for each symbol."""


class Calm(Struct, frozen=True, kw_only=True):
    """What happened although nothing was wrong."""

    quotes: int
    seconds: float
    """Of virtual time."""
    role_moves: int
    line_verdicts: tuple[str, ...]
    score_max: float
    """The highest score of silence of any stream: 1 would have been a verdict, so 1 minus this is the margin."""
    line_score_max: float
    """The same of any single line."""


class _Copy:
    """One stream: the tape, a little later."""

    def __init__(self, name: str, later_ns: int) -> None:
        self.name = name
        self.later_ns = later_ns
        self.waiting: deque[SimQuote] = deque()

    def due(self, now_ns: int) -> list[SimQuote]:
        found = []
        while self.waiting and self.waiting[0].event_ns + self.later_ns <= now_ns:
            found.append(self.waiting.popleft())
        return found


def stay_calm(
    tape: Tape,
    *,
    streams: Sequence[str] = ("a", "b"),
    last: Sequence[str] = ("polled",),
    speed: float = 1.0,
    session: Session = Session.REGULAR,
    sessions: Sequence[tuple[int, Session]] = (),
) -> Calm:
    """Play the whole tape, `speed` times as fast, through healthy providers.

    It begins in `session`; `sessions` says which parts of the day begin later, and when by the tape.
    """
    base_ns = tape.start_ns

    def at_ns(ts_ns: int) -> int:
        return base_ns + int((ts_ns - base_ns) / speed)

    end_ns = at_ns(tape.end_ns)
    gateway = Rehearsal(
        tape.symbols,
        streams,
        last,
        now_ns=base_ns,
        policy=QualitySection(),
        routing=RoutingPolicy(election=ElectionPolicy(failback_after_s=1.0)),
    )
    gateway.begin(session)
    copies = [_Copy(name, place * LATER_NS + 2 * NS_PER_MS) for place, name in enumerate(streams)]
    trades: dict[str, float] = {}
    asked_ns = now_ns = base_ns
    place, sequence, score_max, line_score_max = 0, 0, 0.0, 0.0
    to_come = deque(sessions)
    while now_ns < end_ns:
        now_ns += STEP_NS
        upto = bisect_left(tape.rows, base_ns + int((now_ns - base_ns) * speed), lo=place, key=lambda row: row.ts_ns)
        for row in tape.rows[place:upto]:
            if isinstance(row, TapeTrade):
                trades[row.symbol] = row.price
            else:
                sequence += 1
                for copy in copies:
                    copy.waiting.append(_sim(row, at_ns(row.ts_ns), sequence))
        place = upto
        gateway.clock.move_to(now_ns)
        if to_come and now_ns >= at_ns(to_come[0][0]):
            gateway.begin(to_come.popleft()[1])
        for copy in copies:
            quotes = copy.due(now_ns)
            if quotes:
                gateway.send(copy.name, quotes)
        if now_ns - asked_ns >= ASKED_NS:
            asked_ns = now_ns
            for name in last:
                for symbol, price in trades.items():
                    gateway.answer(name, symbol, price)
        if gateway.move_to(now_ns):
            watch = gateway.conductor.watch
            suspicions = [found for name in streams if (found := watch.suspicion(name)) is not None]
            score_max = max(score_max, *(found.score.total for found in suspicions))
            line_score_max = max(line_score_max, *gateway.line_scores())
    events = gateway.conductor.events
    return Calm(
        quotes=sequence,
        seconds=(end_ns - base_ns) / NS_PER_S,
        role_moves=sum(event.kind == "role" for event in events),
        line_verdicts=tuple(f"{e.provider} {e.symbol}: {e.cause}" for e in events if e.kind == "line" and e.blame),
        score_max=score_max,
        line_score_max=line_score_max,
    )


def _sim(row: TapeQuote, event_ns: int, sequence: int) -> SimQuote:
    return SimQuote(row.symbol, row.bid, row.bid_size_shares, row.ask, row.ask_size_shares, event_ns, sequence)

"""What the gateway says of single lines, of silence and of everything that moved."""

from collections.abc import Mapping, Sequence

from msgspec import structs

from firmquote.board import Feed
from firmquote.errors import ConfigError
from firmquote.model import NS_PER_MS, Clock
from firmquote.model.metric import Metric, by, counter, gauge
from firmquote.model.status import LineHealth
from firmquote.routing import Status
from firmquote.runtime.conductor import Conductor


class RoutingReport:
    """Synchronous and in memory: each answer is made when it is asked for."""

    def __init__(self, conductor: Conductor, feeds: Mapping[str, Feed], clock: Clock) -> None:
        self._conductor = conductor
        self._feeds = feeds
        self._clock = clock

    def lines(self, provider: str) -> Sequence[LineHealth]:
        """Return every line of a provider, in alphabetical order. Raises ConfigError where there is none such."""
        feed = self._feeds.get(provider)
        if feed is None:
            raise ConfigError(f"{provider}: no such provider here. Choose one of: {', '.join(self._feeds)}.")
        now_ns = self._clock.now_ns()
        found = []
        for symbol, line in sorted(feed.lines.items()):
            meter = self._conductor.frozen.meter(provider, symbol)
            usual_ns = None if meter is None else meter.usual_gap_ns
            against = self._conductor.manager.lines.against(provider, symbol)
            price = line.price
            lasting = next((objection.words for objection in against.values() if not objection.passing), None)
            if lasting is not None:
                status = Status.FAILED
            elif price is None:
                status = Status.CONNECTING
            elif against or self._conductor.manager.lines.is_recovering(provider, symbol):
                status = Status.DEGRADED
            else:
                status = Status.HEALTHY
            found.append(
                LineHealth(
                    symbol=symbol,
                    serving=line.entry.elected is line,
                    status=status.value,
                    unfit=next((objection.words for objection in against.values()), None),
                    staleness_ms=None if price is None else max(0, now_ns - price.received_ns) / NS_PER_MS,
                    usual_gap_ms=None if usual_ns is None else usual_ns / NS_PER_MS,
                    peer_updates=None if meter is None else meter.peers,
                    refused_by_reason={reason.value: count for reason, count in line.refused.items()},
                    consecutive_refusals=line.consecutive_refusals,
                )
            )
        return found

    def metrics(self) -> list[Metric]:
        """Return what Prometheus may want of it."""
        conductor = self._conductor
        lines = conductor.manager.lines
        suspicions = {name: found for name in self._feeds if (found := conductor.watch.suspicion(name)) is not None}
        scores = {name: found.score.total for name, found in suspicions.items()}
        serving = {
            name: sum(line.entry.elected is line for line in feed.lines.values()) for name, feed in self._feeds.items()
        }
        unfit = {name: len(lines.symbols_against(name)) for name in self._feeds}
        return [
            gauge("silence_score", "All evidence of a stream's silence; 1 is a verdict.", by("provider", scores)),
            gauge(
                "silence_evidence",
                "The parts of that score, each 1 where it would be a verdict by itself.",
                (
                    ((("provider", name), ("evidence", kind)), value)
                    for name, found in suspicions.items()
                    for kind, value in structs.asdict(found.score).items()
                ),
            ),
            gauge("symbols_serving", "Symbols shown from this provider.", by("provider", serving)),
            gauge("symbols_unfit", "Symbols that this provider may not serve.", by("provider", unfit)),
            counter(
                "answers_overdue_total",
                "Answers later than nearly all before, so that another provider was asked or shown meanwhile.",
                by("provider", conductor.hedger.counts),
            ),
            counter(
                "events_total",
                "Changes of roles, health, breakers, lines and clocks, by kind and by whose fault it was.",
                (
                    ((("kind", kind), ("blame", blame)), count)
                    for (kind, blame), count in sorted(conductor.counts.items())
                ),
            ),
        ]

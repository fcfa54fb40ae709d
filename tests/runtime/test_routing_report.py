"""What the health page and Prometheus are told of single lines, of errors and of silence."""

from pathlib import Path

from tests.runtime.test_gateway import live

from firmquote.lab.faults import SimQuote
from firmquote.lab.rehearsal import Rehearsal
from firmquote.model import NS_PER_MS, NS_PER_S
from firmquote.model.status import LineHealth
from firmquote.routing import Outcome
from firmquote.runtime.config import QualitySection
from firmquote.runtime.routing_report import RoutingReport

NOON_NS = 1_400_000_000 * NS_PER_S


class Told:
    """A stream of two symbols, and what is told of them."""

    def __init__(self) -> None:
        self.gateway = Rehearsal(("IBM", "SPY"), ["a", "b"], (), now_ns=NOON_NS, policy=QualitySection())
        self._report = RoutingReport(self.gateway.conductor, self.gateway.feeds, self.gateway.clock)
        self._sequence = 0

    def send(self, *, bid: float, ask: float) -> None:
        now_ns = self.gateway.clock.now_ns()
        self._sequence += 1
        self.gateway.clock.move_to(now_ns + NS_PER_MS)
        self.gateway.send("a", [SimQuote("IBM", bid, 100, ask, 100, now_ns, self._sequence)])

    @property
    def ibm(self) -> LineHealth:
        return next(line for line in self._report.lines("a") if line.symbol == "IBM")


def test_a_line_counts_what_was_refused_of_it_and_how_much_of_that_was_in_a_row() -> None:
    told = Told()
    told.send(bid=10.0, ask=10.01)
    assert (told.ibm.refused_by_reason, told.ibm.consecutive_refusals) == ({}, 0)
    told.send(bid=10.01, ask=10.0)
    told.send(bid=0.0, ask=0.0)
    assert (told.ibm.refused_by_reason, told.ibm.consecutive_refusals) == ({"crossed": 1, "no_sides": 1}, 2)
    told.send(bid=10.0, ask=10.01)
    assert (told.ibm.refused_by_reason, told.ibm.consecutive_refusals) == ({"crossed": 1, "no_sides": 1}, 0)


def test_a_line_is_failed_while_it_is_unfit_and_degraded_until_it_is_wanted_again() -> None:
    told = Told()
    lines = told.gateway.manager.lines
    assert told.ibm.status == "connecting"
    told.send(bid=10.0, ask=10.01)
    assert told.ibm.status == "healthy"
    lines.object_to("a", "IBM", "test", "one request only", bars=False, now_ns=NOON_NS, passing=True)
    assert told.ibm.status == "degraded"
    lines.object_to("a", "IBM", "test", "frozen", bars=False, now_ns=NOON_NS)
    assert told.ibm.status == "failed"
    lines.clear("a", "IBM", "test", NOON_NS)
    assert told.ibm.status == "degraded"
    lines.expire(NOON_NS + 3_600 * NS_PER_S)
    assert told.ibm.status == "healthy"


def test_errors_the_breaker_and_all_percentiles_of_a_provider_are_in_the_health_and_the_metrics(tmp_path: Path) -> None:
    gateway = live(tmp_path)
    now_ns = gateway.clock.now_ns()
    gateway.feeds["polygon"].note_frame(now_ns, 20 * NS_PER_MS)
    for _ in range(2):
        gateway.manager.on_error("polygon", "server_error", "HTTP 500")
        gateway.conductor.on_answer("polygon", Outcome(now_ns, ok=False, latency_ns=None))
    (polygon,) = [each for each in gateway.report.providers() if each.name == "polygon"]
    assert polygon.consecutive_errors == 2

    told = {
        (metric.name.removeprefix("firmquote_"), *sorted(value for name, value in labels if name != "provider")): number
        for metric in gateway.report.metrics()
        for labels, number in metric.samples
        if dict(labels).get("provider") == "polygon"
    }
    assert told["provider_consecutive_errors",] == 2
    assert told["provider_errors_total", "server_error"] == 2
    assert told["breaker_state",] == 0
    assert [told[f"latency_p{share}_seconds",] for share in (50, 95, 99)] == [0.02] * 3
    for _ in range(3):
        gateway.conductor.on_answer("polygon", Outcome(now_ns, ok=False, latency_ns=None))
    (state,) = [metric for metric in gateway.report.metrics() if metric.name == "firmquote_breaker_state"]
    assert dict(state.samples)[(("provider", "polygon"),)] == 2


def test_each_part_of_the_score_of_silence_has_a_number() -> None:
    told = Told()
    report = RoutingReport(told.gateway.conductor, told.gateway.feeds, told.gateway.clock)
    (family,) = [metric for metric in report.metrics() if metric.name == "firmquote_silence_evidence"]
    kinds = {dict(labels)["evidence"] for labels, _ in family.samples}
    assert kinds == {"arrivals", "others", "standing", "lag", "heartbeat"}
    assert len(family.samples) == 2 * len(kinds)

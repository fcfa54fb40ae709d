"""How late a stream is, and for how long that is held against it."""

from random import Random

from firmquote.lab.faults import SimQuote
from firmquote.lab.rehearsal import TIMER_NS, Rehearsal
from firmquote.model import NS_PER_MS, NS_PER_S
from firmquote.runtime.config import QualitySection

BEGIN_NS = 1_381_239_000 * NS_PER_S
USUAL_NS = 2 * NS_PER_MS


class QuietMarket:
    """Two streams that bring a quote each second; `a`, which serves, may be late."""

    def __init__(self) -> None:
        self.gateway = Rehearsal(["AIG"], ["a", "b"], [], now_ns=BEGIN_NS, policy=QualitySection())
        self.random = Random(1)
        self.now_ns = BEGIN_NS
        self.sequence = 0
        self.mid = 50.0

    def play(self, seconds: int, *, late_s: float = 0.0) -> "QuietMarket":
        for _ in range(seconds):
            self.sequence += 1
            self.mid = round(self.mid + self.random.choice([-0.01, 0.01]), 2)
            for name, late_ns in (("a", int(late_s * NS_PER_S)), ("b", 0)):
                size, event_ns = 100 * self.random.randint(1, 9), self.now_ns - USUAL_NS - late_ns
                self.gateway.send(
                    name, [SimQuote("AIG", self.mid - 0.01, size, self.mid + 0.01, 100, event_ns, self.sequence)]
                )
            for _ in range(NS_PER_S // TIMER_NS):
                self.now_ns += TIMER_NS
                self.gateway.move_to(self.now_ns)
            self.gateway.conductor.second()
        return self

    def p95_ms(self) -> float | None:
        return self.gateway.conductor.latency("a", self.now_ns).p95_ms


def test_a_quiet_stream_that_was_late_for_a_while_is_healthy_and_serves_again() -> None:
    market = QuietMarket().play(30).play(20, late_s=5)
    assert market.gateway.manager.serving == "b"
    market.play(45)
    assert market.gateway.manager.members["a"].status.value == "healthy"
    assert market.gateway.manager.serving == "a"


def test_how_late_a_stream_was_counts_for_the_window_of_health_only() -> None:
    market = QuietMarket().play(10).play(20, late_s=0.1)
    assert market.p95_ms() == 102
    assert market.play(50).p95_ms() == 102
    assert market.play(15).p95_ms() == 2

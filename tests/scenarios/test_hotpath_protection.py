"""A strategy that asks the network within a decision, on a running gateway."""

import socket

import pytest
from msgspec import structs
from tests.scenarios.gateway import Scenario, play, scenario

from firmquote.decision import MarketView, Panel
from firmquote.model.safety import Caller
from firmquote.runtime import Config
from firmquote.safety import GuardPolicy, Source

pytestmark = pytest.mark.scenario


class Curious:
    """Asks a server of its own before it has an opinion."""

    name = "curious"

    def on_view(self, view: MarketView, now_ns: int) -> None:
        del view, now_ns
        socket.getaddrinfo("localhost", 9)


def with_guard(policy: GuardPolicy) -> object:
    def change(config: Config) -> Config:
        rollout = structs.replace(config.rollout, evaluate_every_s=0.2)
        return structs.replace(config, hotpath=policy, rollout=rollout)

    return change


async def until_stopped(running: Scenario) -> None:
    running.gateway.trading.engine.panel = Panel((Curious(),))
    await running.until(lambda: running.gateway.safety.restrictions.quotes_off)


def test_in_strict_mode_the_first_live_call_stops_live_quotes_until_an_operator_releases_them() -> None:
    async def body() -> None:
        async with scenario(change=with_guard(GuardPolicy(strict=True))) as running:  # type: ignore[arg-type]  # a change
            await running.until(lambda: running.gateway.report.not_ready() is None)
            await until_stopped(running)
            safety = running.gateway.safety
            (held,) = safety.switch("quotes").held
            assert (held.source, held.by) == ("guard", "hotpath guard")
            assert "live calls, the last: socket.getaddrinfo" in held.reason
            assert {q.grade for q in running.gateway.report.quotes()} == {"mock"}
            gate = running.gateway.report.health().promotion_gates["hotpath_live_calls"]
            await running.until(lambda: running.gateway.safety.promotion.gates()["hotpath_live_calls"].status == "FAIL")
            assert gate.unit == "calls"
            assert not running.gateway.report.health().can_promote_to_live

    play(body)


def test_what_an_operator_switched_off_is_no_breach_and_fails_no_gate() -> None:
    async def body() -> None:
        policy = GuardPolicy(strict=True, evaluate_every_s=0.1, samples_min=1, max_p95_latency_ms=10_000)
        async with scenario(change=with_guard(policy)) as running:  # type: ignore[arg-type]  # a change
            safety = running.gateway.safety
            await running.until(lambda: running.gateway.report.not_ready() is None)
            safety.switchgear.engage("force_mock", source=Source.API, caller=Caller("ann", "test"), reason="test")
            before = safety.promotion.gates()["cache_hit_rate"].samples
            looks, breaches = safety.guarding.decisions, safety.guarding.guard.breaches_total
            await running.until(lambda: safety.guarding.decisions > looks + 20)
            assert safety.guarding.guard.breaches_total == breaches, safety.guarding.guard.why
            assert safety.promotion.evidence.read("regular", 0)["cache_hit_rate"].samples <= before + 4

    play(body)

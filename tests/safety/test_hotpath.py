"""HotpathGuard: a live call within a decision is refused, counted, and has consequences."""

import asyncio
import socket
import subprocess
import urllib.request

import pytest
from msgspec import structs

from firmquote.errors import ConfigError, HotpathViolation
from firmquote.model.hotpath import NoLiveCalls, check_live_call
from firmquote.runtime.guarding import forbid_sockets
from firmquote.safety import GuardPolicy, GuardReading, GuardState, HotpathGuard

GOOD = GuardReading(looks=1_000, hits=1_000, failures=0, p95_latency_ms=1.0, budget_left_pct=80.0)
POLICY = GuardPolicy(breaches_to_throttle=3, breaches_to_stop=5)


def guard(policy: GuardPolicy = POLICY) -> HotpathGuard:
    return HotpathGuard(policy)


def test_a_live_call_is_refused_within_a_decision_and_allowed_outside() -> None:
    made = guard()
    check_live_call("outside")
    with NoLiveCalls(made), pytest.raises(HotpathViolation, match="polygon: no live call is made while a decision"):
        check_live_call("polygon")
    check_live_call("outside again")
    assert (made.live_calls, made.last_live_call) == (1, "polygon")


def test_a_task_that_a_decision_starts_may_not_either_and_one_beside_it_may() -> None:
    made = guard()

    async def call() -> None:
        check_live_call("late")

    async def body() -> None:
        beside = asyncio.create_task(call())
        with NoLiveCalls(made):
            within = asyncio.create_task(call())
        await beside
        with pytest.raises(HotpathViolation):
            await within

    asyncio.run(body())
    assert made.live_calls == 1


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda: socket.create_connection(("127.0.0.1", 9), timeout=0.1), id="a socket"),
        pytest.param(lambda: socket.getaddrinfo("localhost", 80), id="a name"),
        pytest.param(lambda: urllib.request.urlopen("http://127.0.0.1:9/", timeout=0.1), id="urllib"),
        pytest.param(lambda: subprocess.run(["true"], check=False), id="a process"),
    ],
)
def test_python_itself_refuses_everybody_elses_calls(call: object) -> None:
    forbid_sockets()
    made = guard()
    with NoLiveCalls(made), pytest.raises(HotpathViolation):
        call()  # type: ignore[operator]  # a lambda of the table
    assert made.live_calls == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"hits": 700}, "700 of 1000 looks found a usable quote"),
        ({"failures": 20}, "20 of 1000 looks failed"),
        ({"p95_latency_ms": 250.0}, "p95 of decisions 250 ms"),
        ({"budget_left_pct": 1.0}, "1.0 % of the budget left"),
    ],
)
def test_breaches_throttle_and_then_stop_and_say_why(change: dict[str, object], words: str) -> None:
    made, bad = guard(), structs.replace(GOOD, **change)
    states = [made.evaluate(bad) for _ in range(6)]
    assert states == [GuardState.OK] * 2 + [GuardState.THROTTLED] * 2 + [GuardState.STOPPED] * 2
    assert made.why == (words,)


def test_a_live_call_in_each_evaluation_stops_too() -> None:
    made = guard()
    for _ in range(5):
        made.on_live_call("polygon")
        made.evaluate(GOOD)
    assert made.state is GuardState.STOPPED


def test_strict_stops_at_the_first_breach() -> None:
    made = guard(GuardPolicy(strict=True))
    made.on_live_call("polygon")
    assert made.evaluate(GOOD) is GuardState.STOPPED


def test_a_stop_is_left_by_an_operator_only_and_a_throttle_by_being_good_for_a_while() -> None:
    made, bad = guard(), structs.replace(GOOD, failures=50)
    for _ in range(3):
        made.evaluate(bad)
    assert [made.evaluate(GOOD) for _ in range(5)] == [GuardState.THROTTLED] * 4 + [GuardState.OK]
    for _ in range(5):
        made.evaluate(bad)
    assert {made.evaluate(GOOD) for _ in range(50)} == {GuardState.STOPPED}
    made.on_released()
    assert made.evaluate(GOOD) is GuardState.OK


def test_too_few_looks_and_what_is_not_known_breach_nothing() -> None:
    made = guard()
    few = GuardReading(looks=10, hits=0, failures=10, p95_latency_ms=9_999, budget_left_pct=None)
    unknown = GuardReading(looks=1_000, hits=None, failures=0, p95_latency_ms=None, budget_left_pct=None)
    assert [made.evaluate(few), made.evaluate(unknown), made.breaches_total] == [GuardState.OK, GuardState.OK, 0]


def test_a_stop_before_the_throttle_is_refused() -> None:
    with pytest.raises(ConfigError, match="breaches_to_stop must be at least"):
        GuardPolicy(breaches_to_throttle=3, breaches_to_stop=2)

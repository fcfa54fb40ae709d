"""What happens when a provider goes away, and that it comes back."""

import pytest
from tests.scenarios.gateway import TAPE, Scenario, play, scenario, with_roles

from firmquote.errors import ConfigError
from firmquote.lab import LAB_KEY, Fault, LabConfig, SimulatorConfig
from firmquote.model import Grade
from firmquote.model.safety import Caller
from firmquote.runtime import SystemClock
from firmquote.runtime.watch import SilenceWatch

pytestmark = pytest.mark.scenario
ME = Caller("test", "test")
POLYGON_FIRST = with_roles("polygon", "alphavantage")


async def both_ready(running: Scenario) -> None:
    """Wait until both providers have a price of every symbol."""
    feeds = [running.gateway.feeds[name] for name in ("polygon", "alphavantage")]
    await running.until(lambda: all(line.has_price for feed in feeds for line in feed.lines.values()))


def grades(running: Scenario) -> set[str]:
    return {view.grade for view in running.gateway.report.quotes()}


def test_a_lost_connection_leaves_every_symbol_with_a_usable_quote_at_every_moment() -> None:
    async def body() -> None:
        async with scenario(change=POLYGON_FIRST) as running:
            await both_ready(running)
            await running.lab.polygon.inject(Fault.DISCONNECT)
            samples = 0
            while running.gateway.manager.serving == "polygon":
                assert grades(running) <= {"firm", "indicative"}
                await running.turn()
                samples += 1
            assert {"alphavantage"} == {running.shown(symbol) for symbol in TAPE.symbols}
            assert grades(running) <= {"firm", "indicative"}
            running.gateway.conductor.advance()
            change = running.gateway.report.health().last_role_change
            assert change is not None
            assert (change.before, change.after) == ("polygon", "alphavantage")
            assert change.cause.startswith("polygon is failed: ")

    play(body)


def test_the_provider_comes_back_by_itself() -> None:
    async def body() -> None:
        async with scenario(change=POLYGON_FIRST) as running:
            await both_ready(running)
            await running.lab.polygon.inject(Fault.DISCONNECT)
            await running.until(lambda: running.gateway.manager.serving == "alphavantage")
            running.lab.polygon.clear()
            await running.until(lambda: running.status("polygon") == "healthy")
            await running.until(lambda: running.gateway.manager.serving == "polygon")
            await running.until(lambda: grades(running) <= {"firm", "indicative"})

    play(body)


def test_a_warm_connection_that_breaks_changes_no_role() -> None:
    async def body() -> None:
        async with scenario() as running:
            await both_ready(running)
            await running.until(lambda: running.gateway.manager.serving == "alphavantage")
            before = running.gateway.conductor.last_role_change
            await running.lab.polygon.inject(Fault.DISCONNECT)
            await running.until(lambda: running.status("polygon") == "failed")
            running.lab.polygon.clear()
            await running.until(lambda: running.status("polygon") == "healthy")
            assert running.gateway.manager.serving == "alphavantage"
            assert running.gateway.conductor.last_role_change is before

    play(body)


@pytest.mark.parametrize("fault", [Fault.EVICT, Fault.CLOSE_CLEAN], ids=lambda fault: fault.value)
def test_however_the_provider_ends_the_stream_it_is_opened_again(fault: Fault) -> None:
    async def body() -> None:
        async with scenario(change=POLYGON_FIRST) as running:
            await both_ready(running)
            before = running.gateway.feeds["polygon"].accepted
            await running.lab.polygon.inject(fault)
            running.lab.polygon.clear()
            await running.until(lambda: running.gateway.manager.members["polygon"].reconnects > 0)
            await running.until(lambda: running.status("polygon") == "healthy")
            await running.until(lambda: running.gateway.feeds["polygon"].accepted > before)

    play(body)


def test_a_refused_key_is_not_tried_again_and_says_so() -> None:
    async def body() -> None:
        async with scenario(change=POLYGON_FIRST) as running:
            await running.lab.polygon.inject(Fault.BAD_LOGIN)
            await running.until(lambda: running.status("polygon") == "failed")
            member = running.gateway.manager.members["polygon"]
            assert member.refused is not None
            assert "authentication failed" in member.refused
            assert running.lab.polygon.streams is not None
            attempts = running.lab.polygon.streams.accepted
            for _ in range(100):
                await running.turn()
            assert attempts == running.lab.polygon.streams.accepted

    play(body)


def test_a_throttled_poll_pauses_and_the_warm_provider_serves() -> None:
    async def body() -> None:
        async with scenario() as running:
            await both_ready(running)
            await running.lab.alphavantage.inject(Fault.HTTP_500)
            await running.until(lambda: running.gateway.manager.serving == "polygon")
            assert "server_error" in running.gateway.manager.members["alphavantage"].health.errors
            await running.until(lambda: "firm" in grades(running))

    play(body)


def test_a_polled_provider_that_cannot_be_reached_is_left_within_ten_seconds_and_probed_carefully() -> None:
    async def body() -> None:
        async with scenario() as running:
            await both_ready(running)
            await running.lab.alphavantage.stop()
            begun_ns, late_s = SystemClock.monotonic_ns(), running.late_s
            await running.until(lambda: running.gateway.manager.serving == "polygon")
            assert (SystemClock.monotonic_ns() - begun_ns) / 1e9 - (running.late_s - late_s) < 10
            member = running.gateway.manager.members["alphavantage"]
            assert member.health.errors["line_error"] >= 5
            assert member.breaker.state.value == "open"
            asked = member.health.requests
            for _ in range(200):
                await running.turn()
            assert member.health.requests == asked

    play(body)


def test_a_symbol_whose_answer_is_overdue_is_shown_from_the_warm_provider_and_no_role_moves() -> None:
    async def body() -> None:
        async with scenario() as running:
            await both_ready(running)
            hedger = running.gateway.conductor.hedger
            await running.until(lambda: {running.shown(symbol) for symbol in TAPE.symbols} == {"alphavantage"})
            await running.lab.alphavantage.inject(Fault.HANG)
            await running.until(lambda: "polygon" in {running.shown(symbol) for symbol in TAPE.symbols})
            assert running.gateway.manager.serving == "alphavantage"
            assert hedger.counts["alphavantage"] > 0

    play(body)


def test_a_polled_providers_refused_key_is_not_tried_again() -> None:
    async def body() -> None:
        async with scenario() as running:
            await running.lab.alphavantage.inject(Fault.BAD_LOGIN)
            await running.until(lambda: running.status("alphavantage") == "failed")
            member = running.gateway.manager.members["alphavantage"]
            assert member.refused is not None
            assert "apikey is invalid or missing" in member.refused
            asked = member.health.requests
            await running.until(lambda: running.gateway.manager.serving == "polygon")
            for _ in range(200):
                await running.turn()
            assert member.health.requests == asked

    play(body)


def test_a_quota_notice_pauses_the_polls_for_as_long_as_it_says() -> None:
    async def body() -> None:
        async with scenario() as running:
            await both_ready(running)
            rest = running.lab.alphavantage.rest
            await running.lab.alphavantage.inject(Fault.HTTP_NOTE)
            await running.until(lambda: rest.refused > 0)
            running.lab.alphavantage.clear()
            asked = rest.served + rest.refused
            for _ in range(300):
                await running.turn()
            assert rest.served + rest.refused == asked, "the day's quota is gone; asking again would not help"
            member = running.gateway.manager.members["alphavantage"]
            assert LAB_KEY not in (member.health.last_error or "")

    play(body)


def test_garbage_is_counted_and_ends_nothing() -> None:
    async def body() -> None:
        async with scenario(change=POLYGON_FIRST) as running:
            await both_ready(running)
            feed = running.gateway.feeds["polygon"]
            await running.lab.polygon.inject(Fault.GARBAGE)
            await running.until(lambda: feed.unparsed > 0)
            running.lab.polygon.clear()
            before = feed.accepted
            await running.until(lambda: feed.accepted > before)
            assert running.gateway.manager.members["polygon"].reconnects == 0

    play(body)


def test_crossed_quotes_never_reach_the_board() -> None:
    async def body() -> None:
        async with scenario(change=POLYGON_FIRST) as running:
            await both_ready(running)
            feed = running.gateway.feeds["polygon"]
            await running.lab.polygon.inject(Fault.CROSS)
            await running.until(lambda: feed.counts().refused.get("crossed", 0) > 0)
            for view in running.gateway.report.quotes():
                assert view.bid is None or view.ask is None or view.bid <= view.ask

    play(body)


def test_activation_by_hand_turns_the_symbols_firm() -> None:
    async def body() -> None:
        async with scenario() as running:
            await both_ready(running)
            await running.until(lambda: running.shown("SPY") == "alphavantage")
            assert Grade.INDICATIVE.label == running.gateway.report.quote("SPY").grade
            event = running.gateway.report.activate("polygon", "the tutorial", ME)
            assert (event.before, event.after) == ("alphavantage", "polygon")
            assert "the tutorial" in event.cause
            await running.until(lambda: running.gateway.report.quote("SPY").grade == "firm")

    play(body)


def test_a_provider_that_is_down_cannot_be_activated() -> None:
    async def body() -> None:
        async with scenario() as running:
            await both_ready(running)
            await running.lab.polygon.inject(Fault.DISCONNECT)
            await running.until(lambda: running.status("polygon") == "failed")
            with pytest.raises(ConfigError, match=r"polygon is failed .* cannot serve"):
                running.gateway.report.activate("polygon", "hope", ME)
            with pytest.raises(ConfigError, match="no such provider"):
                running.gateway.report.activate("nobody", "hope", ME)

    play(body)


def test_a_stream_that_freezes_without_an_error_loses_its_role_and_gets_it_back() -> None:
    async def body() -> None:
        async with scenario(
            lab=LabConfig(simulators={"alphavantage": SimulatorConfig(per_minute=1_200)}), change=POLYGON_FIRST
        ) as running:
            await both_ready(running)
            watch = running.gateway.conductor.watch
            await running.until(lambda: usual_gap_is_known(watch))
            await running.lab.polygon.inject(Fault.FREEZE)
            begun_ns, late_s, stalls = SystemClock.monotonic_ns(), running.late_s, watch.stalls
            await running.until(lambda: running.gateway.manager.serving == "alphavantage")
            took_s = (SystemClock.monotonic_ns() - begun_ns) / 1e9 - (running.late_s - late_s)
            member = running.gateway.manager.members["polygon"]
            stood_still = watch.stalls > stalls  # then nobody's silence is judged for a while
            assert took_s < 10 or stood_still, "the bound for polled evidence"
            assert member.silent is not None
            assert "silent for" in member.why
            assert member.reconnects == 0
            assert grades(running) <= {"firm", "indicative"}
            running.lab.polygon.clear()
            await running.until(lambda: running.gateway.manager.serving == "polygon")

    play(body)


def usual_gap_is_known(watch: SilenceWatch) -> bool:
    suspicion = watch.suspicion("polygon")
    return suspicion is not None and suspicion.evidence.usual_gap_ms is not None

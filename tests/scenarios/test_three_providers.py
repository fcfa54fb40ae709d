"""Three providers at once, each in each role; what the market says reaches the board whoever serves."""

from collections.abc import Callable

import pytest
from msgspec import structs
from tests.scenarios.gateway import TAPE, play, scenario, with_roles

from firmquote.lab import Fault, LabConfig, SimulatorConfig
from firmquote.runtime import Config

pytestmark = pytest.mark.scenario
PROVIDERS = ("alpaca", "polygon", "alphavantage")


@pytest.mark.parametrize(
    ("active", "warm"),
    [("alpaca", "polygon"), ("polygon", "alpaca"), ("alpaca", "alphavantage"), ("alphavantage", "alpaca")],
)
def test_multi_provider_a_lost_active_provider_leaves_no_symbol_without_a_quote(active: str, warm: str) -> None:
    async def body() -> None:
        async with scenario(providers=PROVIDERS, change=with_roles(active, warm)) as running:
            gateway = running.gateway
            await running.until(
                lambda: all(line.has_price for f in PROVIDERS for line in gateway.feeds[f].lines.values())
            )
            await running.until(lambda: gateway.manager.serving == active and gateway.manager.members[warm].usable)
            if active == "alphavantage":
                await running.lab.alphavantage.inject(Fault.BAD_LOGIN)
            else:
                await running.lab.simulators[active].inject(Fault.DISCONNECT)
            await running.until(lambda: gateway.manager.serving != active)
            assert gateway.manager.serving == warm
            grades = {view.grade for view in gateway.report.quotes()}
            assert grades <= {"firm", "indicative"}
            assert {running.shown(symbol) for symbol in TAPE.symbols} == {warm}

    play(body)


def on_the_free_plan(before: Callable[[Config], Config]) -> Callable[[Config], Config]:
    def change(config: Config) -> Config:
        config = before(config)
        section = config.providers["alpaca"]
        free = structs.replace(section, settings={**section.settings, "feed": "iex"})
        return structs.replace(config, providers={**config.providers, "alpaca": free})

    return change


def test_multi_provider_the_quotes_of_one_exchange_are_graded_as_that() -> None:
    async def body() -> None:
        change = on_the_free_plan(with_roles("alpaca", "alphavantage"))
        async with scenario(providers=("alpaca", "alphavantage"), change=change) as running:
            quotes = running.gateway.report.quotes
            await running.until(lambda: all(view.provider == "alpaca" and view.bid for view in quotes()))
            assert all("single_venue" in view.reasons for view in quotes()), quotes()

    play(body)


@pytest.mark.parametrize(("active", "warm"), [("alpaca", "polygon"), ("polygon", "alpaca")])
def test_multi_provider_a_key_revoked_in_mid_session_moves_the_role_and_is_not_tried_again(
    active: str, warm: str
) -> None:
    async def body() -> None:
        async with scenario(providers=PROVIDERS, change=with_roles(active, warm)) as running:
            gateway = running.gateway
            feeds = [gateway.feeds[name] for name in (active, warm)]
            await running.until(lambda: all(line.has_price for feed in feeds for line in feed.lines.values()))
            await running.until(lambda: gateway.manager.serving == active and gateway.manager.members[warm].usable)
            simulator = running.lab.simulators[active]
            assert simulator.streams is not None
            accepted = simulator.streams.accepted
            await simulator.inject(Fault.REVOKE_KEY)
            await running.until(lambda: gateway.manager.serving == warm)
            for _ in range(200):
                await running.turn()
            assert gateway.manager.members[active].refused is not None
            assert simulator.streams.accepted == accepted, "a refused key is not asked again"

    play(body)


def with_price_bands(before: Callable[[Config], Config]) -> Callable[[Config], Config]:
    def change(config: Config) -> Config:
        config = before(config)
        section = config.providers["polygon"]
        own = structs.replace(section, settings={**section.settings, "price_bands": True})
        return structs.replace(config, providers={**config.providers, "polygon": own})

    return change


def test_multi_provider_limits_and_halts_are_told_by_a_provider_move_no_role_and_leave_nothing_firm() -> None:
    async def body() -> None:
        lab, change = LabConfig(speed=5), with_price_bands(with_roles("alpaca", "polygon"))
        async with scenario(lab=lab, providers=PROVIDERS, change=change) as running:
            gateway = running.gateway
            quote, quotes = gateway.report.quote, gateway.report.quotes
            await running.until(lambda: all(view.provider == "alpaca" and view.bid for view in quotes()))
            for teller in ("alpaca", "polygon"):

                def at_the_limit(high: float, teller: str = teller) -> bool:
                    running.lab.simulators[teller].limit("BAC", 1.0, high)
                    return "limit_state" in quote("BAC").reasons

                await running.until(lambda: at_the_limit(2.0))
                assert quote("BAC").grade != "firm"
                await running.until(lambda: not at_the_limit(1_000.0))
            running.lab.halt("BAC")
            await running.until(lambda: quote("BAC").halted)
            for _ in range(200):
                await running.turn()
                assert gateway.manager.serving == "alpaca"
                assert "halted" in quote("BAC").reasons
            running.lab.resume("BAC")
            await running.until(lambda: not quote("BAC").halted)
            assert {view.symbol for view in quotes() if view.halted} == set()
            entry = gateway.board.entries["BAC"]
            while (quote("BAC").received_ns or 0) < entry.resumed_ns:
                assert quote("BAC").grade != "firm", "nothing from before the resumption is"
                await running.turn()

    play(body)


def test_multi_provider_a_place_that_the_provider_still_thinks_taken_is_waited_for() -> None:
    async def body() -> None:
        lingering = LabConfig(simulators={"alpaca": SimulatorConfig(slot_linger_s=3_600)})
        async with scenario(lab=lingering, providers=PROVIDERS, change=with_roles("alpaca", "polygon")) as running:
            gateway = running.gateway
            await running.until(
                lambda: running.status("alpaca") == "healthy" and running.status("polygon") == "healthy"
            )
            await running.lab.alpaca.inject(Fault.DISCONNECT)
            await running.until(lambda: gateway.manager.serving == "polygon")
            running.lab.alpaca.clear()
            health, streams = gateway.manager.members["alpaca"].health, running.lab.alpaca.streams
            await running.until(lambda: "406 connection limit exceeded" in str(health.last_error))
            assert streams is not None
            streams._lingering.clear()  # the provider has noticed
            await running.until(lambda: running.status("alpaca") == "healthy")
            await running.until(lambda: gateway.manager.serving == "alpaca")

    play(body)

"""Three providers at once, each in each role; what the market says reaches the board whoever serves."""

from collections.abc import Callable

import pytest
from msgspec import structs
from tests.scenarios.gateway import TAPE, play, scenario, with_roles

from firmquote.lab import Fault
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
            assert gateway.manager.serving == active
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

"""Wrong prices through real sockets: refused, blamed on the right provider, and never on the board."""

import pytest
from tests.scenarios.gateway import TAPE, Scenario, play, scenario, with_roles

from firmquote.lab import Fault, LabConfig, SimulatorConfig
from firmquote.model import LastPrice, Quote, Reason

pytestmark = pytest.mark.scenario
FAR_BPS = 200.0
"""Nothing on the hour's tape moves so far."""


def implausible(running: Scenario) -> list[Quote | LastPrice]:
    """What changed on the board and is no price of that symbol."""
    found = []
    for entry in running.changed():
        price = None if entry.elected is None else entry.elected.price
        if price is None:
            continue
        mid = price.price if isinstance(price, LastPrice) else ((price.bid or 0) + (price.ask or 0)) / 2
        usual = next(TAPE.quotes(entry.symbol)).bid
        if abs(mid / usual - 1) * 10_000 > FAR_BPS:
            found.append(price)
    return found


@pytest.mark.parametrize(
    ("fault", "magnitude", "reason"),
    [
        pytest.param(Fault.SCALE, 10.0, Reason.SPLIT_MISMATCH, id="a split that was not applied"),
        pytest.param(Fault.CROSS, 0.0, Reason.CROSSED, id="crossed"),
    ],
)
def test_wrong_prices_cost_a_provider_the_symbol_and_never_reach_the_board(
    fault: Fault, magnitude: float, reason: Reason
) -> None:
    async def body() -> None:
        lab = LabConfig(simulators={"alphavantage": SimulatorConfig(per_minute=1_200)})
        async with scenario(lab=lab, change=with_roles("polygon", "alphavantage")) as running:
            gateway = running.gateway
            line = gateway.feeds["polygon"].lines["AIG"]
            await running.until(
                lambda: (
                    line.accepted_ns > 0
                    and all(feed.has_price for feed in gateway.feeds["alphavantage"].lines.values())
                )
            )
            assert implausible(running) == []
            await running.lab.polygon.inject(fault, magnitude=magnitude)
            wrong: list[Quote | LastPrice] = []
            while line.verdict is None or running.shown("AIG") != "alphavantage":
                await running.turn()
                wrong += implausible(running)
            assert (wrong, line.verdict.reason) == ([], reason)
            if reason is Reason.CROSSED:
                return
            running.lab.polygon.clear()  # and the market goes on as before
            await running.until(lambda: line.verdict is None and running.shown("AIG") == "polygon")
            assert implausible(running) == []

    play(body)

"""A recorded day, decided again: the same to the last byte, and different under another configuration."""

from datetime import date
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from firmquote.decision import DecisionConfig
from firmquote.lab import DEMO_TAPE
from firmquote.runtime import Config, compare, load_config, replay_day

DEMO = Path(__file__).parents[2] / "config" / "demo.yaml"
DAY = date(2013, 10, 8)
REAL_DAYS = Path("/work/shared/data/equities")


def config(**decision: object) -> Config:
    made = load_config(DEMO)
    return replace(made, decision=replace(made.decision, **decision))


def test_an_hour_of_real_ticks_replays_to_the_same_bytes_and_tells_of_every_intent() -> None:
    first, second = (replay_day(config(), DEMO_TAPE, DAY, ("IBM", "SPY")) for _ in range(2))
    assert msgspec.json.encode(first) == msgspec.json.encode(second)
    assert first.quotes > 1_000
    assert {"BUY_1X", "HOLD", "REJECT"} <= {decision.intent for decision in first.receipts}
    assert first.fills
    assert {order.decision for order in first.orders} <= {decision.id for decision in first.receipts}
    assert all(order.state.final for order in first.orders)
    assert first.nav_usd == pytest.approx(100_000 + first.profit_usd)


def test_another_configuration_is_compared_order_by_order() -> None:
    base = replay_day(config(), DEMO_TAPE, DAY, ("IBM",))
    shy = replay_day(config(positive=0.6), DEMO_TAPE, DAY, ("IBM",))
    assert base.config_version != shy.config_version
    assert base.digest != shy.digest
    difference = compare(base, shy)
    assert difference.orders == len(shy.orders) - len(base.orders) < 0
    assert difference.only_base
    assert difference.profit_usd == pytest.approx(shy.profit_usd - base.profit_usd)
    assert compare(base, base).only_base == compare(base, base).only_other == ()


def test_nothing_is_opened_outside_the_session_that_is_configured() -> None:
    closed = config()
    closed = replace(closed, quality=replace(closed.quality, calendar="XNYS"))
    closed = replace(closed, decision=replace(DecisionConfig(), sessions=("pre",)))
    report = replay_day(closed, DEMO_TAPE, DAY, ("IBM",))
    assert report.orders == ()


@pytest.mark.proof
@pytest.mark.skipif(not REAL_DAYS.is_dir(), reason="the recorded days are not on this machine")
def test_a_whole_real_day_replays_to_the_same_bytes() -> None:
    symbols = ("AIG", "BAC", "IBM", "SPY")
    made = load_config(Path(__file__).parents[2] / "config" / "live_feeds.yaml")
    first, second = (replay_day(made, REAL_DAYS, DAY, symbols) for _ in range(2))
    assert first.quotes > 600_000
    assert first.digest == second.digest
    assert first.orders

"""A recorded day, decided again: the same to the last byte, and different under another configuration."""

from datetime import date
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from firmquote.decision import CorroborationPolicy, DecisionConfig, EarningsPolicy
from firmquote.errors import ConfigError
from firmquote.history import read_day
from firmquote.lab import DEMO_TAPE
from firmquote.runtime import Config, ReplayReport, compare, load_config, replay_day
from firmquote.runtime.config import ProviderSection
from firmquote.runtime.replay import Replay

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


def replay_as(made: Config, *providers: str) -> ReplayReport:
    """Replay the tape of IBM as if each provider had shown each quote, one after the other."""
    rows = (row for row in read_day(DEMO_TAPE, DAY.isoformat()) if row.symbol == "IBM")
    return Replay(made, ["IBM"], DAY).run(replace(row, provider=name) for row in rows for name in providers)


def test_a_recorded_provider_is_graded_as_what_the_configuration_says_that_it_sells() -> None:
    iex = replay_as(config(), "alpaca")
    seen = {decision.quote.grade: decision.quote.reasons for decision in iex.receipts}
    assert "firm" not in seen
    assert seen["indicative"][0] == "single_venue"
    assert iex.orders == ()
    sip = replace(config(), providers={"alpaca": ProviderSection(settings={"feed": "sip"})})
    assert replay_as(sip, "alpaca").orders


def test_a_recorded_provider_that_is_not_installed_is_named() -> None:
    with pytest.raises(ConfigError, match="alpacca: no such provider is installed. Did you mean alpaca"):
        replay_as(config(), "alpacca")


def test_announcements_of_earnings_keep_risk_from_being_opened(tmp_path: Path) -> None:
    told = tmp_path / "earnings.json"
    told.write_text(f'[{{"symbol": "ibm", "day": "{DAY}"}}]')
    base = replay_day(config(), DEMO_TAPE, DAY, ("IBM",))
    near = replay_day(config(earnings=EarningsPolicy(file=str(told))), DEMO_TAPE, DAY, ("IBM",))
    assert near.orders == ()
    assert {block.gate for decision in near.receipts for block in decision.gates_blocked} >= {"earnings_embargo"}
    assert compare(base, near).only_base
    with pytest.raises(ConfigError, match="cannot be read"):
        replay_day(config(earnings=EarningsPolicy(file=str(tmp_path / "no.json"))), DEMO_TAPE, DAY, ("IBM",))


def test_a_move_is_corroborated_by_a_second_provider_that_was_recorded() -> None:
    made = config(corroboration=CorroborationPolicy(move_bps=1, agree_bps=1))
    made = replace(made, providers={"alpaca": ProviderSection(settings={"feed": "sip"})})
    blocked = {
        names: {block.gate for decision in replay_as(made, *names).receipts for block in decision.gates_blocked}
        for names in (("polygon",), ("polygon", "alpaca"))
    }
    assert "corroboration" in blocked["polygon",]
    assert "corroboration" not in blocked["polygon", "alpaca"]


@pytest.mark.proof
@pytest.mark.skipif(not REAL_DAYS.is_dir(), reason="the recorded days are not on this machine")
def test_a_whole_real_day_replays_to_the_same_bytes() -> None:
    symbols = ("AIG", "BAC", "IBM", "SPY")
    made = load_config(Path(__file__).parents[2] / "config" / "live_feeds.yaml")
    first, second = (replay_day(made, REAL_DAYS, DAY, symbols) for _ in range(2))
    assert first.quotes > 600_000
    assert first.digest == second.digest
    assert first.orders

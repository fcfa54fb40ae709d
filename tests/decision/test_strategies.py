"""Built-in strategies, and what is learnt from time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.decision.builders import MOCK, STALE, view

from firmquote.decision import Contribution, MeanReversion, MeanReversionConfig, Momentum, MomentumConfig
from firmquote.model import NS_PER_S, Graded
from firmquote.testing.clock import NOON_NS


def scores(strategy: Momentum | MeanReversion, mids: list[float]) -> list[float | None]:
    opinions = [
        strategy.on_view(view(bid=mid - 0.01, ask=mid + 0.01), NOON_NS + n * NS_PER_S) for n, mid in enumerate(mids)
    ]
    return [None if opinion is None else opinion.score for opinion in opinions]


def test_momentum_is_silent_until_warm_and_then_follows_the_mid() -> None:
    found = scores(Momentum(MomentumConfig(half_life_s=10, warmup_quotes=3)), [100 + n * 0.05 for n in range(5)])
    assert found[:2] == [None, None]
    assert all(score is not None and 0 < score < 1 for score in found[2:])


def test_mean_reversion_is_silent_until_warm_and_then_goes_against_the_move() -> None:
    mids = [100.0, 100.1, 99.9, 100.1, 99.9, 103.0, 97.0]
    found = scores(MeanReversion(MeanReversionConfig(half_life_s=60, warmup_quotes=5)), mids)
    assert found[:4] == [None] * 4
    assert found[5] is not None
    assert found[6] is not None
    assert found[5] < 0 < found[6]


def test_mean_reversion_has_no_opinion_on_a_price_that_never_moved() -> None:
    assert scores(MeanReversion(MeanReversionConfig(warmup_quotes=3)), [100.0] * 9) == [None] * 9


def test_a_burst_of_quotes_in_one_moment_is_one_move_and_not_many() -> None:
    momentum = Momentum(MomentumConfig(warmup_quotes=2))
    momentum.on_view(view(bid=99.99, ask=100.01), NOON_NS)
    late = NOON_NS + NS_PER_S
    burst = [momentum.on_view(view(bid=100.09, ask=100.11), late) for _ in range(50)]
    assert len({opinion.score for opinion in burst if opinion is not None}) == 1


@pytest.mark.parametrize("graded", [MOCK, STALE])
def test_strategies_learn_nothing_from_the_mock_or_from_stale_prices(graded: Graded) -> None:
    for strategy in (
        Momentum(MomentumConfig(warmup_quotes=2)),
        MeanReversion(MeanReversionConfig(warmup_quotes=2)),
    ):
        assert [strategy.on_view(view(graded, bid=100.0 + n, ask=100.1 + n), NOON_NS + n) for n in range(5)] == [
            None
        ] * 5


@given(st.lists(st.floats(1, 1_000), min_size=3, max_size=30))
def test_the_same_views_give_the_same_opinions_and_every_score_is_within_one(mids: list[float]) -> None:
    for make in (
        lambda: Momentum(MomentumConfig(warmup_quotes=2)),
        lambda: MeanReversion(MeanReversionConfig(warmup_quotes=2)),
    ):
        first, second = scores(make(), mids), scores(make(), mids)
        assert first == second
        assert all(score is None or -1 <= score <= 1 for score in first)


def test_a_contribution_names_its_strategy_and_weight() -> None:
    momentum = Momentum(MomentumConfig(warmup_quotes=2, weight=2.5))
    momentum.on_view(view(), NOON_NS)
    assert Contribution("momentum", 0.0, 2.5) == momentum.on_view(view(), NOON_NS + 1)


@pytest.mark.parametrize(
    "strategy",
    [
        pytest.param(Momentum(MomentumConfig(warmup_quotes=3)), id="momentum"),
        pytest.param(MeanReversion(MeanReversionConfig(warmup_quotes=3)), id="mean reversion"),
    ],
)
def test_what_was_forgotten_is_learnt_anew_and_of_no_other_symbol(strategy: Momentum | MeanReversion) -> None:
    before = [100.0, 100.2, 99.9, 100.1]
    assert scores(strategy, before)[-1] is not None
    strategy.forget("BAC")
    assert scores(strategy, [100.0]) != [None]
    strategy.forget("IBM")
    after = scores(strategy, [mid / 2 for mid in before])
    assert after[:2] == [None, None]
    assert after[-1] == pytest.approx(scores(strategy.__class__(strategy._config), before)[-1])  # type: ignore[arg-type]  # its own

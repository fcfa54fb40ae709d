"""Which providers a symbol may come from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmquote.errors import ConfigError
from firmquote.model import NS_PER_S
from firmquote.routing import ProviderManager, Route, Routed, RouteProvider, RoutingPolicy, route_symbol
from firmquote.symbols import Kind

ROLES = Routed(None, ("a", "b", "mock"))
SYNTHETIC = frozenset({"mock"})
SYMBOLS = [f"S{first}{second}" for first in "ABCDEFGHIJKLMNOPQRST" for second in "ABCDEFGHIJKLMNOPQRST"]


def route(*providers: tuple[str, float], **matches: object) -> Route:
    shares = tuple(RouteProvider(name=name, weight=weight) for name, weight in providers)
    return Route(name="r", providers=shares, **(matches or {"glob": "*"}))  # type: ignore[arg-type]  # passed through


def order(symbol: str, *routes: Route) -> tuple[str, ...]:
    return route_symbol(symbol, routes, ROLES, SYNTHETIC).order


def test_without_routes_every_symbol_follows_the_roles() -> None:
    assert route_symbol("IBM", (), ROLES, SYNTHETIC) == ROLES


def test_the_first_route_that_matches_counts_and_the_mock_is_always_last() -> None:
    crypto = route(("kraken", 0), kind=Kind.CRYPTO)
    classes = route(("b", 0), ("a", 0), glob="BRK.*")
    named = route(("c", 0), symbols=("IBM", "BRK.A"))
    assert order("BTC-USD", crypto, classes, named) == ("kraken", "mock")
    assert order("BRK.A", crypto, classes, named) == ("b", "a", "mock")
    assert order("IBM", crypto, classes, named) == ("c", "mock")
    assert ROLES.order == order("SPY", crypto, classes, named)


def test_weights_share_the_symbols_in_proportion() -> None:
    shared = route(("a", 3), ("b", 1), ("spare", 0))
    first = [order(symbol, shared)[0] for symbol in SYMBOLS]
    assert set(first) == {"a", "b"}
    assert first.count("a") / len(first) == pytest.approx(0.75, abs=0.06)
    assert all(order(symbol, shared)[-2:] == ("spare", "mock") for symbol in SYMBOLS)


@given(st.sampled_from(SYMBOLS), st.sampled_from(["a", "b", "c", "d"]))
def test_a_lost_provider_moves_only_its_own_symbols(symbol: str, lost: str) -> None:
    weights = [("a", 2.0), ("b", 1.0), ("c", 1.0), ("d", 0.5)]
    before = order(symbol, route(*weights))
    after = order(symbol, route(*[share for share in weights if share[0] != lost]))
    assert tuple(name for name in before if name != lost) == after


def test_its_symbols_are_spread_over_all_the_others() -> None:
    shared = route(("a", 1), ("b", 1), ("c", 1))
    heirs = {order(symbol, shared)[1] for symbol in SYMBOLS if order(symbol, shared)[0] == "a"}
    assert heirs == {"b", "c"}


@pytest.mark.parametrize(
    ("build", "words"),
    [
        pytest.param(lambda: Route(name="r", providers=()), "matches nothing", id="no condition"),
        pytest.param(route, "name each provider once", id="no provider"),
        pytest.param(lambda: route(("a", 1), ("a", 2)), "name each provider once", id="a provider twice"),
    ],
)
def test_a_route_that_makes_no_sense_is_refused(build: object, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        build()  # type: ignore[operator]  # a lambda of the table


def test_a_route_to_a_provider_that_is_not_configured_is_refused_with_those_that_are() -> None:
    policy = RoutingPolicy(routes=(route(("kraken", 1)),))
    with pytest.raises(ConfigError, match=r"routing.routes.r: kraken is not configured.*a, b, mock"):
        ProviderManager(["a", "b", "mock"], policy, chance=lambda: 0.5, now_ns=0)


def test_each_order_of_providers_has_its_own_role_and_fails_over_inside_itself() -> None:
    policy = RoutingPolicy(routes=(route(("a", 1), ("b", 1)),))
    manager = ProviderManager(["a", "b", "c", "mock"], policy, chance=lambda: 0.5, now_ns=0, symbols=SYMBOLS)
    for name in ("a", "b", "c"):
        manager.on_ready(name, 0)
    manager.advance({}, NS_PER_S)
    served = {symbol: manager.showing(symbol).order[0] for symbol in SYMBOLS}
    assert set(served.values()) == {"a", "b"}
    manager.on_lost("a", "the connection broke", 2 * NS_PER_S)
    manager.reconsider(2 * NS_PER_S)
    assert {"b"} == {manager.showing(symbol).order[0] for symbol in SYMBOLS}
    assert {"r"} == {change.route for change in manager.advance({}, 2 * NS_PER_S) if change.kind == "role"}
    assert (manager.role("a"), manager.role("b"), manager.role("c")) == ("warm", "active", "shadow")

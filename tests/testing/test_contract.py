"""Every installed provider holds the contract, and the contract can fail."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

import firmquote.providers
from firmquote.errors import UnknownSymbolError
from firmquote.runtime import load_provider, provider_names
from firmquote.testing import ProviderContract

NAMES = provider_names()
HEADINGS = ("## Sells", "## Limits", "## Traps", "## Sources")


@pytest.fixture(params=NAMES)
def contract(request: pytest.FixtureRequest) -> ProviderContract:
    return ProviderContract(load_provider(request.param))


def test_the_shipped_providers_are_found() -> None:
    assert {"alpaca", "alphavantage", "mock", "polygon"} <= set(NAMES)


def test_it_can_be_opened(contract: ProviderContract) -> None:
    contract.check_it_can_be_opened()


def test_symbols_round_trip(contract: ProviderContract) -> None:
    contract.check_symbols_round_trip()


def test_the_plan_asks_for_each_symbol_once(contract: ProviderContract) -> None:
    contract.check_the_plan_asks_for_each_symbol_once()


def test_the_key_is_hidden(contract: ProviderContract) -> None:
    contract.check_the_key_is_hidden()


@given(
    st.sampled_from(NAMES),
    st.binary(max_size=100) | st.sampled_from([b"{}", b"[]", b"[{}]", b'{"results":{}}', b'{"quotes":{"IBM":{}}}']),
)
def test_any_bytes_give_events_and_never_an_exception(name: str, body: bytes) -> None:
    ProviderContract(load_provider(name)).check_bytes(body)


@pytest.mark.parametrize("name", NAMES)
def test_its_page_has_its_headings(name: str) -> None:
    page = (Path(firmquote.providers.__file__).parent / name / "README.md").read_text()
    assert [heading for heading in HEADINGS if heading not in page] == []


class Lenient:
    def to_provider(self, canonical: str) -> str:
        return canonical

    def from_provider(self, spelling: str) -> str:
        if not spelling:
            raise UnknownSymbolError("empty")
        return spelling


def test_a_provider_that_spells_anything_fails_the_contract() -> None:
    sloppy = structs.replace(load_provider("mock"), codec=Lenient)
    with pytest.raises(AssertionError, match="mock spells ''"):
        ProviderContract(sloppy).check_symbols_round_trip()


def test_a_provider_that_opens_nothing_fails_the_contract() -> None:
    empty = structs.replace(load_provider("mock"), open_source=None)
    with pytest.raises(AssertionError, match="mock opens nothing"):
        ProviderContract(empty).check_it_can_be_opened()

"""Old names asked of a provider, over a real socket and within its budget."""

import asyncio
import json
import os
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest
from tests.patience import PATIENCE_S
from typer.testing import CliRunner

from firmquote.cli.app import app
from firmquote.errors import AuthError, BudgetError, ConfigError, WireError
from firmquote.lab import LAB_KEY, Fault, Lab, load_tape
from firmquote.runtime import SystemClock, explain_symbol
from firmquote.symbols import Explanation, Listing, NameSpan, TickerChange, listing_of_changes

KEY = "FIRMQUOTE_POLYGON_API_KEY"
DAY = date(2020, 1, 2)
META = listing_of_changes("meta", [TickerChange("FB", date(2012, 5, 18)), TickerChange("META", date(2022, 6, 9))])


class Place:
    """A lab that knows META's names, and a configuration that points at it; the day has five requests."""

    def __init__(self, lab: Lab, directory: Path) -> None:
        lab.market.reference.listings.append(META)
        self.lab = lab
        self.config = directory / "live_feeds.yaml"
        self.ledger = directory / "budget" / "ledger.sqlite"
        settings = {"polygon": {"settings": {"rest_url": lab.polygon.url}}, "alphavantage": {}}
        quotes = {"provider_active": "polygon", "live_symbols_allowlist": ["IBM"]}
        document = {
            "feeds": {"quotes": quotes},
            "providers": settings,
            "serve": {"state_dir": str(directory)},
            "budgets": {"reserve_pct": 0, "providers": {"polygon": {"requests_per_day": 5}}},
        }
        self.config.write_text(json.dumps(document))  # JSON is YAML

    async def explain(self, text: str, *, as_of: date | None = DAY, map_files: Path | None = None) -> Explanation:
        return await explain_symbol(text, as_of=as_of, map_files=map_files, config_path=self.config, provider="polygon")

    def spent(self) -> list[tuple[str, str, int]]:
        """Every request in the ledger: whom, what for, and how it ended (2 is settled)."""
        with closing(sqlite3.connect(self.ledger)) as database:
            return database.execute("SELECT provider, symbols, state FROM spend ORDER BY id").fetchall()


@pytest.fixture
def at_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Place], Awaitable[None]]], None]:
    monkeypatch.setenv(KEY, LAB_KEY)

    def run(body: Callable[[Place], Awaitable[None]]) -> None:
        async def main() -> None:
            async with asyncio.timeout(PATIENCE_S), Lab(load_tape(), SystemClock()) as lab:
                await body(Place(lab, tmp_path))

        asyncio.run(main())

    return run


AtPlace = Callable[[Callable[[Place], Awaitable[None]]], None]


def test_the_command_follows_an_old_name_that_a_provider_knows_and_pays_for_it(at_place: AtPlace) -> None:
    async def body(place: Place) -> None:
        words = ["symbols", "explain", "FB", "--as-of", "2020-01-02", "--from", "polygon", "-c", str(place.config)]
        done = await asyncio.to_thread(CliRunner().invoke, app, words)
        assert done.exit_code == 0
        assert "FB means FB (common, now META)" in done.output
        assert "FB from 2012-05-18 until 2022-06-08" in done.output
        assert place.lab.polygon.rest.served == 2
        assert place.spent() == [("polygon", "FB", 2)] * 2

    at_place(body)


def test_what_the_files_know_costs_nothing_and_without_a_day_today_is_meant(at_place: AtPlace) -> None:
    files = Path(__file__).parents[1] / "symbols" / "data"

    async def body(place: Place) -> None:
        found = await place.explain("AOL", as_of=date(2002, 1, 2), map_files=files)
        assert found.current == "TWX"
        assert place.lab.polygon.rest.served == 0
        assert [span.name for span in (await place.explain("META", as_of=None)).names] == ["FB", "META"]
        assert (await place.explain("NVDA")).names == ()
        twice = [NameSpan("TWO", date(2000, 1, 3)), NameSpan("DUE", date(2000, 1, 3))]
        place.lab.market.reference.listings.append(Listing("two", tuple(twice)))
        with pytest.raises(WireError, match="polygon: ticker changes of TWO"):
            await place.explain("TWO")

    at_place(body)


def test_a_spent_budget_and_a_refused_key_are_errors_that_say_so(at_place: AtPlace) -> None:
    async def body(place: Place) -> None:
        await place.lab.polygon.inject(Fault.BAD_LOGIN)
        with pytest.raises(AuthError, match="HTTP 401"):
            await place.explain("FB")
        place.lab.polygon.clear()
        await place.explain("FB")
        await place.explain("FB")
        with pytest.raises(BudgetError, match="polygon"):
            await place.explain("FB")
        assert len(place.spent()) == 5
        with pytest.raises(ConfigError, match="alphavantage: tells no old names"):
            await explain_symbol("FB", config_path=place.config, provider="alphavantage")

    os.environ["FIRMQUOTE_ALPHAVANTAGE_API_KEY"] = LAB_KEY
    try:
        at_place(body)
    finally:
        del os.environ["FIRMQUOTE_ALPHAVANTAGE_API_KEY"]

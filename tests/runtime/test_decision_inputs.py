"""What the engine is told of the days ahead, of news, and by files; and which strategies there are."""

from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

import pytest
from msgspec import json
from structlog.testing import capture_logs

from firmquote.decision import Announcement, EarningsPolicy, Embargoes, MeanReversion, Momentum, NewsFlags, to_advice
from firmquote.errors import ConfigError, FirmquoteError, UnknownSymbolError
from firmquote.model import NS_PER_S
from firmquote.model.trading import AdviceInput, NewsInput
from firmquote.runtime.announcements import of_served
from firmquote.runtime.config import SymbolsSection
from firmquote.runtime.loading import build_normalizer
from firmquote.runtime.owners_files import FILE_BYTES_MAX, OwnersFile
from firmquote.runtime.plugins import open_strategies
from firmquote.testing.clock import NOON_NS

DAY = date(2026, 11, 25)
CLOSE_NS = int(datetime(2026, 11, 25, 21, 0, tzinfo=UTC).timestamp()) * NS_PER_S  # 16:00 in New York
HOUR_NS = 3_600 * NS_PER_S


@pytest.mark.parametrize(
    ("when", "at_ns", "embargo"),
    [
        pytest.param("after", CLOSE_NS - 24 * HOUR_NS - 1, False, id="just before it begins"),
        pytest.param("after", CLOSE_NS - 24 * HOUR_NS, True, id="as it begins"),
        pytest.param("after", CLOSE_NS + 2 * HOUR_NS, True, id="as it ends"),
        pytest.param("after", CLOSE_NS + 2 * HOUR_NS + 1, False, id="just after it ended"),
        pytest.param("before", CLOSE_NS - 13 * HOUR_NS // 2 + 2 * HOUR_NS, True, id="two hours after 9:30"),
        pytest.param("before", CLOSE_NS, False, id="announced in the morning, over in the evening"),
    ],
)
def test_an_embargo_holds_from_so_long_before_until_so_long_after(when: str, at_ns: int, embargo: bool) -> None:
    announcement = Announcement(symbol="IBM", day=DAY, when=when)  # type: ignore[arg-type]  # the table's own
    embargoes = Embargoes([announcement], EarningsPolicy(before_h=24, after_h=2))
    assert embargo is (embargoes.on("IBM", at_ns) is not None)
    assert embargoes.on("BAC", at_ns) is None


def test_an_announcement_counts_however_its_symbol_is_written_and_one_that_counts_for_nothing_is_told_of() -> None:
    resolve = partial(build_normalizer((), SymbolsSection()).resolve, served=("IBM", "BRK.B"))
    written = [Announcement(symbol=symbol, day=DAY) for symbol in ("ibm", "BRK-B", "MSFT", "no symbol")]
    with capture_logs() as log:
        known = of_served(written, resolve, ("IBM", "BRK.B"))
    embargoes = Embargoes(known, EarningsPolicy())
    assert (
        embargoes.on("IBM", CLOSE_NS) == embargoes.on("BRK.B", CLOSE_NS) == "earnings after the session of 2026-11-25"
    )
    refused, others = log
    assert (refused["event"], refused["count"]) == ("announcements refused", 1)
    assert "no symbol" in refused["why"][0]
    assert (others["event"], others["symbols"]) == ("announcements of what is not served", ["MSFT"])


def test_a_news_flag_lasts_as_long_as_it_says_and_the_newest_counts() -> None:
    flags = NewsFlags(frozenset({"IBM"}))
    flags.put(NewsInput(symbol="IBM", text="old", ttl_s=1_000), NOON_NS)
    flags.put(NewsInput(symbol="IBM", text="a lawsuit", ttl_s=10), NOON_NS)
    assert flags.on("IBM", NOON_NS + 10 * NS_PER_S - 1) == "a lawsuit"
    assert flags.on("IBM", NOON_NS + 10 * NS_PER_S) is None
    with pytest.raises(UnknownSymbolError, match="not served here"):
        flags.put(NewsInput(symbol="MSFT", text="x"), NOON_NS)


def test_advice_is_as_old_as_it_says_and_none_is_dated_ahead() -> None:
    now = datetime.fromtimestamp(NOON_NS / NS_PER_S, UTC)
    given = AdviceInput(symbol="IBM", score=0.5, source="desk", as_of=now)
    taken = to_advice(given, now_ns=NOON_NS + 30 * NS_PER_S, ttl_s=60)
    assert (taken.as_of_ns, taken.freshness(NOON_NS + 30 * NS_PER_S)) == (NOON_NS, 0.5)
    with pytest.raises(FirmquoteError, match="as_of lies 10 s ahead of this machine's clock"):
        to_advice(given, now_ns=NOON_NS - 10 * NS_PER_S, ttl_s=60)


def test_a_file_is_read_when_it_changes_and_what_was_read_stays_while_it_cannot_be(tmp_path: Path) -> None:
    path = tmp_path / "advice.json"
    file = OwnersFile(str(path), AdviceInput)
    assert file.news() is None
    advice = AdviceInput(symbol="IBM", score=0.5, source="desk")
    path.write_bytes(json.encode([advice]))
    assert file.news() == [advice]
    assert file.news() is None
    path.write_text("[{")
    assert file.news() is None
    path.write_bytes(json.encode([advice, advice]))
    assert file.news() == [advice, advice]
    assert OwnersFile(None, AdviceInput).news() is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[{"symbol": "IBM"}]', "missing required field `score`"),
        ('{"symbol": "IBM"}', "Expected `array`"),
        ("[" + " " * FILE_BYTES_MAX + "]", "longer than 1048576 bytes"),
    ],
)
def test_a_file_that_cannot_be_meant_says_why(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "advice.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match=words):
        OwnersFile(str(path), AdviceInput).check()


def test_strategies_are_found_by_entry_point_with_strict_settings() -> None:
    momentum, reversion = open_strategies({"momentum": {"half_life_s": 5}, "mean_reversion": {}})
    assert (type(momentum), type(reversion)) == (Momentum, MeanReversion)
    with pytest.raises(ConfigError, match="no such strategy is installed. Did you mean momentum?"):
        open_strategies({"momentun": {}})
    with pytest.raises(ConfigError, match="unknown key 'half_life'.*Did you mean half_life_s"):
        open_strategies({"momentum": {"half_life": 5}})

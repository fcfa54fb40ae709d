"""From a file and the environment to a configuration, and what is said when that fails."""

from pathlib import Path

import pytest

from firmquote.errors import ConfigError
from firmquote.model import Opening, Provider
from firmquote.runtime import Config, load_config, load_provider
from firmquote.runtime.loading import build_normalizer, open_provider

GOOD = """
feeds:
  quotes:
    live_enabled: true
    provider_active: polygon
    provider_warm: alphavantage
    live_symbols_allowlist: [IBM, BRK.B]
"""
KEYS = {"FIRMQUOTE_POLYGON_API_KEY": "pk", "FIRMQUOTE_ALPHAVANTAGE_API_KEY": "ak"}


@pytest.fixture
def written(tmp_path: Path) -> "Written":
    return Written(tmp_path / "feeds.yaml")


class Written:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __call__(self, text: str) -> Path:
        self.path.write_text(text)
        return self.path


def test_a_short_file_is_enough_and_the_mock_is_always_last(written: Written) -> None:
    config = load_config(written(GOOD))
    assert config.provider_order() == ("polygon", "alphavantage", "mock")
    assert config.feeds.quotes.shadow_mode, "nothing is traded on until somebody says so"


def test_with_live_off_only_the_mock_is_opened(written: Written) -> None:
    assert load_config(written(GOOD.replace("live_enabled: true", "live_enabled: false"))).provider_order() == ("mock",)


@pytest.mark.parametrize("name", ["live_feeds.yaml", "demo.yaml"])
def test_the_files_that_we_ship_are_good(name: str) -> None:
    config = load_config(Path(__file__).parents[2] / "config" / name)
    assert {"live_enabled", "shadow_mode", "provider_active", "provider_warm", "live_symbols_allowlist",
            "canary_symbols", "priority_symbols", "promotion_gates"} == set(type(config.feeds.quotes).__struct_fields__)  # fmt: skip
    assert type(config.feeds.quotes.promotion_gates).__struct_fields__ == ("min_success_rate", "max_p95_latency_ms", "min_cache_hit_rate", "max_shadow_mismatch_rate",
            "validation_window_minutes")  # fmt: skip


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(("provider_warm", "provider_worm"), "unknown key 'provider_worm' under feeds.quotes. Did you mean provider_warm?", id="nearest key"),
        pytest.param(("feeds:", "x: 1\nfeeds:"), "unknown key 'x' under the top level. Known keys there: feeds,", id="no near key"),
        pytest.param(("live_enabled: true", "live_enabled: 7"), "Expected `bool`, got `int` - at `$.feeds.quotes.live_enabled`", id="wrong type"),
        pytest.param(("feeds:", "decision: {sectors: {BRK-B: insurance}}\nfeeds:"), "decision.sectors: 'BRK-B' is not a canonical symbol. Write BRK.B (class B)", id="a sector of nobody"),
        pytest.param(("[IBM, BRK.B]", "[]"), "live_symbols_allowlist is empty. Name at least one symbol", id="no symbols"),
        pytest.param(("[IBM, BRK.B]", "[IBM, brk/b]"), "'brk/b' is not a canonical symbol. Write 'BRK.B'", id="not canonical"),
        pytest.param(("alphavantage", "polygon"), "polygon is both provider_active and provider_warm", id="two roles"),
        pytest.param(("    live_enabled", "    canary_symbols: [SPY]\n    live_enabled"), "canary_symbols: SPY is not in live_symbols_allowlist. Add it there", id="canary elsewhere"),
        pytest.param(("feeds:", "feeds: ["), "is not valid YAML", id="not yaml"),
        pytest.param(("feeds:", "decision: {min_grade: stale}\nfeeds:"), "write firm or indicative", id="decision"),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused_with_what_to_do(written: Written, change: tuple[str, str], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(written(GOOD.replace(*change, 1)))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere.yaml: cannot be read \(No such file.*--config"):
        load_config(tmp_path / "nowhere.yaml")


def opened(config: Config, environ: dict[str, str]) -> tuple[Provider, Opening]:
    normalizer = build_normalizer(["polygon"], config.symbols)
    return open_provider("polygon", config, environ, normalizer)


def test_a_key_comes_from_the_environment(written: Written) -> None:
    _, opening = opened(load_config(written(GOOD)), KEYS)
    assert opening.key is not None
    assert opening.key.reveal() == "pk"
    assert "pk" not in repr(opening)


def test_a_key_comes_from_a_file(written: Written, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from-file\n")
    text = GOOD + f"providers: {{polygon: {{api_key: {{file: {tmp_path / 'key'}}}}}}}"
    _, opening = opened(load_config(written(text)), {})
    assert opening.key is not None
    assert opening.key.reveal() == "from-file"


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ("", "no key in the environment variable FIRMQUOTE_POLYGON_API_KEY. Set it there"),
        ("providers: {polygon: {api_key: {file: /nowhere/key}}}", "the key file /nowhere/key cannot be read"),
        ("providers: {polygon: {api_key: {env: A, file: b}}}", "name either env or file"),
        ("providers: {polygon: {settings: {plam: x}}}", "unknown key 'plam' under the top level. Did you mean plan?"),
        ("providers: {polygon: {settings: {plan: gold}}}", "Invalid enum value 'gold'"),
    ],
)
def test_a_provider_that_cannot_be_opened_says_what_to_do(written: Written, section: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        opened(load_config(written(GOOD + section)), {})
    assert words in str(caught.value)


def test_a_provider_that_is_not_installed_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="polygone: no such provider is installed. Did you mean polygon?"):
        load_provider("polygone")


def test_an_override_reaches_the_provider(written: Written) -> None:
    text = GOOD + "symbols: {overrides: {polygon: {BRK.B: BRKB}}}"
    _, opening = opened(load_config(written(text)), KEYS)
    assert opening.codec.to_provider("BRK.B") == "BRKB"
    assert opening.codec.from_provider("BRKB") == "BRK.B"


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ("symbols: {overrides: {nasdaq: {IBM: X}}}", "symbols.overrides.nasdaq: takes no part here. Known: polygon"),
        ("symbols: {overrides: {polygon: {ibm: X}}}", "'ibm' is not a canonical symbol"),
    ],
)
def test_an_override_that_cannot_be_meant_is_refused(written: Written, section: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        opened(load_config(written(GOOD + section)), KEYS)
    assert words in str(caught.value)

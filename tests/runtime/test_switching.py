"""Where switches are pulled, and what is remembered of them: environment, file, disk."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from firmquote.model import NS_PER_S
from firmquote.model.safety import Caller
from firmquote.runtime.keeper import Keeper, read_audit, verify_audit
from firmquote.runtime.switching import FILE, STATE, Switchgear
from firmquote.safety import NO_RESTRICTIONS, Restrictions, Source, SwitchChange, SwitchPolicy
from firmquote.testing import ManualClock

ANN = Caller("ann", "test")


class Gear:
    """A switchgear with a disk; `effects` are the restrictions in the order in which they came into force."""

    def __init__(
        self, directory: Path, *, environ: dict[str, str] | None = None, clock: ManualClock | None = None
    ) -> None:
        self.clock = clock or ManualClock()
        self.effects: list[Restrictions] = []
        self.keeper = Keeper(self.clock)
        self.keeper.open(directory)
        self.gear = Switchgear(
            SwitchPolicy(), providers=("polygon", "mock"), symbols=("IBM",), keeper=self.keeper, clock=self.clock,
            apply=self._apply,
        )  # fmt: skip
        self.gear.restore(directory, environ or {})

    def _apply(self, restrictions: Restrictions, changes: Sequence[SwitchChange]) -> None:
        assert changes
        self.effects.append(restrictions)

    def close(self) -> None:
        self.gear.close()
        self.keeper.close()

    @property
    def now(self) -> Restrictions:
        return self.gear.board.restrictions


def sources(made: Gear) -> dict[str, str]:
    return {e.name: e.source.value for e in made.gear.board.engaged()}


def test_what_was_engaged_is_engaged_after_a_restart(tmp_path: Path) -> None:
    first = Gear(tmp_path)
    first.gear.engage("quotes", source=Source.API, caller=ANN, reason="odd prices")
    first.gear.engage("symbol:IBM", source=Source.API, caller=ANN, reason="split", for_s=30)
    first.close()
    second = Gear(tmp_path)
    assert second.now.quotes_off
    assert second.now.symbols_off == {"IBM"}
    second.clock.advance(30 * NS_PER_S)
    second.gear.advance()
    assert second.now.symbols_off == frozenset()
    second.close()
    assert verify_audit(tmp_path).good
    assert [entry.record.what for entry in read_audit(tmp_path, after=0, limit=9)] == [
        "switch engaged", "switch engaged", "switch restored", "switch restored", "switch expired",
    ]  # fmt: skip


def test_a_state_that_cannot_be_read_counts_as_engaged(tmp_path: Path) -> None:
    (tmp_path / STATE).write_bytes(b'{"engagements": [')
    made = Gear(tmp_path)
    assert made.now.all_off
    assert "is damaged" in made.gear.switch("all").held[0].reason
    made.close()


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"DISABLE_LIVE_QUOTES": "true"}, {"quotes": "environment"}),
        ({"DISABLE_LIVE_QUOTES": "1", "FORCE_MOCK": "Yes"}, {"quotes": "environment", "force_mock": "environment"}),
        ({"DISABLE_LIVE_QUOTES": "false", "DISABLE_LIVE_NEWS": ""}, {}),
        (
            {"FIRMQUOTE_SWITCHES": "halts, provider:polygon"},
            {"halts": "environment", "provider:polygon": "environment"},
        ),
        ({"DISABLE_LIVE_QUOTES": "maybe"}, {"all": "environment"}),
        ({"FIRMQUOTE_SWITCHES": "quots"}, {"all": "environment"}),
    ],
)
def test_the_environment_is_obeyed_and_what_is_not_understood_counts_as_engaged(
    tmp_path: Path, environ: dict[str, str], expected: dict[str, str]
) -> None:
    made = Gear(tmp_path, environ=environ)
    assert sources(made) == expected
    made.close()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("quotes\n", {"quotes": "file"}),
        ("# stop these\nquotes # odd\n\nsymbol:IBM", {"quotes": "file", "symbol:IBM": "file"}),
        ("", {}),
        ("quotes\nnonsense\n", {"all": "file"}),
        ("\udcff", {"all": "file"}),
    ],
)
def test_the_file_is_obeyed_at_the_start(tmp_path: Path, text: str, expected: dict[str, str]) -> None:
    (tmp_path / FILE).write_bytes(text.encode(errors="surrogateescape"))
    made = Gear(tmp_path)
    assert sources(made) == expected
    made.close()


def test_a_directory_in_the_files_place_counts_as_engaged(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    made = Gear(tmp_path)
    assert made.now.all_off
    made.close()


def test_a_step_of_the_wall_clock_releases_nothing(tmp_path: Path) -> None:
    made = Gear(tmp_path)
    made.gear.engage("quotes", source=Source.API, caller=ANN, reason="x", for_s=60)
    made.clock.step_wall(3600 * NS_PER_S)
    made.gear.advance()
    assert made.now.quotes_off
    made.clock.advance(60 * NS_PER_S)
    made.gear.advance()
    assert made.now == NO_RESTRICTIONS
    made.close()


def test_a_disk_that_refuses_keeps_no_switch_from_its_effect_and_is_said(tmp_path: Path) -> None:
    async def body() -> None:
        made = Gear(tmp_path)
        (tmp_path / f".{STATE}.new").mkdir()  # no file can be written there now
        outcome = await made.gear.order("quotes", engaged=True, caller=ANN, reason="x", for_s=None)
        assert (outcome.changed, outcome.persisted) == (True, False)
        assert made.now.quotes_off
        view = made.gear.view()
        assert not view.persisted
        assert "cannot be written" in (view.trouble or "")
        (tmp_path / f".{STATE}.new").rmdir()
        made.keeper.second()
        assert await made.keeper.written()
        assert made.gear.view().persisted
        made.close()
        again = Gear(tmp_path)
        assert again.now.quotes_off
        again.close()

    asyncio.run(body())


def test_an_order_says_what_it_did(tmp_path: Path) -> None:
    async def body() -> None:
        made = Gear(tmp_path)
        words = [
            (await made.gear.order("quotes", engaged=engaged, caller=ANN, reason="x", for_s=None)).words
            for engaged in (True, True, False)
        ]
        assert words == ["quotes is engaged", "quotes was engaged already", "quotes is released"]
        made.close()

    asyncio.run(body())

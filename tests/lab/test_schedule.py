"""Faults on a schedule: each begins and ends at its second, and a mistake in the file is told before anything runs."""

import asyncio
import re
from pathlib import Path

import pytest

from firmquote.errors import ConfigError
from firmquote.lab import Fault, Lab, ScheduledFault, load_schedule, load_tape
from firmquote.lab.faults import DEFAULT_MAGNITUDE
from firmquote.model import NS_PER_MS, NS_PER_S
from firmquote.runtime import SystemClock
from firmquote.testing import ManualClock

TAPE = load_tape()
PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "faults.md"


def written(directory: Path, text: str) -> Path:
    path = directory / "faults.yaml"
    path.write_text(text)
    return path


def freeze(**changed: object) -> ScheduledFault:
    return ScheduledFault(**{"at_s": 1.0, "provider": "polygon", "fault": Fault.FREEZE, **changed})  # type: ignore[arg-type]  # the test's own values


def lab(*schedule: ScheduledFault) -> Lab:
    return Lab(TAPE, ManualClock(), schedule=schedule)


async def pass_time(clock: ManualClock, seconds: float) -> None:
    """Let time pass in steps of 5 ms, each seen by everybody who waits."""
    for _ in range(round(seconds * 200)):
        clock.advance(5 * NS_PER_MS)
        for _ in range(3):
            await SystemClock().sleep_until(0)


def test_each_fault_begins_and_ends_at_its_second_on_its_provider_alone() -> None:
    schedule = [
        freeze(at_s=2.0, for_s=0.5),
        freeze(at_s=0.0, fault=Fault.DRIFT, magnitude=50.0, symbols=frozenset({"IBM"})),
        freeze(at_s=1.0, for_s=1.5, provider="alpaca", fault=Fault.LAG),
    ]

    async def body() -> list[tuple[list[str], list[str]]]:
        clock = ManualClock()
        seen = []
        async with Lab(TAPE, clock, schedule=schedule) as running:
            for _ in range(6):
                await pass_time(clock, 0.45)
                now_ns = clock.now_ns()
                seen.append((running.polygon.faults.names(now_ns), running.alpaca.faults.names(now_ns)))
                drift = running.polygon.faults.active(Fault.DRIFT, now_ns)
                assert drift is not None
                assert (drift.magnitude, drift.symbols) == (50.0, frozenset({"IBM"}))
                assert running.alphavantage.faults.names(now_ns) == []
        return seen

    assert asyncio.run(body()) == [
        (["drift"], []),  # 0.45
        (["drift"], []),  # 0.90
        (["drift"], ["lag"]),  # 1.35
        (["drift"], ["lag"]),  # 1.80
        (["drift", "freeze"], ["lag"]),  # 2.25
        (["drift"], []),  # 2.70
    ]


def test_one_tape_reaches_each_provider_through_its_own_faults() -> None:
    clock = ManualClock()
    playing = Lab(TAPE, clock)
    before = {name: dict(simulator.shown) for name, simulator in playing.simulators.items()}
    assert before["polygon"] == before["alpaca"]

    async def body() -> None:
        await playing.polygon.inject(Fault.FREEZE)
        clock.advance(30 * NS_PER_S)
        playing.step()

    asyncio.run(body())
    assert playing.polygon.shown == before["polygon"]
    assert all(playing.alpaca.shown[symbol].event_ns > quote.event_ns for symbol, quote in before["alpaca"].items())


def test_a_file_reads_as_yaml_and_as_json(tmp_path: Path) -> None:
    expected = (freeze(at_s=5.0, for_s=3.0, symbols=frozenset({"IBM"})), freeze(fault=Fault.LAG, magnitude=0.5))
    yaml = """
faults:
  - {at_s: 5, provider: polygon, fault: freeze, for_s: 3, symbols: [IBM]}
  - at_s: 1
    provider: polygon
    fault: lag
    magnitude: 0.5
"""
    json = (
        '{"faults": [{"at_s": 5, "provider": "polygon", "fault": "freeze", "for_s": 3, "symbols": ["IBM"]},'
        ' {"at_s": 1, "provider": "polygon", "fault": "lag", "magnitude": 0.5}]}'
    )
    assert load_schedule(written(tmp_path, yaml)) == expected
    assert load_schedule(written(tmp_path, json)) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("faults: [{at_s: 1, provider: polygon, fault: frezee}]", r"faults\[0\]\.fault: 'frezee' is no fault\. Did you mean freeze\?"),
        ("faults: [{at_s: 1, provider: polygon, fault: xyz}]", r"Known: bad-login, blackhole"),
        ("faults: [{at_s: 1, provider: polygon, fault: lag, for: 3}]", r"unknown key 'for' under faults\[0\]\. Did you mean for_s\?"),
        ("faults: [{at_s: soon, provider: polygon, fault: lag}]", r"Expected `float`, got `str`.*See docs/how-to/faults\.md"),
        ("faults: [{provider: polygon, fault: lag}]", r"missing required field `at_s`"),
        ("fault: []", r"unknown key 'fault' under the top level\. Did you mean faults\?"),
        ("faults: [", r"is not valid YAML"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_file_is_told_with_its_place(tmp_path: Path, text: str, words: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError, match=f"^{re.escape(str(path))}: .*{words}"):
        load_schedule(path)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no\.yaml: cannot be read \(No such file or directory\)"):
        load_schedule(tmp_path / "no.yaml")


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        ([freeze(provider="polygone")], r"faults\[0\]\.provider: 'polygone' is no simulator\. Did you mean polygon\?"),
        ([freeze(symbols=frozenset({"IBN"}))], r"faults\[0\]\.symbols: 'IBN' is no symbol of the tape\. Did you mean IBM\?"),
        ([freeze(at_s=-1.0)], r"faults\[0\]\.at_s: -1 is no second after the start"),
        ([freeze(at_s=float("nan"))], r"at_s: nan"),
        ([freeze(for_s=0.0)], r"for_s: 0 is no duration"),
        ([freeze(magnitude=3.0)], r"faults\[0\]\.magnitude: freeze has none"),
        ([freeze(at_s=5.0), freeze()], r"faults\[1\]: freeze of polygon is still on since faults\[0\]"),
        ([freeze(for_s=2.0), freeze(at_s=2.9)], r"still on"),
        ([freeze(at_s=float(2 * n), for_s=1.0) for n in range(1_001)], r"has 1001 faults\. At most 1000"),
    ],
)  # fmt: skip
def test_a_schedule_that_makes_no_sense_is_refused_before_anything_listens(
    schedule: list[ScheduledFault], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        lab(*schedule)


def test_the_same_fault_may_come_again_and_on_another_provider() -> None:
    lab(freeze(for_s=1.0), freeze(at_s=2.0, for_s=1.0), freeze(provider="alpaca"), freeze(fault=Fault.LAG))


def test_every_fault_is_documented_with_its_magnitude() -> None:
    rows = dict(re.findall(r"^\| `([a-z0-9-]+)` \| .+? \| (.*?) ?\|$", PAGE.read_text(), re.MULTILINE))
    assert set(rows) == {fault.value for fault in Fault}
    for fault in Fault:
        magnitude = DEFAULT_MAGNITUDE.get(fault)
        assert (magnitude is None) == (rows[fault.value] == ""), fault
        assert magnitude is None or f"({magnitude:g})" in rows[fault.value], fault


def test_the_example_of_the_page_reads(tmp_path: Path) -> None:
    found = re.search(r"```yaml\n(.+?)```", PAGE.read_text(), re.DOTALL)
    assert found is not None
    schedule = load_schedule(written(tmp_path, found[1]))
    assert len(schedule) == 3
    lab(*schedule)

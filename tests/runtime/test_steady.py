"""Our own clock steps; nothing turns stale or fresh by it."""

from firmquote.model import NS_PER_MS, NS_PER_S
from firmquote.runtime.steady import SteadyClock
from firmquote.testing import ManualClock

FLOORS = [20 * NS_PER_MS, 60 * NS_PER_MS]


def look(clock: SteadyClock, floors: list[int] = FLOORS, *, future: bool = False) -> tuple[int, bool] | None:
    step = clock.look(floors, from_the_future=future)
    return None if step is None else (step.by_ns // NS_PER_S, step.adopted)


def test_a_step_is_told_once_and_ignored_while_the_providers_fit_the_old_time() -> None:
    manual = ManualClock()
    clock = SteadyClock(manual)
    for step_s in (3_600, -7_200):
        before_ns = clock.now_ns()
        manual.step_wall(step_s * NS_PER_S)
        told = look(clock)
        assert told is not None
        assert not told[1]
        assert [look(clock), look(clock)] == [None, None]
        assert clock.now_ns() == before_ns
    assert clock.steps == 2


def test_time_goes_on_by_the_monotonic_clock_after_a_step() -> None:
    manual = ManualClock()
    clock = SteadyClock(manual)
    before_ns = clock.now_ns()
    manual.step_wall(-NS_PER_S)
    look(clock)
    manual.advance(5 * NS_PER_S)
    assert clock.now_ns() - before_ns == 5 * NS_PER_S


def test_the_new_time_is_taken_when_the_providers_fit_it_better() -> None:
    manual = ManualClock()
    clock = SteadyClock(manual)
    manual.step_wall(3 * NS_PER_S)
    assert look(clock, [floor - 3 * NS_PER_S for floor in FLOORS]) == (3, True)
    assert clock.now_ns() == manual.now_ns()


def test_the_new_time_is_taken_after_a_sleep_when_quotes_seem_to_come_from_the_future() -> None:
    manual = ManualClock()
    clock = SteadyClock(manual)
    manual.step_wall(600 * NS_PER_S)
    assert look(clock) == (600, False)
    assert look(clock, future=True) == (600, True)


def test_without_a_stream_the_wall_is_believed() -> None:
    manual = ManualClock()
    clock = SteadyClock(manual)
    manual.step_wall(60 * NS_PER_S)
    assert look(clock, []) == (60, True)


def test_a_slow_drift_is_made_good_without_a_word() -> None:
    manual = ManualClock()
    clock = SteadyClock(manual)
    for _ in range(10):
        manual.step_wall(100 * NS_PER_MS)
        assert look(clock) is None
    assert clock.now_ns() == manual.now_ns()

"""The manual clock moves only when told, and wakes sleepers in due order."""

import asyncio

from firmquote.testing import ManualClock


def test_sleepers_wake_in_due_order_and_not_before() -> None:
    async def main() -> list[str]:
        clock = ManualClock()
        woken: list[str] = []

        async def sleep(name: str, until_ns: int) -> None:
            await clock.sleep_until(until_ns)
            woken.append(name)

        async with asyncio.TaskGroup() as group:
            for name, until_ns in (("late", 30), ("early", 10), ("never too late", -5)):
                group.create_task(sleep(name, until_ns))
            await _turn()
            assert woken == ["never too late"]
            clock.advance(9)
            await _turn()
            assert woken == ["never too late"]
            clock.advance(21)
        return woken

    assert asyncio.run(main()) == ["never too late", "early", "late"]


async def _turn() -> None:
    """Let every other task run until it waits."""
    loop = asyncio.get_running_loop()
    for _ in range(3):
        turn = loop.create_future()
        loop.call_soon(turn.set_result, None)
        await turn


def test_a_step_of_the_wall_leaves_monotonic_time_alone() -> None:
    clock = ManualClock(now_ns=100)
    clock.step_wall(-50)
    assert (clock.now_ns(), clock.monotonic_ns()) == (50, 0)

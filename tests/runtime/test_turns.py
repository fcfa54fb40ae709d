import asyncio
from collections.abc import Iterator

from firmquote.runtime import SystemClock
from firmquote.runtime.turns import REST_NS_MIN, SHARE, TELLING_SHARE, Turns, at_once, gathered, portions, take_turns


class Board:
    """What a frame goes through: one turn of the loop reads it, the next decides on it."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def read(self) -> None:
        self.done.append("read")
        asyncio.get_running_loop().call_soon(self.done.append, "decided")

    def work(self, parts: int) -> Iterator[None]:
        for part in range(parts):
            self.done.append(f"part {part}")
            yield


def test_between_two_parts_of_long_work_a_frame_is_read_and_decided_on() -> None:
    async def scenario() -> list[str]:
        board = Board()
        working = asyncio.create_task(take_turns(board.work(2), SystemClock()))
        asyncio.get_running_loop().call_soon(board.read)
        await working
        return board.done

    assert asyncio.run(scenario()) == ["part 0", "read", "decided", "part 1"]


def test_whoever_drives_time_has_all_parts_at_once() -> None:
    board = Board()
    at_once(board.work(3))
    assert board.done == ["part 0", "part 1", "part 2"]


def test_a_long_row_takes_turns_and_a_short_one_does_not() -> None:
    turns = Turns("ABCDE", 2)
    assert [turns.next() for _ in range(4)] == ["AB", "CD", "E", "AB"]
    assert turns.rounds == 2
    assert [Turns("AB", 2).next(), Turns("", 2).next()] == ["AB", ""]


def test_portions_are_everything_once_and_in_order() -> None:
    assert [list(portions(row, 2)) for row in ("ABCDE", "AB", "")] == [["AB", "CD", "E"], ["AB"], []]


class Simulated:
    """Time passes where somebody says so."""

    def __init__(self) -> None:
        self.at_ns = 0

    def now_ns(self) -> int:
        return self.at_ns

    monotonic_ns = now_ns

    async def sleep_until(self, monotonic_ns: int) -> None:
        self.at_ns = max(self.at_ns, monotonic_ns)

    def parts(self, count: int, each_ns: int) -> Iterator[list[int]]:
        for part in range(count):
            self.at_ns += each_ns
            yield [part]


def took(share: int, worked_ns: int) -> tuple[int, int]:
    return share * worked_ns - (share - 1) * REST_NS_MIN, share * worked_ns


def test_what_time_makes_necessary_has_at_most_a_quarter_of_the_time() -> None:
    clock = Simulated()
    asyncio.run(take_turns((None for _ in clock.parts(50, 100_000)), clock))
    least_ns, most_ns = took(SHARE, 50 * 100_000)
    assert least_ns <= clock.at_ns <= most_ns


def test_what_is_told_has_at_most_an_eighth_of_the_time_and_its_parts_come_in_order() -> None:
    clock = Simulated()
    assert asyncio.run(gathered(clock.parts(50, 100_000), clock)) == list(range(50))
    least_ns, most_ns = took(TELLING_SHARE, 50 * 100_000)
    assert least_ns <= clock.at_ns <= most_ns


def test_little_work_rests_not_at_all() -> None:
    clock = Simulated()
    asyncio.run(take_turns(iter([None] * 3), clock))
    assert clock.at_ns == 0

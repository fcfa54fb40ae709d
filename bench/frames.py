"""Frames for the benchmarks: the demo tape's quotes as Polygon sends them."""

import itertools
import time

import msgspec

from firmquote.lab import TapeQuote, load_tape


def tape_frames(per_frame: int | None, quotes: int, *, symbols: int = 4) -> list[bytes]:
    """Return frames that hold `quotes` quotes in all: `per_frame` each, or the tape's own bursts (`None`).

    With more symbols than the tape has, its quotes are dealt to numbered names in turn. Times are strictly
    increasing milliseconds that end about now, as a live stream's, so that every quote is one that the board accepts.
    """
    rows = [row for row in load_tape().rows if isinstance(row, TapeQuote)]
    names = itertools.count()
    sequence = itertools.count(1)
    clock_ms = itertools.count(time.time_ns() // 1_000_000 - quotes)

    def wire(row: TapeQuote) -> dict[str, object]:
        name = row.symbol if symbols <= 4 else f"{row.symbol[0]}{next(names) % (symbols // 4)}"
        return {
            "ev": "Q", "sym": name, "bx": 11, "bp": row.bid, "bs": row.bid_size_shares, "ax": 12, "ap": row.ask,
            "as": row.ask_size_shares, "c": 0, "i": [604], "t": next(clock_ms), "q": next(sequence), "z": 1,
        }  # fmt: skip

    if per_frame is None:
        groups: list[list[TapeQuote]] = list(load_tape().bursts())
    else:
        groups = [rows[i : i + per_frame] for i in range(0, len(rows), per_frame)]
    frames, made = [], 0
    for group in itertools.cycle(groups):
        frames.append(msgspec.json.encode([wire(row) for row in group]))
        made += len(group)
        if made >= quotes:
            return frames
    raise AssertionError("the tape is empty")


def tape_symbols(symbols: int = 4) -> list[str]:
    """Return the names that `tape_frames` uses."""
    if symbols <= 4:
        return ["AIG", "BAC", "IBM", "SPY"]
    return sorted({f"{letter}{number}" for letter in "ABIS" for number in range(symbols // 4)})

"""How much does everything between the bytes and the board cost, beside decoding the same bytes?

Floor: msgspec decoding the frames into typed structs, and nothing else. Ours: decoded, mapped to the symbol, checked
for plausibility, put on the provider's line, arbitrated over two providers, on the board, readers marked.
Both run in turns in one process, and the best round of each counts: noise only ever adds.

    uv run python bench/pipeline.py
"""

import gc
import time

from frames import tape_frames, tape_symbols
from machine import report
from msgspec.json import Decoder

from firmquote.board import Board, Feed
from firmquote.model import FeedClass, Opening, Secret, StreamProtocol
from firmquote.providers.polygon import PROVIDER
from firmquote.providers.polygon.messages import QuoteMessage
from firmquote.quality import GradePolicy, PlausibilityPolicy

QUOTES = 100_000
ROUNDS = 9
FRAMES_PER_WAKE_UP = 16
"""Under load one read of the socket brings several frames, and readers are woken once for all of them."""


def ours(frames: list[bytes]) -> tuple[float, Board]:
    """Return seconds for all frames, split over two providers that both carry every symbol."""
    symbols = tape_symbols()
    board = Board(symbols, grading=GradePolicy(), plausibility=PlausibilityPolicy(jump_bps_max=9_000))
    lines: list[tuple[Feed, StreamProtocol]] = []
    assert PROVIDER.open_stream is not None
    for name in ("active", "warm"):
        opening = Opening(config=PROVIDER.config(), key=Secret("k"), codec=PROVIDER.codec())
        protocol = PROVIDER.open_stream(opening)
        protocol.subscribe(symbols)
        feed = board.add_feed(name, FeedClass.CONSOLIDATED)
        feed.expect_ticks(protocol, opening.codec)
        lines.append((feed, protocol))
    for symbol in symbols:
        board.elect(symbol, "active")
    reader = board.add_reader("bench")
    turns = [lines[i % 2] for i in range(len(frames))]
    now_ns = time.time_ns()
    begun = time.perf_counter()
    for number, ((feed, protocol), frame) in enumerate(zip(turns, frames, strict=True)):
        board.receive(feed, protocol, frame, now_ns)
        if number % FRAMES_PER_WAKE_UP == 0:
            board.flush()
            for _ in reader.take():
                pass
    took = time.perf_counter() - begun
    refused = sum(sum(feed.refused.values()) for feed, _ in lines)
    assert refused == 0, [feed.refused for feed, _ in lines]
    return took, board


def floor(frames: list[bytes]) -> float:
    """Return seconds for decoding alone."""
    decode = Decoder(list[QuoteMessage]).decode
    begun = time.perf_counter()
    for frame in frames:
        decode(frame)
    return time.perf_counter() - begun


def main() -> None:
    """Measure frames of 20 quotes (a busy market), of 1, and of the tape's own bursts (2 on average)."""
    results: dict[str, dict[str, float]] = {"ours": {}, "floor": {}}
    ratios: dict[str, float] = {}
    gc.disable()
    for label, per_frame in (("", 20), ("@1", 1), ("@bursts", None)):
        frames = tape_frames(per_frame, QUOTES)
        quotes = sum(frame.count(b'"ev"') for frame in frames)
        best_ours = best_floor = float("inf")
        for _ in range(ROUNDS):
            best_floor = min(best_floor, floor(frames))
            best_ours = min(best_ours, ours(frames)[0])
        results["ours"][f"per_s{label}"] = quotes / best_ours
        results["floor"][f"per_s{label}"] = quotes / best_floor
        ratios[f"ours/floor{label}"] = best_floor / best_ours
    report("pipeline", results, ratios)


if __name__ == "__main__":
    main()

"""Memory of a line: what the gateway keeps for one symbol of one provider, and that it stays as it is.

Two streams of 200 symbols each, through the board, the roles, the silence watch and the judge, on a clock of its own.
After a warm-up, in which every ring fills, the same goes on for a while: that must add nothing. Counted is everything
that a symbol costs (its line at each provider, its entry on the board, and what is kept to compare the two), by line.

    python bench/memory.py
"""

import gc
import json
import logging
import tracemalloc
from pathlib import Path
from random import Random

import structlog

from firmquote.lab.faults import SimQuote
from firmquote.lab.rehearsal import Rehearsal
from firmquote.model import NS_PER_MS
from firmquote.runtime.config import QualitySection

SYMBOLS = 200
WARM_ROUNDS = 1_000
ROUNDS = 200
ROUND_NS = 250 * NS_PER_MS
START_NS = 1_380_000_000 * 1_000_000_000
LIMIT_BYTES = 3_072
"""docs/adr/0009-memory-of-a-line.md says why not the one kilobyte of the design."""
GROWTH_BYTES = 50
OWN = ("memory.py", "rehearsal.py")
"""What the measurement itself keeps: prices, and the tape's ticks."""


class Streams:
    """Two streams that say the same, with prices that walk."""

    def __init__(self) -> None:
        self.symbols = [f"S{number:04d}" for number in range(SYMBOLS)]
        self.gateway = Rehearsal(self.symbols, ["a", "b"], [], now_ns=START_NS, policy=QualitySection())
        self._random = Random(1)
        self._bids = [100.0] * SYMBOLS
        self._now_ns = START_NS
        self._sequence = 0

    def go_on(self, rounds: int) -> None:
        """Let every symbol of both streams change once in each round."""
        for _ in range(rounds):
            self._now_ns += ROUND_NS
            self._sequence += 1
            quotes = []
            for number, symbol in enumerate(self.symbols):
                bid = self._bids[number] = round(self._bids[number] + self._random.choice((-0.01, 0.0, 0.01)), 2)
                quotes.append(SimQuote(symbol, bid, 100, round(bid + 0.02, 2), 200, self._now_ns, self._sequence))
            for provider in ("a", "b"):
                self.gateway.send(provider, quotes)
            self.gateway.move_to(self._now_ns)


def kept_bytes() -> int:
    """Return what is allocated and in use."""
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def main() -> None:
    """Measure, print a table by file, and one JSON line."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    tracemalloc.start(1)
    before = kept_bytes()
    streams = Streams()
    streams.go_on(WARM_ROUNDS)
    warm = kept_bytes()
    streams.go_on(ROUNDS)
    after = kept_bytes()
    lines = 2 * SYMBOLS
    own = 0
    for each in tracemalloc.take_snapshot().statistics("filename")[:15]:
        name = Path(each.traceback[0].filename).name
        own += each.size if name in OWN else 0
        print(f"{each.size / lines:8.0f} B a line  {name}")
    per_line = (after - before - own) / lines
    grown = (after - warm) / lines
    result = {
        "bench": "memory",
        "lines": lines,
        "bytes_per_line": round(per_line),
        "limit_bytes": LIMIT_BYTES,
        "grown_bytes_per_line": round(grown, 1),
        "pass": per_line <= LIMIT_BYTES and grown <= GROWTH_BYTES,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()

"""One stream by itself against the simulator."""

import asyncio
from random import Random

import pytest
import uvloop
from msgspec import structs
from tests.patience import PATIENCE_S

from firmquote.board import Board, Feed
from firmquote.lab import LAB_KEY, Fault, Lab, load_tape
from firmquote.model import FeedClass, LineStatus, Opening, Secret
from firmquote.quality import GradePolicy, PlausibilityPolicy
from firmquote.runtime import SystemClock, load_provider
from firmquote.runtime.stream import Stream
from firmquote.wire import BackoffPolicy

pytestmark = pytest.mark.scenario
TAPE = load_tape()
STABLE_S = 0.5


class Owner:
    def __init__(self) -> None:
        self.heard: list[str] = []

    def on_ready(self, provider: str) -> None:
        self.heard.append(f"{provider} ready")

    def on_lost(self, provider: str, words: str) -> None:
        assert words
        self.heard.append(f"{provider} lost")

    def on_refused(self, provider: str, kind: str, words: str) -> None:
        self.heard.append(f"{provider} {kind}: {words}")

    def on_status(self, provider: str, status: LineStatus) -> None:
        assert status.provider == provider


def stream_to(lab: Lab, owner: Owner, *, key: str = LAB_KEY) -> tuple[Stream, Feed]:
    provider = load_provider("polygon")
    config = structs.replace(provider.config(), stream_url=lab.polygon.stream_url)
    opening = Opening(config=config, key=Secret(key), codec=provider.codec())
    board = Board(TAPE.symbols, grading=GradePolicy(), plausibility=PlausibilityPolicy())
    feed = board.add_feed("polygon", FeedClass.CONSOLIDATED)
    assert provider.open_stream is not None
    protocol = provider.open_stream(opening)
    feed.expect_ticks(protocol, opening.codec)
    backoff = BackoffPolicy(first_ms=50, stable_s=STABLE_S)
    clock = SystemClock()
    made = Stream(feed, protocol, board, owner, symbols=TAPE.symbols, clock=clock, random=Random(1), backoff=backoff)
    return made, feed


async def tick(stream: Stream) -> None:
    clock = SystemClock()
    await clock.sleep_until(clock.monotonic_ns() + 5_000_000)
    stream.on_timer(clock.now_ns())


def test_the_backoff_is_forgiven_by_data_that_lasts_and_not_by_the_first_quote_of_a_new_connection() -> None:
    async def main() -> None:
        async with asyncio.timeout(PATIENCE_S), Lab(TAPE, SystemClock()) as lab:
            owner = Owner()
            stream, feed = stream_to(lab, owner)
            running = asyncio.create_task(stream.run())
            while feed.accepted == 0:
                await tick(stream)
            await lab.polygon.inject(Fault.DISCONNECT, for_s=2 * STABLE_S)
            while owner.heard.count("polygon ready") < 2:
                await tick(stream)
            ready_ns = SystemClock.monotonic_ns()
            before = feed.accepted
            while feed.accepted == before:
                await tick(stream)
            late = SystemClock.monotonic_ns() - ready_ns > STABLE_S * 1e9 / 2
            assert stream.attempts > 0 or late, "the last quote of the old connection is long ago: it must not count"
            while stream.attempts > 0:
                await tick(stream)
            running.cancel()
            await asyncio.wait({running})

    uvloop.run(main())


def test_a_refused_key_ends_the_stream_with_the_providers_words() -> None:
    async def main() -> None:
        async with asyncio.timeout(PATIENCE_S), Lab(TAPE, SystemClock()) as lab:
            owner = Owner()
            stream, _ = stream_to(lab, owner, key="wrong")
            await stream.run()
            assert stream.state == "stopped"
            assert owner.heard[0] == "polygon refused_key: auth_failed: authentication failed"

    uvloop.run(main())

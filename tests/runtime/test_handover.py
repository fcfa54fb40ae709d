"""A gateway goes over to another process: what the old one leaves, and what happens when the new one fails."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from msgspec import structs
from tests.decision.builders import advice
from tests.scenarios.gateway import Scenario, play, scenario, with_roles, with_state_dir

from firmquote.board import halt_entry
from firmquote.errors import NotRunningError, RefusedError, StoreError
from firmquote.model.trading import NewsInput
from firmquote.runtime import Config, Gateway, SystemClock
from firmquote.runtime.front import Place
from firmquote.runtime.handover import Handover, handing_over, predecessor
from firmquote.runtime.heritage import Heritage, bequeath, take_up
from firmquote.runtime.supervision import Supervisor

pytestmark = pytest.mark.scenario


@asynccontextmanager
async def offered(directory: Path) -> AsyncIterator[tuple[Scenario, Handover]]:
    """A gateway that would hand over: Alpha Vantage serves, so Polygon's stream shows nothing."""

    def change(config: Config) -> Config:
        return with_state_dir(directory)(with_roles("alphavantage", "polygon")(config))

    async with scenario(change=change) as running:
        place = Place.take(running.gateway.config.serve)
        async with running.gateway.serve(place), handing_over(running.gateway, place) as handover:
            await running.until(lambda: running.status("polygon") == "healthy")
            await running.until(lambda: running.gateway.idle_lines() == ["polygon"])
            yield running, handover


def port_of(directory: Path) -> int:
    (path,) = directory.glob("gateway-*")
    return int(path.name.removeprefix("gateway-"))


async def fail() -> None:
    raise StoreError("the new one's disk is full")


async def take_over_and_fail(gateway: Gateway, port: int) -> None:
    """Do what a new process does, until its own gateway ends with an error."""
    async with predecessor(gateway.config.serve, SystemClock()) as before:
        assert before.place.port == port
        await before.warm_up(gateway, asyncio.create_task(fail()))


def test_a_new_process_that_fails_costs_nothing(tmp_path: Path) -> None:
    async def body() -> None:
        async with offered(tmp_path) as (running, handover):
            gateway = running.gateway
            with pytest.raises(StoreError, match="disk is full"):
                await take_over_and_fail(gateway, port_of(tmp_path))
            await running.until(lambda: running.status("polygon") == "failed")
            await running.until(lambda: running.status("polygon") == "healthy")
            assert not handover.warm.is_set()

    play(body)


def test_another_address_and_an_empty_house_are_refused(tmp_path: Path) -> None:
    async def body() -> None:
        async with offered(tmp_path) as (running, handover):
            serve = structs.replace(running.gateway.config.serve, host="127.0.0.2")
            with pytest.raises(RefusedError, match="offers nothing; its log says why. It goes on"):
                async with predecessor(serve, SystemClock()):
                    raise AssertionError("it was offered")
            assert not handover.warm.is_set()
        with pytest.raises(NotRunningError, match="no gateway"):
            async with predecessor(structs.replace(serve, port=1), SystemClock()):
                raise AssertionError("somebody is there")

    play(body)


def test_what_lives_in_memory_goes_over_whole(tmp_path: Path) -> None:
    async def body() -> None:
        async with offered(tmp_path) as (running, _):
            old = running.gateway
            old.trading.engine.advise(advice(0.5, symbol="SPY", now_ns=old.clock.now_ns()))
            old.trading.engine.news.put(NewsInput(symbol="IBM", text="a lawsuit"), old.clock.now_ns())
            halt_entry(old.board.entries["BAC"], "operator", "news")
            old.conductor.activate("polygon", "test")
            await running.until(lambda: {q.provider for q in old.report.quotes()} == {"polygon"})
            document = msgspec.json.decode(msgspec.json.encode(bequeath(old)), type=Heritage)
            async with scenario(change=lambda _: old.config) as further:
                new: Gateway = further.gateway
                take_up(document, new, whole=frozenset(), now_ns=new.clock.now_ns())
                assert new.manager.roles() == old.manager.roles()
                assert new.trading.engine.heard() == old.trading.engine.heard() == document.heard
                assert new.trading.engine.news.on("IBM", new.clock.now_ns()) == "a lawsuit"
                assert new.board.entries["BAC"].halts == {"operator": "news"}
                left = {(line.provider, line.symbol): line.quote or line.last for line in document.lines}
                held = {
                    (name, symbol): line.price
                    for symbol, entry in new.board.entries.items()
                    for name, line in entry.lines.items()
                    if (name, symbol) in left
                }
                assert held.keys() == left.keys()
                assert {q.symbol for q in new.report.quotes() if q.grade in ("firm", "indicative")} == set(new.symbols)

    play(body)


def test_the_supervisor_is_told_who_is_the_service_now(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(tmp_path / "notify"))
        supervisor = Supervisor({"NOTIFY_SOCKET": str(tmp_path / "notify")})
        supervisor.hand_over(4711)
        supervisor.tell("STOPPING=1")
        heard.setblocking(False)
        assert heard.recv(100) == b"MAINPID=4711"
        with pytest.raises(BlockingIOError):
            heard.recv(100)

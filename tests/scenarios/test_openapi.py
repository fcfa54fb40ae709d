"""The whole OpenAPI under schemathesis, against a real gateway: whatever is sent, no answer is a defect of ours, and
each is one that the schema names, of the shape that it says."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from msgspec import structs
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.patience import PATIENCE_S

from firmquote.runtime import Gateway, SystemClock, load_config
from firmquote.safety import RatePolicy

pytestmark = pytest.mark.scenario
DEMO = Path(__file__).parents[2] / "config" / "demo.yaml"
STREAMS = {"/v1/events/stream"}
"""Endless answers, which schemathesis would wait for."""
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


def read_token(directory: Path) -> str:
    (path,) = directory.glob("operator-*.token")
    return path.read_text()


@contextmanager
def served(directory: Path) -> Iterator[tuple[str, str]]:
    config = load_config(DEMO)
    quotes = structs.replace(config.feeds.quotes, live_enabled=False)
    serve = structs.replace(
        config.serve, port=0, state_dir=str(directory), requests=RatePolicy(per_s=100_000, burst=100_000)
    )
    config = structs.replace(config, feeds=structs.replace(config.feeds, quotes=quotes), serve=serve)
    started, stop = threading.Event(), asyncio.Event()
    found: list[str] = []
    loops: list[asyncio.AbstractEventLoop] = []

    async def main() -> None:
        loops.append(asyncio.get_running_loop())
        gateway = Gateway(config, {}, SystemClock(), Random(1))
        async with gateway.serve() as url:
            running = asyncio.create_task(gateway.run())
            found.extend((url, read_token(directory)))
            while gateway.report.not_ready() is not None:
                await SystemClock().sleep_until(SystemClock.monotonic_ns() + 10_000_000)
            started.set()
            await stop.wait()
            running.cancel()
            await asyncio.wait({running})

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    try:
        assert started.wait(PATIENCE_S)
        yield found[0], found[1]
    finally:
        loops[0].call_soon_threadsafe(stop.set)
        thread.join()


def check_every_operation(directory: Path, examples: int) -> int:
    tried = 0
    with served(directory) as (url, token):
        schema = schemathesis.openapi.from_url(f"{url}/schema/openapi.json")
        for found in schema.get_all_operations():
            assert isinstance(found, Ok)
            operation = found.ok()
            if operation.path in STREAMS:
                continue
            tried += 1

            @settings(
                max_examples=examples,
                deadline=None,
                database=None,
                derandomize=True,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy())
            def attack(case: schemathesis.Case[Any]) -> None:
                answer = case.call(headers={"authorization": f"Bearer {token}"})
                case.validate_response(answer, checks=CHECKS)

            attack()
    return tried


def test_no_operation_answers_with_a_defect(tmp_path: Path) -> None:
    assert check_every_operation(tmp_path, 4) >= 20


@pytest.mark.proof
def test_no_operation_answers_with_a_defect_however_much_is_tried(tmp_path: Path) -> None:
    assert check_every_operation(tmp_path, 100) >= 20

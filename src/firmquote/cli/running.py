"""The commands that run something."""

import asyncio
import json
import os
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import typer

from firmquote.cli.durations import parse_seconds
from firmquote.cli.simulators import lab_config
from firmquote.errors import PortInUseError
from firmquote.lab import DEMO_TAPE, KINDS, LAB_KEY, Lab, LabConfig, load_schedule, load_tape
from firmquote.runtime import (
    DEMO_PROVIDERS,
    KEY_NAME,
    Gateway,
    LogSection,
    SystemClock,
    begin_logging,
    demo_config,
    load_config,
    logging_as,
    run_gateway,
    run_until_stopped,
    tracing,
)


def set_up_logs(*, as_json: bool, quiet: bool = False) -> None:
    """Log to stderr as without a configuration; `quiet` leaves only errors."""
    begin_logging(LogSection(level="error" if quiet else "info"), as_json=as_json)


def start(config_path: Path, *, for_: str | None, take_over: bool, as_json: bool) -> None:
    """Run with the user's configuration."""
    config = load_config(config_path)

    def announce(url: str) -> None:
        say(as_json, {"url": url}, f"Firmquote listens on {url}. Stop it with Ctrl-C.")

    async def body(stop: asyncio.Event) -> None:
        async with logging_as(config.logs, as_json=as_json):
            with tracing(config.traces):
                await run_gateway(config, stop, announce=announce, path=config_path, take_over=take_over)

    run_until_stopped(body, for_s=None if for_ is None else parse_seconds(for_))


def start_demo(*, for_: str | None, port: int, tape: Path | None, speed: float, as_json: bool) -> None:
    """Run with simulated providers."""
    ticks = load_tape(tape or DEMO_TAPE)
    environ = {**os.environ, KEY_NAME: LAB_KEY}

    async def body(stop: asyncio.Event) -> None:
        async with AsyncExitStack() as stack:
            lab = await _open_lab(stack, Lab(ticks, SystemClock(), lab_config(speed, ports={})))
            if lab is None:  # the usual ports are taken, perhaps by another demo: any will do
                lab = await stack.enter_async_context(
                    Lab(ticks, SystemClock(), lab_config(speed, ports=dict.fromkeys(KINDS, 0)))
                )
            config = demo_config({name: lab.settings[name] for name in DEMO_PROVIDERS}, port=port)
            await stack.enter_async_context(logging_as(config.logs, as_json=as_json))
            # The simulators count from 0 with each start, and so must the ledger.
            ledger = Path(stack.enter_context(TemporaryDirectory(prefix="firmquote-"))) / "ledger.sqlite"
            budgets = msgspec.structs.replace(config.budgets, ledger=str(ledger))
            config = msgspec.structs.replace(config, budgets=budgets)
            if tape is not None:
                quotes = msgspec.structs.replace(
                    config.feeds.quotes, live_symbols_allowlist=ticks.symbols, canary_symbols=(), priority_symbols=()
                )
                config = msgspec.structs.replace(config, feeds=msgspec.structs.replace(config.feeds, quotes=quotes))
            polygon_port = lab.polygon.port
            simulators: dict[str, object] = {name: lab.simulators[name].url for name in DEMO_PROVIDERS}

            def announce(url: str) -> None:
                say(as_json, {"url": url, **simulators}, _welcome(url, polygon_port, port))

            await run_gateway(config, stop, announce=announce, environ=environ)

    run_until_stopped(body, for_s=None if for_ is None else parse_seconds(for_))


def serve_lab(config: LabConfig, *, tape: Path | None, schedule: Path | None, for_: str | None, as_json: bool) -> None:
    """Run the simulators alone."""
    ticks = load_tape(tape or DEMO_TAPE)
    faults = () if schedule is None else load_schedule(schedule)

    async def body(stop: asyncio.Event) -> None:
        async with Lab(ticks, SystemClock(), config, schedule=faults) as lab:
            settings = lab.settings
            places = [
                f"{KINDS[name].title:13} {' and '.join(text for text in own.values() if '://' in text)}"
                for name, own in settings.items()
            ]
            last = f"The key is {LAB_KEY}. Symbols: {', '.join(ticks.symbols)}. Stop with Ctrl-C."
            words = "\n".join([*places, last])
            say(as_json, {"providers": settings, "key": LAB_KEY, "symbols": list(ticks.symbols)}, words)
            await stop.wait()

    run_until_stopped(body, for_s=None if for_ is None else parse_seconds(for_))


def check_config(path: Path, *, as_json: bool) -> None:
    """Load everything that `run` would, open nothing, and show what is in effect."""
    from random import Random  # noqa: PLC0415 - only here, and only for an object that draws nothing

    config = load_config(path)
    gateway = Gateway(config, os.environ, SystemClock(), Random(0))  # noqa: S311 - jitter, not a secret
    effective = msgspec.to_builtins({"config": config, "providers": gateway.provider_settings}, enc_hook=str)
    if as_json:
        typer.echo(json.dumps(effective, indent=2))
        return
    order = ", ".join(config.provider_order())
    typer.echo(f"{path} is good. Providers, most wanted first: {order}. Symbols: {', '.join(gateway.symbols)}.")
    typer.echo(msgspec.yaml.encode(effective).decode())


async def _open_lab(stack: AsyncExitStack, lab: Lab) -> Lab | None:
    try:
        return await stack.enter_async_context(lab)
    except PortInUseError:
        return None


def _welcome(url: str, polygon_port: int, port: int) -> str:
    where = "" if port == 8090 else f" --url {url}"
    at = "" if polygon_port == KINDS["polygon"].port else f" --port {polygon_port}"
    lessons = (
        (f"firmquote quote{where}", "every symbol, its grade and why"),
        (f"firmquote activate polygon{where}", "NBBO quotes: the symbols turn firm"),
        (f"firmquote decisions --why{where}", "what is decided, why, and what would change it"),
        (f"firmquote lab fault polygon disconnect --for 5s{at}", "cut Polygon: Alpha Vantage takes over at once"),
        (f"firmquote providers{where}", "roles and health; Polygon comes back by itself"),
    )
    width = max(len(command) for command, _ in lessons)
    lines = "\n".join(f"  {command:{width}}   {effect}" for command, effect in lessons)
    return f"""
Firmquote is running on real ticks of 2013-10-08: AIG, BAC, IBM, SPY.

  Dashboard   {url}

Alpha Vantage serves: last prices, so every symbol is indicative. In another terminal, try:

{lines}

(After `make demo` the command is .venv/bin/firmquote.) Stop with Ctrl-C.
"""


def say(as_json: bool, document: dict[str, object], words: str) -> None:
    """Print one answer, for programs or for people."""
    typer.echo(json.dumps(document) if as_json else words)
    sys.stdout.flush()

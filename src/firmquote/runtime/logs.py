"""Structured logs: lines for people on a terminal, JSON elsewhere; without secrets, and without endless repetitions.

Whatever other libraries log, whatever the event loop complains of and whatever ends the process goes the same way.
A request's id is in every line that is written while it is served (structlog's context variables).
"""

import asyncio
import logging
import sys
import threading
from collections.abc import AsyncIterator, Mapping, MutableMapping
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, TextIO

import structlog

from firmquote.model import NS_PER_S
from firmquote.model.redaction import REDACTOR
from firmquote.runtime.clock import SystemClock
from firmquote.runtime.config import LogSection
from firmquote.runtime.sampling import Sampler

TELL_EVERY_NS = 5 * NS_PER_S
Fields = MutableMapping[str, Any]
_log = structlog.get_logger("firmquote")


def begin_logging(policy: LogSection, *, as_json: bool = False, stream: TextIO | None = None) -> Sampler:
    """Log to `stream` (stderr) from now on, and return what counts the repetitions."""
    out = stream or sys.stderr
    as_json = as_json or policy.format == "json" or (policy.format == "auto" and not out.isatty())
    level = logging.getLevelNamesMapping()[policy.level.upper()]
    sampler = Sampler(
        repeats_max=policy.repeats_max, window_s=policy.repeats_window_s, monotonic_ns=SystemClock.monotonic_ns
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            sampler,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            redact,
            structlog.processors.JSONRenderer() if as_json else _for_people(out),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(out),
        cache_logger_on_first_use=False,  # whoever begins to log anew means every logger
    )
    logging.basicConfig(level=max(level, logging.WARNING), handlers=[_FromOthers()], force=True)
    logging.captureWarnings(capture=True)
    sys.excepthook = _on_uncaught
    threading.excepthook = lambda args: _on_uncaught(args.exc_type, args.exc_value, args.exc_traceback)
    return sampler


@asynccontextmanager
async def logging_as(policy: LogSection, *, as_json: bool) -> AsyncIterator[None]:
    """Log while the block runs; tell from time to time, and at the end, what was left out."""
    sampler = begin_logging(policy, as_json=as_json)
    telling = asyncio.create_task(_tell_at_times(sampler))
    try:
        yield
    finally:
        telling.cancel()
        tell_left_out(sampler, ended_only=False)


def tell_left_out(sampler: Sampler, *, ended_only: bool = True) -> None:
    """Log how often messages were left out that had been repeated too often."""
    for event, count in sampler.take_left_out(ended_only=ended_only):
        _log.info("left_out", of=event, count=count)


async def _tell_at_times(sampler: Sampler) -> None:
    clock = SystemClock()
    while True:
        await clock.sleep_until(clock.monotonic_ns() + TELL_EVERY_NS)
        tell_left_out(sampler)


def redact(_logger: object, _level: str, fields: Fields) -> Mapping[str, Any]:
    """Mask secrets in every field (structlog)."""
    return {name: REDACTOR.value(value, name) for name, value in fields.items()}


class _FromOthers(logging.Handler):
    """Hands what libraries log to our chain; they are told apart by `logger`, and repeat themselves by template."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log it as ours (logging)."""
        try:
            words = record.getMessage()
        except (TypeError, ValueError):
            words = str(record.msg)
        _log.log(record.levelno, words, logger=record.name, exc_info=record.exc_info, same_as=str(record.msg))


def _for_people(out: TextIO) -> structlog.dev.ConsoleRenderer:
    return structlog.dev.ConsoleRenderer(colors=out.isatty(), exception_formatter=structlog.dev.plain_traceback)


def _on_uncaught(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    if error is None or issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error or kind(), trace)
        return
    _log.critical("defect", exc_info=(kind, error, trace))

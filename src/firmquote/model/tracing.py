"""Spans, without a library: what wants to be traced says so here, and nothing happens until a tracer is installed.

Never in the hot path: requests, polls, hand-overs and the effects of decisions are traced, quotes are not.
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from types import MappingProxyType
from typing import Protocol, TypeAlias

Value: TypeAlias = str | int | float | bool
NOTHING: Mapping[str, str] = MappingProxyType({})


class Span(Protocol):
    """Something that takes time."""

    def note(self, name: str, value: Value) -> None:
        """Add what is known by now."""
        ...

    def fail(self, words: str) -> None:
        """Say that it went wrong."""
        ...


class Tracer(Protocol):
    """Who collects spans."""

    def span(
        self, name: str, attributes: Mapping[str, Value], caller: Mapping[str, str]
    ) -> AbstractContextManager[Span]:
        """Trace the block; `caller` are the headers of who asked, who may trace too."""
        ...

    def record(self, name: str, attributes: Mapping[str, Value], *, start_ns: int, end_ns: int) -> None:
        """Trace what is over, by the wall clock."""
        ...


class _NoSpan:
    def note(self, name: str, value: Value) -> None:
        """Forget it."""

    def fail(self, words: str) -> None:
        """Forget it."""


class _NoTracer:
    @contextmanager
    def span(self, name: str, attributes: Mapping[str, Value], caller: Mapping[str, str]) -> Iterator[Span]:
        """Trace nothing."""
        del name, attributes, caller
        yield _NO_SPAN

    def record(self, name: str, attributes: Mapping[str, Value], *, start_ns: int, end_ns: int) -> None:
        """Trace nothing."""


class Tracing:
    """Where this process's spans go."""

    def __init__(self) -> None:
        self.tracer: Tracer = _NoTracer()

    def stop(self) -> None:
        """Trace nothing from now on."""
        self.tracer = _NoTracer()

    def span(
        self, name: str, *, caller: Mapping[str, str] = NOTHING, **attributes: Value
    ) -> AbstractContextManager[Span]:
        """Trace the block."""
        return self.tracer.span(name, attributes, caller)

    def record(self, name: str, *, start_ns: int, end_ns: int, **attributes: Value) -> None:
        """Trace what is over."""
        self.tracer.record(name, attributes, start_ns=start_ns, end_ns=end_ns)


_NO_SPAN = _NoSpan()
TRACING = Tracing()
"""The one of this process, as there is one log."""

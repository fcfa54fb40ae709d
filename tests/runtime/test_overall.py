"""The one word for all of it, and its reasons."""

from typing import Any

import pytest
from tests.publish.alerting.test_rules import provider

from firmquote.model.status import GateView
from firmquote.runtime.overall import overall
from firmquote.safety import NO_RESTRICTIONS, restrict

A, B, MOCK = provider("a"), provider("b", role="warm"), provider("mock", role="mock")
SICK = provider("b", role="warm", status="degraded", why="slow")
FAILS = {
    "latency_p95": GateView(status="FAIL", current=3.0, threshold=1.0, unit="ms", samples=9, message="3 of 9 are bad"),
    "reject_rate": GateView(status="PENDING", current=None, threshold=1.0, unit="", samples=0, message="9 more"),
}
WELL: dict[str, Any] = {
    "live": True, "wanted": frozenset({"a", "b"}), "restrictions": NO_RESTRICTIONS, "acting": True, "gates": {},
}  # fmt: skip


@pytest.mark.parametrize(
    ("providers", "changes", "status", "reasons"),
    [
        ((A, B, MOCK), {}, "healthy", ()),
        ((A, SICK, MOCK), {}, "degraded", ("b is degraded: slow",)),
        ((A, SICK, MOCK), {"wanted": frozenset({"a", None})}, "healthy", ()),
        ((A, B), {"restrictions": restrict(["symbol:IBM", "news"])}, "degraded", ("no news or advice", "no IBM")),
        ((A, B), {"restrictions": restrict([], reduce_only=True)}, "degraded", ("reduce only",)),
        ((A, B), {"restrictions": restrict(["news"]), "live": False}, "healthy", ()),
        ((A, B), {"gates": FAILS}, "degraded", ("gate latency_p95: 3 of 9 are bad",)),
        ((A, B), {"gates": FAILS, "acting": False}, "healthy", ()),
        ((A, B), {"restrictions": restrict(["all"])}, "failed", ("everything off",)),
        ((A, B), {"restrictions": restrict(["force_mock"])}, "failed", ("only mock quotes",)),
        ((B, MOCK), {}, "failed", ("nobody serves",)),
        ((provider("a", status="failed", why="no answer"), B), {}, "failed", ("a serves and is failed: no answer",)),
        ((provider("mock"), B), {}, "failed", ("the mock serves: no live provider may",)),
        ((provider("mock"),), {"live": False, "wanted": frozenset({None})}, "healthy", ()),
    ],
)
def test_the_status_is_told_with_what_keeps_it_from_being_better(
    providers: tuple[Any, ...], changes: dict[str, Any], status: str, reasons: tuple[str, ...]
) -> None:
    assert overall(providers, **WELL | changes) == (status, reasons)

"""The one word for all of it: `healthy`, `degraded` or `failed`, and what keeps it from being better."""

from collections.abc import Iterator, Mapping, Sequence

from firmquote.model.status import GateView, ProviderStatus
from firmquote.rollout import GateStatus
from firmquote.routing import Status
from firmquote.safety import Restrictions


def overall(
    providers: Sequence[ProviderStatus],
    *,
    live: bool,
    wanted: frozenset[str | None],
    restrictions: Restrictions,
    acting: bool,
    gates: Mapping[str, GateView],
) -> tuple[str, tuple[str, ...]]:
    """Return the status and its reasons, the gravest first; where all is well there are none.

    `live` says that live quotes are asked for, `wanted` who shall be active and warm, `acting` that decisions are acted
    on, so that a gate that fails counts.
    """
    if failures := tuple(_failures(providers, live=live, restrictions=restrictions)):
        return "failed", failures
    sick = [
        f"{p.name} is {p.status}{f': {p.why}' if p.why else ''}"
        for p in providers
        if p.name in wanted and p.status != Status.HEALTHY.value
    ]
    limits = restrictions.words() if live else []
    failing = [f"gate {name}: {gate.message}" for name, gate in gates.items() if gate.status == GateStatus.FAIL.value]
    reasons = (*sick, *limits, *(failing if acting else ()))
    return "degraded" if reasons else "healthy", reasons


def _failures(providers: Sequence[ProviderStatus], *, live: bool, restrictions: Restrictions) -> Iterator[str]:
    serving = next((p for p in providers if p.role == "active"), None)
    if restrictions.live_off and live:
        yield ", ".join(restrictions.words())
    elif serving is None:
        yield "nobody serves"
    elif serving.status == Status.FAILED.value:
        yield f"{serving.name} serves and is failed{f': {serving.why}' if serving.why else ''}"
    elif live and serving.name == "mock":
        yield "the mock serves: no live provider may"

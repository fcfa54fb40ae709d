"""Which provider serves: health, breakers, roles and the election. Pure: every call is told what time it is."""

from firmquote.routing.breaker import Breaker, BreakerPolicy, BreakerState
from firmquote.routing.election import Candidate, Election, ElectionPolicy, Serving, elect
from firmquote.routing.health import Health, HealthPolicy, Outcome, Percentiles, Status, percentiles
from firmquote.routing.manager import Change, Member, ProviderManager, RoutingPolicy

__all__ = [
    "Breaker",
    "BreakerPolicy",
    "BreakerState",
    "Candidate",
    "Change",
    "Election",
    "ElectionPolicy",
    "Health",
    "HealthPolicy",
    "Member",
    "Outcome",
    "Percentiles",
    "ProviderManager",
    "RoutingPolicy",
    "Serving",
    "Status",
    "elect",
    "percentiles",
]

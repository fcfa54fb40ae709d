"""Which provider serves: health, breakers, roles and the election. Pure: every call is told what time it is."""

from firmquote.routing.blame import Blame
from firmquote.routing.breaker import Breaker, BreakerPolicy, BreakerState
from firmquote.routing.changes import Change, Showing
from firmquote.routing.election import Candidate, Election, ElectionPolicy, Serving, elect
from firmquote.routing.group import Role
from firmquote.routing.health import Health, HealthPolicy, Outcome, Percentiles, Status, percentiles
from firmquote.routing.lines import LineBook, Unfit
from firmquote.routing.manager import ProviderManager
from firmquote.routing.member import Member
from firmquote.routing.policy import RoutingPolicy
from firmquote.routing.routes import Route, Routed, RouteProvider, route_symbol

__all__ = [
    "Blame",
    "Breaker",
    "BreakerPolicy",
    "BreakerState",
    "Candidate",
    "Change",
    "Election",
    "ElectionPolicy",
    "Health",
    "HealthPolicy",
    "LineBook",
    "Member",
    "Outcome",
    "Percentiles",
    "ProviderManager",
    "Role",
    "Route",
    "RouteProvider",
    "Routed",
    "RoutingPolicy",
    "Serving",
    "Showing",
    "Status",
    "Unfit",
    "elect",
    "percentiles",
    "route_symbol",
]

"""Drills over real sockets: what an operator can run to see that the product does what it promises."""

from firmquote.lab.drills.failover import failover_drill
from firmquote.lab.drills.options import DrillOptions

__all__ = ["DrillOptions", "failover_drill"]

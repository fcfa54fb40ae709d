"""Drills over real sockets: what an operator can run to see that the product does what it promises."""

from firmquote.lab.drills.every import every_drill
from firmquote.lab.drills.failover import failover_drill
from firmquote.lab.drills.options import DrillOptions
from firmquote.lab.drills.restart import restart_drill
from firmquote.lab.drills.rollout import rollout_drill
from firmquote.lab.drills.switches import switches_drill

__all__ = ["DrillOptions", "every_drill", "failover_drill", "restart_drill", "rollout_drill", "switches_drill"]

"""Going live in steps: stages, the gates before each, and the way back. Pure."""

from firmquote.rollout.stages import Stage, StageMap

__all__ = ["Stage", "StageMap"]

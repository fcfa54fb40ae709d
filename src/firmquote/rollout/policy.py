"""How a rollout proceeds: what the owner configures beside the gates."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

Seconds = Annotated[float, Meta(ge=0)]
Confidence = Annotated[float, Meta(gt=0.5, lt=1)]
Alpha = Annotated[float, Meta(gt=0, lt=0.5)]
Share = Annotated[float, Meta(gt=0, lt=1)]


class PromotionGates(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What live data must prove before it is trusted with more."""

    min_success_rate: Share = 0.99
    max_p95_latency_ms: Annotated[float, Meta(gt=0)] = 200
    min_cache_hit_rate: Share = 0.80
    max_shadow_mismatch_rate: Share = 0.02
    validation_window_minutes: Annotated[float, Meta(gt=0)] = 30


class FurtherGates(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What it must prove beside; these are not among the keys that operators know from elsewhere."""

    max_freshness_s: Annotated[float, Meta(gt=0)] = 5
    """The age that 95 of 100 looks must find in regular hours …"""
    max_freshness_outside_s: Annotated[float, Meta(gt=0)] = 60
    """… and outside of them."""
    min_budget_left_pct: Annotated[float, Meta(ge=0, le=100)] = 15
    max_decision_difference: Share = 0.05
    """The share of decisions that may differ from those on the other provider's quotes."""
    max_decision_loss_bps: Annotated[float, Meta(gt=0)] = 1.0
    """What acting on the candidate's quotes may cost, on average, in basis points."""
    mismatch_bps: Annotated[float, Meta(gt=0)] = 20
    """Two providers' prices mismatch when they are further apart than this and than both spreads."""


class RolloutPolicy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How stages follow each other."""

    approval: Literal["auto", "operator"] = "operator"
    """Who promotes once every gate has passed."""
    start: Literal["off", "shadow", "canary", "priority", "full"] = "shadow"
    """The stage of a gateway that has none stored, as far as feeds.quotes allows."""
    canary_dwell_s: Seconds = 600
    """How long the canary stage lasts at least …"""
    priority_dwell_s: Seconds = 900
    """… and the priority stage."""
    evaluate_every_s: Annotated[float, Meta(gt=0)] = 10
    breaches_to_roll_back: Annotated[int, Meta(ge=1)] = 3
    """Failing evaluations of one gate, one after the other, until the stage goes back."""
    cool_off_s: Seconds = 1_800
    """How long after a rollback nothing is promoted."""
    confidence: Confidence = 0.95
    """Of a gate that passes: one-sided, by Wilson's interval."""
    alpha: Alpha = 0.01
    """The probability of a false rollback during one rollout of a candidate that is just good enough."""
    looks: Annotated[int, Meta(ge=1)] = 10_000
    """Evaluations that one rollout is thought to have; `alpha` is spent over them all."""
    gates: FurtherGates = FurtherGates()

"""What switches, rollout and audit say of themselves: the JSON of their endpoints."""

from msgspec import Struct


class Caller(Struct, frozen=True):
    """Who gives an order, and from where."""

    who: str
    where: str


class HeldView(Struct, frozen=True, kw_only=True):
    """One source that holds a switch."""

    source: str
    """`api`, `file`, `environment`, `signal`, `dead_man`, `guard` or `state`."""
    by: str
    reason: str
    at_ns: int
    expires_ns: int | None


class SwitchView(Struct, frozen=True, kw_only=True):
    """One switch. It is engaged while anybody holds it."""

    name: str
    engaged: bool
    held: tuple[HeldView, ...]
    release_proposed_by: str | None
    """Who proposed its release, while that waits for a second operator."""


class SwitchesView(Struct, frozen=True, kw_only=True):
    """All switches, and what they forbid together."""

    switches: tuple[SwitchView, ...]
    forbidden: dict[str, bool]
    lease_left_s: float | None
    """Until the dead man's lease allows reducing only; null without a lease."""
    persisted: bool
    """Whether all of this is on the disk."""
    trouble: str | None
    """Why not."""


class SwitchOutcome(Struct, frozen=True, kw_only=True):
    """What an order did."""

    switch: SwitchView
    changed: bool
    persisted: bool
    """Whether it survives a crash. It is in effect either way."""
    accepted_ns: int
    effective_ns: int
    """When the board obeyed; there is no later moment at which it shows what was switched off."""
    words: str


class AuditRecord(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who did what, to what, why and from where."""

    what: str
    target: str
    who: str
    where: str
    why: str
    before: str | None = None
    after: str | None = None


class AuditEntry(Struct, frozen=True, kw_only=True):
    """An audit record with its place in the chain."""

    n: int
    at_ns: int
    hash: str
    record: AuditRecord


class AuditPage(Struct, frozen=True, kw_only=True):
    """A part of the audit trail, oldest first."""

    entries: tuple[AuditEntry, ...]
    head_n: int
    head_hash: str
    """Keep it elsewhere: with it a rewritten trail is found out."""


class ReloadedKey(Struct, frozen=True, kw_only=True):
    """A key of the configuration that changed, with its values as JSON."""

    key: str
    before: str
    after: str


class RestartView(Struct, frozen=True):
    """A new process warms up; the old one goes on until it is ready, and for good if it fails."""

    old_pid: int
    new_pid: int


class ReloadView(Struct, frozen=True, kw_only=True):
    """What a reload did."""

    changed: tuple[ReloadedKey, ...]
    needs_restart: tuple[str, ...]
    """Keys that differ from what is in effect, and stay so until a restart."""
    persisted: bool

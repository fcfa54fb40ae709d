"""What the configuration says about alerts."""

from typing import Annotated

from msgspec import Meta, Struct

from firmquote.errors import ConfigError
from firmquote.model.alerts import Severity
from firmquote.publish.alerting.kinds import KINDS

Seconds = Annotated[float, Meta(ge=0)]
CHANNELS_MAX = 16


class ChannelPolicy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One way to reach somebody. Its address is a secret, so it is named here and kept elsewhere."""

    env: str | None = None
    """The environment variable with an Apprise address (https://github.com/caronc/apprise/wiki)."""
    file: str | None = None
    """Or the file with it, readable by its owner only."""
    min_severity: Severity = Severity.WARNING
    resolved: bool = True
    """Also say when it is over."""
    escalation: bool = False
    """Where an alert goes that nobody acknowledged."""

    def __post_init__(self) -> None:
        """Refuse a channel without exactly one place for its address."""
        if (self.env is None) == (self.file is None):
            raise ConfigError("alerts.channels: name either `env` or `file` for the channel's address, and not both.")


class HeartbeatPolicy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A message that comes as long as all is well, to a service that calls you when it stops."""

    env: str
    """The environment variable with the Apprise address, for example `jsons://hc-ping.com/UUID`."""
    every_s: Annotated[float, Meta(gt=0)] = 60


class AlertPolicy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a person is told, how often, and where."""

    channels: Annotated[dict[str, ChannelPolicy], Meta(max_length=CHANNELS_MAX)] = {}
    heartbeat: HeartbeatPolicy | None = None
    runbook_url: str | None = None
    """Where the runbook can be reached from; the alert's name is added. By default the gateway itself."""
    after_s: dict[str, Seconds] = {}
    """How long a condition must last before it is an alert, where its own default does not suit."""
    resolve_after_s: Seconds = 5
    """How long it must be gone before it counts as over."""
    restart_grace_s: Seconds = 30
    """What fired before a restart resolves no sooner than this after it: providers must be connected first."""
    group_wait_s: Seconds = 2
    """What comes within this time is one message."""
    repeat_after_s: Annotated[float, Meta(gt=0)] = 3600
    escalate_after_s: Annotated[float, Meta(gt=0)] = 300
    escalations_max: Annotated[int, Meta(ge=0)] = 3
    rate_max: Annotated[int, Meta(ge=1)] = 6
    """Messages in `rate_window_s`; what comes above it waits and is sent together. Critical ones may be twice that."""
    rate_window_s: Annotated[float, Meta(gt=0)] = 60
    rate_over_s: Annotated[float, Meta(gt=0, le=60)] = 30
    """Over which refused prices, unreadable messages, standstills, steps of the clock and live calls are counted."""
    probe_every_s: Annotated[float, Meta(gt=0)] = 30
    """How often a channel that took nothing is tried again with what it did not take."""
    refused_share: Annotated[float, Meta(gt=0, le=1)] = 0.05
    """Of a provider's prices within `rate_over_s`; more refused ones are an alert."""
    disk_free_mb_min: Annotated[float, Meta(ge=0)] = 200
    audit_verify_every_s: Annotated[float, Meta(gt=0)] = 3600
    """How often every byte of the audit trail is read and compared with its hashes; also at the start."""

    def __post_init__(self) -> None:
        """Refuse a delay for an alert that does not exist."""
        strange = sorted(set(self.after_s) - set(KINDS))
        if strange:
            raise ConfigError(f"alerts.after_s: {', '.join(strange)} is no alert. `firmquote alerts kinds` lists them.")

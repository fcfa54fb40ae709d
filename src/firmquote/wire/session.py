"""The life of one connection as a table: (state, event) → (state, effects). All transitions are in this file.

IDLE → CONNECTING → OPEN → READY → WAITING → CONNECTING …        STOPPED is final
"""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType


class State(Enum):
    """Where a connection stands."""

    IDLE = "idle"
    CONNECTING = "connecting"
    OPEN = "open"
    """The socket is open; the provider has not accepted us yet."""
    READY = "ready"
    """The provider accepted us."""
    WAITING = "waiting"
    """Waiting to connect again."""
    STOPPED = "stopped"


class Event(Enum):
    """What happens to it."""

    START = "start"
    OPENED = "opened"
    ACCEPTED = "accepted"
    LOST = "lost"
    """The socket broke, was refused or was closed; trying again can help."""
    REFUSED = "refused"
    """The provider said no for good: trying again cannot help."""
    RETRY_DUE = "retry_due"
    STOP = "stop"


class Effect(Enum):
    """What the shell does."""

    CONNECT = "connect"
    GREET = "greet"
    """Tell the protocol that its socket is open."""
    ANNOUNCE_READY = "announce_ready"
    ANNOUNCE_LOST = "announce_lost"
    ANNOUNCE_REFUSED = "announce_refused"
    CLOSE = "close"
    ARM_RETRY = "arm_retry"


Step = tuple[State, tuple[Effect, ...]]

_LOST: Step = (State.WAITING, (Effect.ANNOUNCE_LOST, Effect.ARM_RETRY))
_REFUSED: Step = (State.STOPPED, (Effect.CLOSE, Effect.ANNOUNCE_REFUSED))
_STOP: Step = (State.STOPPED, (Effect.CLOSE,))

TABLE: Mapping[tuple[State, Event], Step] = MappingProxyType(
    {
        (State.IDLE, Event.START): (State.CONNECTING, (Effect.CONNECT,)),
        (State.IDLE, Event.STOP): (State.STOPPED, ()),
        (State.CONNECTING, Event.OPENED): (State.OPEN, (Effect.GREET,)),
        (State.CONNECTING, Event.LOST): _LOST,
        (State.CONNECTING, Event.REFUSED): _REFUSED,
        (State.CONNECTING, Event.STOP): _STOP,
        (State.OPEN, Event.ACCEPTED): (State.READY, (Effect.ANNOUNCE_READY,)),
        (State.OPEN, Event.LOST): _LOST,
        (State.OPEN, Event.REFUSED): _REFUSED,
        (State.OPEN, Event.STOP): _STOP,
        (State.READY, Event.ACCEPTED): (State.READY, ()),
        (State.READY, Event.LOST): _LOST,
        (State.READY, Event.REFUSED): _REFUSED,
        (State.READY, Event.STOP): _STOP,
        (State.WAITING, Event.RETRY_DUE): (State.CONNECTING, (Effect.CONNECT,)),
        (State.WAITING, Event.LOST): (State.WAITING, ()),
        (State.WAITING, Event.REFUSED): (State.STOPPED, (Effect.ANNOUNCE_REFUSED,)),
        (State.WAITING, Event.STOP): (State.STOPPED, ()),
        (State.STOPPED, Event.LOST): (State.STOPPED, ()),
        (State.STOPPED, Event.REFUSED): (State.STOPPED, ()),
        (State.STOPPED, Event.STOP): (State.STOPPED, ()),
    }
)


class Session:
    """Holds the state; says what to do at each event."""

    def __init__(self) -> None:
        self.state = State.IDLE

    def on(self, event: Event) -> tuple[Effect, ...]:
        """Move along the table.

        Raises:
            ValueError: the event cannot happen in this state; that is a defect of the caller.
        """
        step = TABLE.get((self.state, event))
        if step is None:
            raise ValueError(f"{event.value} cannot happen while {self.state.value}")
        self.state, effects = step
        return effects

"""The session table as a whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmquote.wire import Effect, Event, Session, State
from firmquote.wire.session import TABLE


def test_every_state_is_reached_and_every_state_but_the_last_can_be_left() -> None:
    assert set(State) == {State.IDLE} | {state for state, _ in TABLE.values()}
    for state in set(State) - {State.STOPPED}:
        assert any(source is state and target is not state for (source, _), (target, _) in TABLE.items())


@given(st.sampled_from(Event))
def test_stopped_is_final(event: Event) -> None:
    found = TABLE.get((State.STOPPED, event))
    assert found is None or found == (State.STOPPED, ())


def test_every_state_can_be_stopped() -> None:
    assert all(TABLE[state, Event.STOP][0] is State.STOPPED for state in State)


@given(st.lists(st.sampled_from(Event), max_size=40))
def test_connects_and_losses_take_turns_whatever_happens(events: list[Event]) -> None:
    session = Session()
    heard: list[Effect] = []
    for event in events:
        if (session.state, event) in TABLE:
            heard.extend(session.on(event))
    turns = [e for e in heard if e in (Effect.CONNECT, Effect.ANNOUNCE_LOST)]
    assert turns[::2] == [Effect.CONNECT] * len(turns[::2])
    assert turns[1::2] == [Effect.ANNOUNCE_LOST] * len(turns[1::2])


def test_an_event_that_cannot_happen_is_a_defect() -> None:
    with pytest.raises(ValueError, match="retry_due cannot happen while idle"):
        Session().on(Event.RETRY_DUE)

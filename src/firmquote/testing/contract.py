"""What every provider must hold, as checks that run over each one that is installed.

A provider outside this repository imports `ProviderContract`, gives it its `Provider`, and inherits the tests.
"""

from collections.abc import Sequence

from firmquote.errors import UnknownSymbolError
from firmquote.model import (
    Event,
    FeedClass,
    Halt,
    LastPrice,
    LineStatus,
    Opening,
    PriceBand,
    Provider,
    Quote,
    Request,
    Response,
    Secret,
    UnknownSymbol,
    Unparsed,
)

KEY_PARTS = ("contract-key-3c1f", "contract-secret-9d42")
KEY = ":".join(KEY_PARTS)
"""In the form that providers with a two-part key ask for; to all others it is one text."""
SYMBOLS = ("IBM", "SPY", "BRK.B")
RECEIVED_NS = 1_700_000_000_000_000_000
EVENTS = (Quote, LastPrice, Halt, PriceBand, LineStatus, Unparsed, UnknownSymbol)


class ProviderContract:
    """Checks of one provider; each raises AssertionError with what was seen."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        key = Secret(KEY) if provider.needs_key else None
        self.opening = Opening(config=provider.config(), key=key, codec=provider.codec())

    def check_it_can_be_opened(self) -> None:
        """It streams, is polled, or makes its quotes up; its defaults are enough to say what it sells."""
        provider = self.provider
        assert provider.open_stream or provider.open_poll or provider.open_source, f"{provider.name} opens nothing"
        assert isinstance(provider.feed_class(self.opening.config), FeedClass)

    def check_symbols_round_trip(self) -> None:
        """Whatever it can spell it reads back."""
        codec = self.opening.codec
        for symbol in SYMBOLS:
            assert codec.from_provider(codec.to_provider(symbol)) == symbol
        for nonsense in ("", "ibm corp", "\x00"):
            try:
                codec.to_provider(nonsense)
            except UnknownSymbolError:
                continue
            raise AssertionError(f"{self.provider.name} spells {nonsense!r}")

    def check_bytes(self, body: bytes) -> Sequence[Event]:
        """Any bytes give events and never an exception, streamed or polled. Returns the events."""
        found: list[Event] = []
        if self.provider.open_stream is not None:
            stream = self.provider.open_stream(self.opening)
            stream.subscribe(SYMBOLS)
            stream.on_connected(RECEIVED_NS)
            for output in stream.on_frame(body, RECEIVED_NS):
                if isinstance(output, stream.tick_type):
                    found.append(stream.make_quote(output, RECEIVED_NS))  # type: ignore[arg-type]  # just looked at
                elif isinstance(output, EVENTS):
                    found.append(output)
        if self.provider.open_poll is not None:
            poll = self.provider.open_poll(self.opening)
            for request in poll.plan(SYMBOLS):
                found += poll.on_response(request, Response(status=200, body=body, received_ns=RECEIVED_NS))
        for event in found:
            assert isinstance(event, EVENTS), event
        return found

    def check_the_plan_asks_for_each_symbol_once(self) -> None:
        """A polled round covers exactly what was asked for, at a pace above zero."""
        if self.provider.open_poll is None:
            return
        poll = self.provider.open_poll(self.opening)
        asked = [symbol for request in poll.plan(SYMBOLS) for symbol in request.symbols]
        assert sorted(asked) == sorted(SYMBOLS)
        assert poll.request_interval_ns > 0

    def check_the_key_is_hidden(self) -> None:
        """No part of the key shows in a repr, a path or a plain query."""
        shown = [repr(self.opening)]
        if self.provider.open_poll is not None:
            requests: Sequence[Request] = self.provider.open_poll(self.opening).plan(SYMBOLS)
            shown += [repr(request) + request.path + repr(request.query) for request in requests]
        if self.provider.open_stream is not None:
            shown.append(self.provider.open_stream(self.opening).url)
        assert all(part not in text for text in shown for part in KEY_PARTS)

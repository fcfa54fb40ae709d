"""Alpaca's stream protocol, without I/O (dossier alpaca.md sections 1 to 6, read 2026-11-24)."""

from collections import deque
from collections.abc import Iterator, Sequence

import msgspec

from firmquote.model import (
    NS_PER_MS,
    CloseLine,
    LineState,
    LineStatus,
    Opening,
    Output,
    Quote,
    Send,
    Tick,
    UnknownSymbol,
    Unparsed,
)
from firmquote.providers.alpaca.codes import (
    ENDS_THE_LINE,
    ERROR,
    REFUSES_A_SUBSCRIPTION,
    SUCCESS,
    SYMBOL_LIMIT,
)
from firmquote.providers.alpaca.config import AlpacaConfig
from firmquote.providers.alpaca.decode import (
    NAME,
    Message,
    decode_mixed,
    decode_quotes,
    make_band,
    make_halt,
    make_quote,
)
from firmquote.providers.alpaca.messages import (
    BandMessage,
    ErrorMessage,
    QuoteMessage,
    StatusMessage,
    SubscriptionMessage,
    SuccessMessage,
)
from firmquote.providers.alpaca.rest import lot_shares, split_key

SYMBOLS_MAX = 200
"""Symbols in one subscription message: well below any frame limit."""


class _Login(msgspec.Struct, frozen=True):
    action: str
    key: str
    secret: str


class _Change(msgspec.Struct, frozen=True, omit_defaults=True):
    action: str
    quotes: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    lulds: tuple[str, ...] = ()


class AlpacaStream:
    """connected → auth → authenticated → subscribe → acks and quotes. The wanted set outlives reconnections.

    A subscription is refused as a whole for one symbol in it. So every message waits for its answer, and a refused
    one is asked again by halves, until the symbols that are to blame stand alone: at most two messages a symbol.
    Trading statuses and price bands come last, each alone: a plan may not have them, or count them.
    """

    tick_type: type = QuoteMessage
    tick_ns = 1

    def __init__(self, opening: Opening) -> None:
        config: AlpacaConfig = opening.config
        self.url = f"{config.stream_url}/{config.feed.value}"
        self._key = split_key(opening.key)
        self._codec = opening.codec
        self.lot_shares = lot_shares(config)
        self._timeout_ns = config.answer_timeout_ms * NS_PER_MS
        self._symbols: dict[str, str] = {}
        wanted = {"statuses": config.halts, "lulds": config.price_bands}
        self._extras: dict[str, set[str]] = {channel: set() for channel, on in wanted.items() if on}
        """What is asked for beside quotes, and of which symbols it was."""
        self._without_quotes: set[str] = set()
        """Symbols that were refused on this connection: one of them would fail a whole request again."""
        self._unanswered: deque[_Change] = deque()
        """Changes that were sent, in order; the server answers each once."""
        self._open = self._ready = False
        self._due_ns: int | None = None

    def on_connected(self, now_ns: int) -> Sequence[Output]:
        """Wait for the greeting; log in when it comes."""
        self._open, self._ready = True, False
        self._due_ns = now_ns + self._timeout_ns
        self._unanswered.clear()
        self._without_quotes.clear()
        for have in self._extras.values():
            have.clear()
        return ()

    def on_frame(self, frame: bytes | memoryview, received_ns: int) -> Sequence[Output]:
        """Decode; act on what is no quote."""
        try:
            return decode_quotes(frame)
        except msgspec.DecodeError:
            messages = decode_mixed(frame, received_ns)
        return [output for message in messages for output in self._read(message, received_ns)]

    def make_quote(self, tick: Tick, received_ns: int) -> Quote | UnknownSymbol:
        """Return a tick as a quote."""
        assert isinstance(tick, QuoteMessage)
        return make_quote(tick, received_ns, self._symbols, self.lot_shares)

    def subscribe(self, symbols: Sequence[str]) -> Sequence[Output]:
        """Add to the wanted set."""
        new = [spelling for symbol in symbols if (spelling := self._codec.to_provider(symbol)) not in self._symbols]
        self._symbols.update({self._codec.to_provider(symbol): symbol for symbol in symbols})
        return list(self._ask_quotes(new)) if self._ready else ()

    def unsubscribe(self, symbols: Sequence[str]) -> Sequence[Output]:
        """Remove from the wanted set."""
        gone = tuple(spelling for symbol in symbols if (spelling := self._codec.to_provider(symbol)) in self._symbols)
        for spelling in gone:
            del self._symbols[spelling]
        if not self._ready or not gone:
            return ()
        also = {channel: tuple(each for each in gone if each in have) for channel, have in self._extras.items()}
        for have in self._extras.values():
            have.difference_update(gone)
        return [self._ask(_Change("unsubscribe", gone, **also))]

    def on_timer(self, now_ns: int) -> Sequence[Output]:
        """Give up on a login or a subscription that is never answered: the server accepted the socket and hangs."""
        if not self._open or (self._ready and not self._unanswered):
            self._due_ns = None
        elif self._due_ns is None:
            self._due_ns = now_ns + self._timeout_ns
        elif now_ns >= self._due_ns:
            self._open = False
            what = "a subscription" if self._ready else "the login"
            return [CloseLine(cause=f"{what} was not answered in time")]
        return ()

    def _read(self, message: Message | Unparsed, received_ns: int) -> Iterator[Output]:
        match message:
            case QuoteMessage() | Unparsed():
                yield message
            case StatusMessage():
                halt = make_halt(message, received_ns, self._symbols)
                if halt is not None:
                    yield halt
            case BandMessage():
                yield make_band(message, received_ns, self._symbols)
            case SuccessMessage():
                yield _status(SUCCESS.get(message.msg, LineState.NOTICE), message.msg, received_ns)
                yield from self._greeted(message.msg)
            case SubscriptionMessage():
                yield from self._acknowledged(message, received_ns)
            case ErrorMessage():
                yield from self._refused(message, received_ns)

    def _greeted(self, words: str) -> Iterator[Output]:
        self._due_ns = None
        if words == "connected":
            key_id, secret = self._key
            yield Send(payload=msgspec.json.encode(_Login("auth", key_id, secret.reveal())))
        elif words == "authenticated":
            self._ready = True
            yield from self._ask_quotes(list(self._symbols))

    def _acknowledged(self, answer: SubscriptionMessage, received_ns: int) -> Iterator[Output]:
        change = self._answered()
        if change is not None and change.action == "subscribe":
            names = (*change.quotes, *change.statuses, *change.lulds)
            yield _status(LineState.SUBSCRIBED, ",".join(names), received_ns)
            for spelling in sorted(set(change.quotes) - set(answer.quotes)):
                yield UnknownSymbol(provider=NAME, spelling=spelling, received_ns=received_ns)
        yield from self._ask_extras()

    def _refused(self, error: ErrorMessage, received_ns: int) -> Iterator[Output]:
        words = f"{error.code} {error.msg}"
        if error.code not in REFUSES_A_SUBSCRIPTION or not self._unanswered:
            state = ERROR.get(error.code, LineState.NOTICE)
            yield _status(state, words, received_ns)
            if error.code in ENDS_THE_LINE:
                retry = state not in (LineState.REFUSED_KEY, LineState.NOT_ENTITLED)
                yield CloseLine(cause=words, retry=retry)
            return
        change = self._answered()
        assert change is not None
        if len(change.quotes) > 1:
            half = len(change.quotes) // 2
            yield self._ask(msgspec.structs.replace(change, quotes=change.quotes[:half]))
            yield self._ask(msgspec.structs.replace(change, quotes=change.quotes[half:]))
        elif not change.quotes:
            what = "trading statuses" if change.statuses else "price bands"
            yield _status(LineState.NOTICE, f"{words}: {what}", received_ns)
        elif error.code == SYMBOL_LIMIT:
            self._without_quotes.update(change.quotes)
            yield _status(LineState.LIMITED, f"{words}: {change.quotes[0]}", received_ns)
        else:
            self._without_quotes.update(change.quotes)
            yield UnknownSymbol(provider=NAME, spelling=change.quotes[0], received_ns=received_ns)
        yield from self._ask_extras()

    def _ask_quotes(self, spellings: Sequence[str]) -> Iterator[Send]:
        for start in range(0, len(spellings), SYMBOLS_MAX):
            yield self._ask(_Change("subscribe", quotes=tuple(spellings[start : start + SYMBOLS_MAX])))

    def _ask_extras(self) -> Iterator[Send]:
        for channel, have in self._extras.items():
            left_out = have | self._without_quotes
            wanted = [spelling for spelling in self._symbols if spelling not in left_out]
            new = tuple(wanted[:SYMBOLS_MAX])
            if new and not self._unanswered:
                have.update(new)
                yield self._ask(_Change("subscribe", **{channel: new}))

    def _ask(self, change: _Change) -> Send:
        self._unanswered.append(change)
        return Send(payload=msgspec.json.encode(change))

    def _answered(self) -> _Change | None:
        self._due_ns = None
        return self._unanswered.popleft() if self._unanswered else None


def _status(state: LineState, detail: str, received_ns: int) -> LineStatus:
    return LineStatus(provider=NAME, state=state, received_ns=received_ns, detail=detail)

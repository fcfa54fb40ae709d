"""Polygon's bytes → our events, on recorded answers and frames of the dossier."""

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from firmquote.model import (
    CloseLine,
    Halt,
    LineState,
    LineStatus,
    Opening,
    Output,
    PriceBand,
    Quote,
    Request,
    Response,
    Secret,
    Send,
    UnknownSymbol,
    Unparsed,
)
from firmquote.providers.polygon import PROVIDER
from firmquote.providers.polygon.config import PolygonConfig, SizeUnit
from firmquote.providers.polygon.decode import to_ns
from firmquote.providers.polygon.messages import QuoteMessage
from firmquote.providers.polygon.protocol import PolygonPoll, PolygonStream

FRAMES = Path(__file__).parent / "frames"
RECEIVED_NS = 1_536_036_818_790_000_000
QUOTE = (
    b'{"ev":"Q","sym":"MSFT","bx":4,"bp":114.125,"bs":100,"ax":7,"ap":114.128,"as":160,"c":0,"i":[604],'
    b'"t":1536036818784,"q":50385480,"z":3}'
)
STATUS = b'[{"ev":"status","status":"%s","message":"%s"}]'


def opening(**settings: object) -> Opening:
    config = PolygonConfig(**settings)  # type: ignore[arg-type]  # the test's own settings
    return Opening(config=config, key=Secret("the-key"), codec=PROVIDER.codec())


def stream(*symbols: str, **settings: object) -> PolygonStream:
    made = PolygonStream(opening(**settings))
    made.subscribe(symbols or ["MSFT", "BRK.B", "AM.PRB"])
    made.on_connected(RECEIVED_NS)
    return made


def said(line: PolygonStream, frame: bytes) -> list[Output]:
    """Return what a frame says, ticks as quotes."""
    outputs = line.on_frame(frame, RECEIVED_NS)
    return [line.make_quote(o, RECEIVED_NS) if isinstance(o, QuoteMessage) else o for o in outputs]


MSFT = Quote("MSFT", "polygon", 114.125, 114.128, 100, 160, 1_536_036_818_784_000_000, RECEIVED_NS, 50_385_480)


def test_a_quote_of_the_documentation_reads_as_it_is_meant() -> None:
    assert said(stream(), b"[" + QUOTE + b"]") == [MSFT]


def test_a_memoryview_reads_like_bytes() -> None:
    assert QuoteMessage is type(stream().on_frame(memoryview(b"[" + QUOTE + b"]"), RECEIVED_NS)[0])


def test_lots_become_shares_where_the_feed_counts_lots() -> None:
    (quote,) = said(stream(size_unit=SizeUnit.LOTS), b"[" + QUOTE + b"]")
    assert isinstance(quote, Quote)
    assert (quote.bid_size_shares, quote.ask_size_shares) == (10_000, 16_000)


@pytest.mark.parametrize(
    ("side", "frame"),
    [
        pytest.param("ask", QUOTE.replace(b'"ap":114.128', b'"ap":0').replace(b'"as":160', b'"as":0'), id="zero ask"),
        pytest.param("ask", QUOTE.replace(b'"ap":114.128,', b""), id="no ask at all"),
        pytest.param("bid", QUOTE.replace(b'"bp":114.125', b'"bp":0'), id="zero bid"),
    ],
)
def test_a_price_of_zero_means_no_such_side(side: str, frame: bytes) -> None:
    (quote,) = said(stream(), b"[" + frame + b"]")
    assert getattr(quote, side) is None


def test_a_symbol_that_we_do_not_carry_is_named_in_its_own_spelling() -> None:
    (event,) = said(stream("IBM"), b"[" + QUOTE + b"]")
    assert UnknownSymbol(provider="polygon", spelling="MSFT", received_ns=RECEIVED_NS) == event


def test_case_distinguishes_symbols() -> None:
    (event,) = said(stream("AM.PRB"), b"[" + QUOTE.replace(b"MSFT", b"AMpB") + b"]")
    assert isinstance(event, Quote)
    assert event.symbol == "AM.PRB"


def test_good_quotes_beside_a_message_of_an_unknown_kind_survive() -> None:
    frame = b'[{"ev":"NEW","x":1},' + QUOTE + b',{"ev":"NOI","T":"MSFT","h":1},' + QUOTE + b"]"
    assert said(stream(), frame) == [MSFT, MSFT]


def test_good_quotes_beside_a_broken_one_survive_and_the_broken_one_is_sampled() -> None:
    broken = b'{"ev":"Q","sym":"MSFT","bp":"high"}'
    assert [MSFT, Unparsed(provider="polygon", received_ns=RECEIVED_NS, sample=broken)] == said(
        stream(), b"[" + QUOTE + b"," + broken + b"]"
    )


@pytest.mark.parametrize("frame", [b"", b"{", b"null", b'{"ev":"Q"}', b"\x00\xff", b"[1,2]", b"[" + QUOTE])
def test_a_frame_that_is_no_array_of_messages_is_one_unparsed_event_and_never_an_exception(frame: bytes) -> None:
    assert {Unparsed} == {type(event) for event in said(stream(), frame)}


@given(st.binary(max_size=300) | st.integers(0, 200).map(lambda cut: (b"[" + QUOTE + b"]")[:cut]))
@example(b"[]")
@example(b'[{"ev":"Q","sym":"MSFT","t":1e400}]')
def test_any_bytes_give_events_and_never_an_exception(frame: bytes) -> None:
    for event in said(stream(), frame):
        assert isinstance(event, Quote | LineStatus | Unparsed | UnknownSymbol | Send | CloseLine)


def test_login_and_subscription_follow_the_servers_words() -> None:
    line = stream("MSFT", "BRK.B")
    status, login = line.on_frame(STATUS % (b"connected", b"Connected Successfully"), RECEIVED_NS)
    assert isinstance(status, LineStatus)
    assert LineState.CONNECTED is status.state
    assert Send(payload=b'{"action":"auth","params":"the-key"}') == login
    ready, subscribe = line.on_frame(STATUS % (b"auth_success", b"authenticated"), RECEIVED_NS)
    assert isinstance(ready, LineStatus)
    assert LineState.READY is ready.state
    assert Send(payload=b'{"action":"subscribe","params":"Q.MSFT,Q.BRK.B"}') == subscribe


def test_a_reconnection_asks_for_the_same_set_again() -> None:
    line = stream("MSFT")
    line.on_frame(STATUS % (b"auth_success", b""), RECEIVED_NS)
    line.on_connected(RECEIVED_NS)
    _, subscribe = line.on_frame(STATUS % (b"auth_success", b""), RECEIVED_NS)
    assert Send(payload=b'{"action":"subscribe","params":"Q.MSFT"}') == subscribe


def test_many_symbols_are_asked_for_in_bounded_messages() -> None:
    names = [f"S{number}" for number in range(450)]
    line = stream(*names)
    sends = line.on_frame(STATUS % (b"auth_success", b""), RECEIVED_NS)[1:]
    asked = [name for send in sends if isinstance(send, Send) for name in send.payload.decode().split(",")]
    assert len(sends) == 3
    assert len(names) + len(sends) == len(asked)


def test_symbols_come_and_go_on_a_ready_line() -> None:
    line = stream("MSFT")
    line.on_frame(STATUS % (b"auth_success", b""), RECEIVED_NS)
    assert [Send(payload=b'{"action":"subscribe","params":"Q.IBM"}')] == line.subscribe(["MSFT", "IBM"])
    assert [Send(payload=b'{"action":"unsubscribe","params":"Q.MSFT"}')] == line.unsubscribe(["MSFT", "SPY"])


@pytest.mark.parametrize(
    ("word", "text", "state", "closes"),
    [
        (b"auth_failed", b"authentication failed", LineState.REFUSED_KEY, CloseLine(cause="auth_failed: authentication failed", retry=False)),
        (b"auth_timeout", b"late", LineState.CLOSING, CloseLine(cause="auth_timeout: late")),
        (b"max_connections", b"too many", LineState.LIMITED, CloseLine(cause="max_connections: too many")),
        (b"force_disconnect", b"bye", LineState.CLOSING, CloseLine(cause="force_disconnect: bye")),
        (b"slow_consumer", b"slow", LineState.SLOW_CONSUMER, CloseLine(cause="slow_consumer: slow")),
        (b"error", b"not authorized", LineState.NOT_ENTITLED, None),
        (b"error", b"You don't have access real-time data.", LineState.NOT_ENTITLED, None),
        (b"error", b"odd", LineState.NOTICE, None),
        (b"success", b"subscribed to: Q.MSFT", LineState.SUBSCRIBED, None),
        (b"brand_new", b"?", LineState.NOTICE, None),
    ],
)  # fmt: skip
def test_each_status_means_what_the_dossier_says(
    word: bytes, text: bytes, state: LineState, closes: CloseLine | None
) -> None:
    outputs = stream().on_frame(STATUS % (word, text), RECEIVED_NS)
    assert isinstance(outputs[0], LineStatus)
    assert state is outputs[0].state
    assert ([] if closes is None else [closes]) == list(outputs[1:])


def test_a_login_that_is_never_answered_is_given_up_once() -> None:
    line = stream(login_timeout_ms=5_000)
    assert line.on_timer(RECEIVED_NS + 4_999_000_000) == ()
    assert [CloseLine(cause="the login was not answered in time")] == line.on_timer(RECEIVED_NS + 5_000_000_000)
    assert line.on_timer(RECEIVED_NS + 6_000_000_000) == ()


@pytest.mark.parametrize("t", [1_536_036_818, 1_536_036_818_000, 1_536_036_818_000_000, 1_536_036_818_000_000_000])
def test_the_unit_of_a_time_is_told_by_its_magnitude(t: int) -> None:
    assert to_ns(t) == 1_536_036_818_000_000_000


def poll() -> PolygonPoll:
    return PolygonPoll(opening())


def answer(body: bytes, status: int = 200, **headers: str) -> Response:
    return Response(status=status, body=body, received_ns=RECEIVED_NS, headers=tuple(headers.items()))


def test_the_recorded_last_nbbo_reads_with_bid_in_lower_and_ask_in_upper_case() -> None:
    (request,) = poll().plan(["AAPL"])
    (quote,) = poll().on_response(request, answer((FRAMES / "last_nbbo.json").read_bytes()))
    event_ns = 1_652_192_754_171_000_000  # to the millisecond
    assert Quote("AAPL", "polygon", 155.65, 155.66, 1, 14, event_ns, RECEIVED_NS, 26_006_043) == quote


def test_the_recorded_snapshot_reads() -> None:
    (request,) = poll().plan(["BCAT", "IBM"])
    assert request.query == (("tickers", "BCAT,IBM"),)
    (quote,) = poll().on_response(request, answer((FRAMES / "snapshot.json").read_bytes()))
    assert isinstance(quote, Quote)
    assert (quote.symbol, quote.bid, quote.ask) == ("BCAT", 20.5, 20.6)


@pytest.mark.parametrize(
    ("status", "body", "state", "detail"),
    [
        (401, b'{"status":"ERROR","error":"Unknown API Key"}', LineState.REFUSED_KEY, "HTTP 401 Unknown API Key"),
        (403, b'{"status":"NOT_AUTHORIZED","message":"upgrade"}', LineState.NOT_ENTITLED, "HTTP 403 upgrade"),
        (429, b'{"status":"ERROR","error":"exceeded"}', LineState.LIMITED, "HTTP 429 exceeded"),
        (502, b"<html>", LineState.SERVER_ERROR, "HTTP 502"),
    ],
)
def test_refusals_are_told_by_status_and_words(status: int, body: bytes, state: LineState, detail: str) -> None:
    (request,) = poll().plan(["AAPL"])
    (event,) = poll().on_response(request, answer(body, status, **{"retry-after": "7"}))
    assert isinstance(event, LineStatus)
    assert (state, detail, 7.0) == (event.state, event.detail, event.retry_after_s)


def test_a_ticker_that_polygon_does_not_know_is_an_unknown_symbol() -> None:
    (request,) = poll().plan(["NOPE"])
    (event,) = poll().on_response(request, answer(b'{"status":"NOT_FOUND"}', 404))
    assert UnknownSymbol(provider="polygon", spelling="NOPE", received_ns=RECEIVED_NS) == event


@given(st.sampled_from([200, 302, 404, 500]), st.binary(max_size=200))
def test_any_answer_gives_events_and_never_an_exception(status: int, body: bytes) -> None:
    for symbols in (["AAPL"], ["AAPL", "IBM"]):
        (request,) = poll().plan(symbols)
        poll().on_response(request, answer(body, status))


def test_the_key_shows_in_no_repr() -> None:
    (request,) = poll().plan(["AAPL"])
    login = stream().on_frame(STATUS % (b"connected", b""), RECEIVED_NS)[1]
    assert isinstance(request, Request)
    assert "the-key" not in repr(request) + repr(login) + repr(opening()) + str(opening().key)


def test_price_bands_are_asked_for_when_configured_and_read_in_any_unit_of_time() -> None:
    line = stream("MSFT", price_bands=True)
    said(line, STATUS % (b"auth_success", b"authenticated"))
    asked = [o.payload for o in line.subscribe(["IBM"]) if isinstance(o, Send)]
    assert asked == [b'{"action":"subscribe","params":"Q.IBM,LULD.IBM"}']
    frame = (
        b'[{"ev":"LULD","T":"MSFT","h":218.94,"l":213.93,"i":[1],"z":3,"t":1601316752683746,"q":1},'
        b'{"ev":"LULD","T":"NOPE","h":2,"l":1,"t":1601316752683},{"ev":"LULD","T":"MSFT"}]'
    )
    band, unknown, broken = said(line, frame)
    assert band == PriceBand(
        symbol="MSFT", provider="polygon", low=213.93, high=218.94, received_ns=RECEIVED_NS,
        event_ns=1_601_316_752_683_746_000,
    )  # fmt: skip
    assert isinstance(unknown, UnknownSymbol)
    assert isinstance(broken, Unparsed)


@pytest.mark.parametrize(
    ("fields", "halts", "bands"),
    [
        (b'"i":[17],"z":3,"h":218.94,"l":213.93', [True], 1),
        (b'"i":[17],"z":3', [True], 0),
        (b'"i":[18],"z":3', [False], 0),
        (b'"i":[17,18],"z":3', [True], 0),
        (b'"i":[17],"z":1,"h":218.94,"l":213.93', [], 1),
        (b'"i":[1],"z":3,"h":218.94,"l":213.93', [], 1),
    ],
)
def test_halts_of_nasdaqs_stocks_come_with_the_price_bands(fields: bytes, halts: list[bool], bands: int) -> None:
    line = stream("MSFT", price_bands=True)
    events = said(line, b'[{"ev":"LULD","T":"MSFT",' + fields + b',"t":1601316752683}]')
    assert [event.halted for event in events if isinstance(event, Halt)] == halts
    assert len([event for event in events if isinstance(event, PriceBand)]) == bands

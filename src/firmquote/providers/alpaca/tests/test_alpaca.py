"""Alpaca's bytes → our events, on messages and answers of the dossier, and its manners at subscribing."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from firmquote.errors import ConfigError
from firmquote.model import (
    CloseLine,
    FeedClass,
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
from firmquote.providers.alpaca import PROVIDER
from firmquote.providers.alpaca.config import AlpacaConfig, Feed, SizeUnit
from firmquote.providers.alpaca.messages import QuoteMessage
from firmquote.providers.alpaca.protocol import AlpacaStream
from firmquote.providers.alpaca.rest import AlpacaPoll

FRAMES = Path(__file__).parent / "frames"
RECEIVED_NS = 1_614_009_105_400_000_000
QUOTE = (
    b'{"T":"q","S":"AMD","bx":"U","bp":87.66,"bs":1,"ax":"Q","ap":87.68,"as":4,"t":"2021-02-22T15:51:45.335689322Z",'
    b'"c":["R"],"z":"C"}'
)
AMD = Quote("AMD", "alpaca", 87.66, 87.68, 1, 4, 1_614_009_105_335_689_322, RECEIVED_NS, 0)


def opening(key: str = "the-id:the-secret", **settings: Any) -> Opening:
    config = AlpacaConfig(**settings)
    return Opening(config=config, key=Secret(key), codec=PROVIDER.codec())


def stream(*symbols: str, **settings: Any) -> AlpacaStream:
    made = AlpacaStream(opening(**settings))
    made.subscribe(symbols or ["AMD", "BRK.B"])
    made.on_connected(RECEIVED_NS)
    return made


def hear(line: AlpacaStream, *messages: object) -> list[Output]:
    """Return what a frame says, ticks as quotes."""
    return said(line, json.dumps(messages).encode())


def said(line: AlpacaStream, frame: bytes) -> list[Output]:
    outputs = line.on_frame(frame, RECEIVED_NS)
    return [line.make_quote(o, RECEIVED_NS) if isinstance(o, QuoteMessage) else o for o in outputs]


def asked(outputs: list[Output]) -> list[object]:
    return [json.loads(output.payload) for output in outputs if isinstance(output, Send)]


def log_in(line: AlpacaStream) -> list[Output]:
    return hear(line, {"T": "success", "msg": "authenticated"})


def acknowledge(line: AlpacaStream, *quotes: str) -> list[Output]:
    return hear(line, {"T": "subscription", "trades": [], "quotes": list(quotes), "bars": []})


def refuse(line: AlpacaStream, code: int, words: str = "no") -> list[Output]:
    return hear(line, {"T": "error", "code": code, "msg": words})


def test_a_quote_of_the_documentation_reads_as_it_is_meant() -> None:
    assert said(stream(), b"[" + QUOTE + b"]") == [AMD]


def test_the_recorded_mixed_frame_gives_its_quote_and_its_resumption_and_passes_over_the_trade() -> None:
    resumed = Halt(
        symbol="AMD",
        provider="alpaca",
        halted=False,
        received_ns=RECEIVED_NS,
        event_ns=1_614_009_106_000_000_000,
        cause="Trade halt concluded by other regulatory authority",
    )
    assert [AMD, resumed] == said(stream(), (FRAMES / "mixed.json").read_bytes())


@pytest.mark.parametrize(
    ("code", "halted"), [("H", True), ("P", True), ("2", True), ("T", False), ("3", False), ("Q", None), ("A", None)]
)
def test_trading_statuses_mean_what_the_dossier_says(code: str, halted: bool | None) -> None:
    outputs = hear(stream(), {"T": "s", "S": "AMD", "sc": code, "sm": "?", "t": "2021-02-22T15:51:46Z"})
    assert ([] if halted is None else [halted]) == [o.halted for o in outputs if isinstance(o, Halt)]


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("2021-02-22T15:51:45.335689322Z", 1_614_009_105_335_689_322),
        ("2021-02-22T15:51:45.3Z", 1_614_009_105_300_000_000),
        ("2021-02-22T15:51:45Z", 1_614_009_105_000_000_000),
    ],
)
def test_times_have_as_many_digits_as_they_need(text: str, ns: int) -> None:
    (quote,) = said(stream(), b"[" + QUOTE.replace(b"2021-02-22T15:51:45.335689322Z", text.encode()) + b"]")
    assert isinstance(quote, Quote)
    assert ns == quote.event_ns


@given(st.integers(0, 4_102_444_800 * 10**9))
def test_a_time_to_the_nanosecond_survives(ns: int) -> None:
    from datetime import UTC, datetime  # noqa: PLC0415 - only this test writes times

    seconds, rest = divmod(ns, 10**9)
    fraction = f".{rest:09d}".rstrip("0").rstrip(".")
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S") + fraction + "Z"
    (quote,) = said(stream(), b"[" + QUOTE.replace(b"2021-02-22T15:51:45.335689322Z", text.encode()) + b"]")
    assert isinstance(quote, Quote)
    assert ns == quote.event_ns


@pytest.mark.parametrize("text", [b"", b"Z", b"2021-02-22", b"2021-02-22T15:51:45+00:00", b"2021-02-22T15:51:45.xZ"])
def test_a_quote_without_a_readable_time_is_unparsed(text: bytes) -> None:
    (event,) = said(stream(), b"[" + QUOTE.replace(b"2021-02-22T15:51:45.335689322Z", text) + b"]")
    assert isinstance(event, Unparsed)


def test_lots_become_shares_where_the_feed_counts_lots() -> None:
    (quote,) = said(stream(size_unit=SizeUnit.LOTS, lot_shares=40), b"[" + QUOTE + b"]")
    assert isinstance(quote, Quote)
    assert (quote.bid_size_shares, quote.ask_size_shares) == (40, 160)


def test_a_price_of_zero_means_no_such_side() -> None:
    (quote,) = said(stream(), b"[" + QUOTE.replace(b'"ap":87.68', b'"ap":0') + b"]")
    assert isinstance(quote, Quote)
    assert (quote.bid, quote.ask) == (87.66, None)


def test_a_symbol_that_we_do_not_carry_is_named_in_its_own_spelling() -> None:
    (event,) = said(stream("IBM"), b"[" + QUOTE + b"]")
    assert UnknownSymbol(provider="alpaca", spelling="AMD", received_ns=RECEIVED_NS) == event


def test_good_quotes_beside_unknown_and_broken_messages_survive() -> None:
    broken = b'{"T":"q","S":"AMD","bp":"high"}'
    frame = b'[{"T":"new","x":1},' + QUOTE + b"," + broken + b"," + QUOTE + b"]"
    assert [AMD, Unparsed(provider="alpaca", received_ns=RECEIVED_NS, sample=broken), AMD] == said(stream(), frame)


@given(st.binary(max_size=300) | st.integers(0, 170).map(lambda cut: (b"[" + QUOTE + b"]")[:cut]))
@example(b"[]")
@example(b'[{"T":"error","code":406}]')
@example(b'[{"T":"subscription","quotes":[]}]')
def test_any_bytes_give_events_and_never_an_exception(frame: bytes) -> None:
    for event in said(stream(), frame):
        assert isinstance(event, Quote | LineStatus | Unparsed | UnknownSymbol | Send | CloseLine | Halt)


@pytest.mark.parametrize(
    ("feed", "expected"),
    [
        (Feed.IEX, FeedClass.SINGLE_VENUE),
        (Feed.SIP, FeedClass.CONSOLIDATED),
        (Feed.DELAYED_SIP, FeedClass.DELAYED),
    ],
)
def test_the_plans_feed_decides_the_class_and_the_address(feed: Feed, expected: FeedClass) -> None:
    config = AlpacaConfig(feed=feed)
    assert expected is PROVIDER.feed_class(config)
    assert AlpacaStream(opening(feed=feed)).url == f"wss://stream.data.alpaca.markets/v2/{feed.value}"
    (request,) = AlpacaPoll(opening(feed=feed)).plan(["AMD"])
    assert ("feed", feed.value) in request.query


def test_login_and_subscription_follow_the_servers_words() -> None:
    line = stream()
    connected, login = hear(line, {"T": "success", "msg": "connected"})
    assert isinstance(connected, LineStatus)
    assert LineState.CONNECTED is connected.state
    assert Send(payload=b'{"action":"auth","key":"the-id","secret":"the-secret"}') == login
    ready, subscribe = log_in(line)
    assert isinstance(ready, LineStatus)
    assert LineState.READY is ready.state
    assert Send(payload=b'{"action":"subscribe","quotes":["AMD","BRK.B"]}') == subscribe


def test_trading_statuses_are_asked_for_once_the_quotes_are_ours() -> None:
    line = stream()
    log_in(line)
    subscribed, statuses = acknowledge(line, "AMD", "BRK.B")
    assert isinstance(subscribed, LineStatus)
    assert (subscribed.state, subscribed.detail) == (LineState.SUBSCRIBED, "AMD,BRK.B")
    assert asked([statuses]) == [{"action": "subscribe", "statuses": ["AMD", "BRK.B"]}]
    bands = acknowledge(line, "AMD", "BRK.B")
    assert asked(bands) == [{"action": "subscribe", "lulds": ["AMD", "BRK.B"]}], "alone, since a plan may lack them"
    assert asked(acknowledge(line, "AMD", "BRK.B")) == []
    (gone,) = asked(list(line.unsubscribe(["AMD"])))
    assert gone == {"action": "unsubscribe", "quotes": ["AMD"], "statuses": ["AMD"], "lulds": ["AMD"]}


def test_a_plan_without_trading_statuses_or_price_bands_still_has_quotes() -> None:
    line = stream()
    log_in(line)
    acknowledge(line, "AMD", "BRK.B")
    no_statuses, bands = refuse(line, 410, "invalid subscribe action for this feed")
    no_bands = refuse(line, 405, "symbol limit exceeded")
    assert asked([bands]) == [{"action": "subscribe", "lulds": ["AMD", "BRK.B"]}]
    notices = [each for each in (no_statuses, *no_bands) if isinstance(each, LineStatus)]
    assert [(each.state, each.detail.split(": ")[1]) for each in notices] == [
        (LineState.NOTICE, "trading statuses"),
        (LineState.NOTICE, "price bands"),
    ]
    quiet = stream(halts=False, price_bands=False)
    log_in(quiet)
    assert asked(acknowledge(quiet, "AMD", "BRK.B")) == []


def test_price_limits_are_read_and_what_cannot_be_read_costs_itself_alone() -> None:
    band = b'{"T":"l","S":"AMD","u":3.24,"d":2.65,"i":"B","t":"2023-04-06T13:34:45.565004401Z","z":"C"}'
    unknown, broken = band.replace(b"AMD", b"NOPE"), band.replace(b"3.24", b'"high"')
    read, stranger, unparsed, quote = said(stream(), b"[" + b",".join((band, unknown, broken, QUOTE)) + b"]")
    assert read == PriceBand(
        symbol="AMD",
        provider="alpaca",
        low=2.65,
        high=3.24,
        received_ns=RECEIVED_NS,
        event_ns=1_680_788_085_565_004_401,
    )
    assert isinstance(stranger, UnknownSymbol)
    assert isinstance(unparsed, Unparsed)
    assert quote == AMD


def test_a_reconnection_asks_for_the_same_set_again() -> None:
    line = stream("AMD")
    log_in(line)
    acknowledge(line, "AMD")
    line.on_connected(RECEIVED_NS)
    assert asked(log_in(line)) == [{"action": "subscribe", "quotes": ["AMD"]}]
    assert asked(acknowledge(line, "AMD")) == [{"action": "subscribe", "statuses": ["AMD"]}]


def test_symbols_come_and_go_on_a_ready_line() -> None:
    line = stream("AMD", halts=False, price_bands=False)
    log_in(line)
    acknowledge(line, "AMD")
    assert asked(list(line.subscribe(["AMD", "IBM"]))) == [{"action": "subscribe", "quotes": ["IBM"]}]
    assert asked(list(line.unsubscribe(["AMD", "SPY"]))) == [{"action": "unsubscribe", "quotes": ["AMD"]}]


def test_a_symbol_that_is_not_acknowledged_is_unknown() -> None:
    line = stream("AMD", "IBM")
    log_in(line)
    outputs = acknowledge(line, "AMD")
    assert UnknownSymbol(provider="alpaca", spelling="IBM", received_ns=RECEIVED_NS) in outputs


def test_a_symbol_that_was_refused_costs_no_other_its_trading_statuses() -> None:
    names = [f"S{number}" for number in range(300)]
    line = stream(*names)
    server = Server(refused={"S7"})
    server.talk(line, log_in(line))
    assert sorted(server.statuses) == sorted(server.lulds) == sorted(set(names) - {"S7"})


class Server:
    """Answers subscriptions as Alpaca does: all of a message, or nothing of it."""

    def __init__(self, *, refused: set[str], symbols_max: int | None = None) -> None:
        self.refused = refused
        self.symbols_max = symbols_max
        self.quotes: list[str] = []
        self.statuses: list[str] = []
        self.lulds: list[str] = []
        self.messages = 0

    def talk(self, line: AlpacaStream, outputs: list[Output]) -> list[Output]:
        """Answer until the client is content; return all that it said besides."""
        heard: list[Output] = []
        while outputs:
            output = outputs.pop(0)
            if isinstance(output, Send):
                outputs += self._answer(line, json.loads(output.payload))
            else:
                heard.append(output)
        return heard

    def _answer(self, line: AlpacaStream, change: dict[str, list[str]]) -> list[Output]:
        self.messages += 1
        wanted = change.get("quotes", [])
        statuses, lulds = change.get("statuses", []), change.get("lulds", [])
        if self.refused & {*wanted, *statuses, *lulds}:
            return refuse(line, 400, "invalid syntax")
        if self.symbols_max is not None and len(self.quotes) + len(wanted) > self.symbols_max:
            return refuse(line, 405, "symbol limit exceeded")
        self.quotes += wanted
        self.statuses += statuses
        self.lulds += lulds
        return acknowledge(line, *self.quotes)


@given(st.sets(st.integers(0, 399), max_size=8))
def test_one_bad_symbol_costs_itself_alone(bad: set[int]) -> None:
    names = [f"S{number}" for number in range(400)]
    refused = {names[number] for number in bad}
    line = stream(*names, halts=False, price_bands=False)
    server = Server(refused=refused)
    heard = server.talk(line, log_in(line))
    assert set(names) - refused == set(server.quotes)
    assert refused == {event.spelling for event in heard if isinstance(event, UnknownSymbol)}
    assert server.messages <= 2 * len(names)


def test_a_plan_for_30_symbols_serves_30_and_names_those_beyond() -> None:
    names = [f"S{number}" for number in range(37)]
    line = stream(*names, halts=False, price_bands=False)
    server = Server(refused=set(), symbols_max=30)
    heard = server.talk(line, log_in(line))
    assert len(server.quotes) == 30
    limited = [event.detail for event in heard if isinstance(event, LineStatus) and event.state is LineState.LIMITED]
    left = sorted(set(names) - set(server.quotes))
    assert [f"405 symbol limit exceeded: {name}" for name in left] == sorted(limited)


@pytest.mark.parametrize(
    ("code", "state", "closes", "retry"),
    [
        (402, LineState.REFUSED_KEY, True, False),
        (404, LineState.CLOSING, True, True),
        (406, LineState.LIMITED, True, True),
        (407, LineState.SLOW_CONSUMER, True, True),
        (408, LineState.NOT_ENTITLED, True, False),
        (409, LineState.NOT_ENTITLED, True, False),
        (500, LineState.SERVER_ERROR, False, True),
        (400, LineState.NOTICE, False, True),
        (403, LineState.NOTICE, False, True),
        (999, LineState.NOTICE, False, True),
    ],
)
def test_each_error_code_means_what_the_dossier_says(code: int, state: LineState, closes: bool, retry: bool) -> None:
    outputs = refuse(stream(), code, "words")
    assert isinstance(outputs[0], LineStatus)
    assert (state, f"{code} words") == (outputs[0].state, outputs[0].detail)
    assert ([CloseLine(cause=f"{code} words", retry=retry)] if closes else []) == outputs[1:]


def test_an_answer_that_never_comes_is_given_up_once() -> None:
    line = stream(answer_timeout_ms=5_000)
    assert line.on_timer(RECEIVED_NS + 4_999_000_000) == ()
    assert [CloseLine(cause="the login was not answered in time")] == line.on_timer(RECEIVED_NS + 5_000_000_000)
    assert line.on_timer(RECEIVED_NS + 60_000_000_000) == ()


def test_a_subscription_that_is_never_answered_is_given_up() -> None:
    line = stream(answer_timeout_ms=5_000)
    log_in(line)
    assert line.on_timer(RECEIVED_NS) == ()
    assert [CloseLine(cause="a subscription was not answered in time")] == line.on_timer(RECEIVED_NS + 5_000_000_000)


def test_a_line_whose_questions_are_answered_waits_for_nothing() -> None:
    line = stream(halts=False, price_bands=False)
    log_in(line)
    acknowledge(line, "AMD", "BRK.B")
    assert [line.on_timer(RECEIVED_NS + later) for later in (0, 3_600_000_000_000)] == [(), ()]


def poll() -> AlpacaPoll:
    return AlpacaPoll(opening())


def answer(body: bytes, status: int = 200, **headers: str) -> Response:
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Response(status=status, body=body, received_ns=RECEIVED_NS, headers=named)


def test_the_recorded_latest_quotes_read_and_an_absent_symbol_is_unknown() -> None:
    (request,) = poll().plan(["AAPL", "IBM", "NOPE"])
    assert request.query == (("symbols", "AAPL,IBM,NOPE"), ("feed", "iex"))
    aapl, ibm, nope = poll().on_response(request, answer((FRAMES / "latest_quotes.json").read_bytes()))
    crossed = Quote("AAPL", "alpaca", 159.52, 158.65, 4, 1, 1_646_816_400_000_059_000, RECEIVED_NS, 0)
    assert crossed == aapl, "recorded at 04:00 ET, crossed as it was"
    one_sided = Quote("IBM", "alpaca", 126.05, None, 2, 0, 1_646_836_200_000_000_000, RECEIVED_NS, 0)
    assert one_sided == ibm
    assert UnknownSymbol(provider="alpaca", spelling="NOPE", received_ns=RECEIVED_NS) == nope


def test_one_broken_quote_costs_itself_alone() -> None:
    (request,) = poll().plan(["AAPL", "IBM"])
    body = b'{"quotes":{"AAPL":{"t":5},"IBM":{"t":"2022-03-09T14:30:00Z","bp":1,"ap":2}}}'
    broken, good = poll().on_response(request, answer(body))
    assert isinstance(broken, Unparsed)
    assert isinstance(good, Quote)


@pytest.mark.parametrize(
    ("status", "body", "state", "detail"),
    [
        (401, b'{"message":"unauthorized"}', LineState.REFUSED_KEY, "HTTP 401 unauthorized"),
        (403, b'{"message":"forbidden."}', LineState.REFUSED_KEY, "HTTP 403 forbidden."),
        (
            403,
            b'{"message":"subscription does not permit querying recent SIP data"}',
            LineState.NOT_ENTITLED,
            "HTTP 403 subscription does not permit querying recent SIP data",
        ),
        (429, b'{"message":"too many requests."}', LineState.LIMITED, "HTTP 429 too many requests."),
        (400, b'{"message":"invalid symbol: XXX!"}', LineState.SERVER_ERROR, "HTTP 400 invalid symbol: XXX!"),
        (502, b"<html>", LineState.SERVER_ERROR, "HTTP 502"),
    ],
)
def test_refusals_are_told_by_status_and_words(status: int, body: bytes, state: LineState, detail: str) -> None:
    (request,) = poll().plan(["AAPL"])
    (event,) = poll().on_response(request, answer(body, status))
    assert isinstance(event, LineStatus)
    assert (state, detail) == (event.state, event.detail)


def test_too_many_requests_wait_for_the_end_of_the_minute() -> None:
    (request,) = poll().plan(["AAPL"])
    (event,) = poll().on_response(request, answer(b"{}", 429, x_ratelimit_reset="1614009120"))
    assert isinstance(event, LineStatus)
    assert event.retry_after_s == pytest.approx(14.6)


@given(st.sampled_from([200, 302, 404, 500]), st.binary(max_size=200))
@example(200, b'{"quotes":{"AAPL":null}}')
def test_any_answer_gives_events_and_never_an_exception(status: int, body: bytes) -> None:
    (request,) = poll().plan(["AAPL"])
    poll().on_response(request, answer(body, status))


@pytest.mark.parametrize("key", ["the-id", "the-id:", ":the-secret"])
def test_half_a_key_is_refused_before_anything_is_opened_and_is_not_repeated(key: str) -> None:
    with pytest.raises(ConfigError, match="KEY_ID:SECRET") as error:
        AlpacaStream(opening(key))
    assert "the-" not in str(error.value)


def test_no_part_of_the_key_shows_in_a_repr() -> None:
    (request,) = poll().plan(["AAPL"])
    login = hear(stream(), {"T": "success", "msg": "connected"})[1]
    assert isinstance(request, Request)
    shown = repr(request) + repr(login) + repr(opening())
    assert "the-id" not in shown
    assert "the-secret" not in shown

"""What is logged: as JSON or for people, with ids, without secrets, and without endless repetitions."""

import asyncio
import io
import json
import logging
import sys
import threading
import warnings
from collections.abc import Iterator

import pytest
import structlog
from structlog import DropEvent

from firmquote.errors import LineError
from firmquote.model import NS_PER_S, Secret
from firmquote.model.redaction import KNOWN_MAX, REDACTOR, Redactor
from firmquote.runtime import LogSection, begin_logging
from firmquote.runtime.logs import tell_left_out
from firmquote.runtime.sampling import KEYS_MAX, Sampler
from firmquote.testing import ManualClock

KEY = "pk_live_9sKq+2f/Zr7=planted"
log = structlog.get_logger("firmquote")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    root, hooks = logging.getLogger(), (sys.excepthook, threading.excepthook)
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    logging.captureWarnings(capture=False)
    root.handlers[:], root.level = handlers, level
    sys.excepthook, threading.excepthook = hooks


def lines(out: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def break_line() -> None:
    raise LineError(f"https://x.example/?token={KEY}: refused", provider="polygon")


def log_everywhere() -> tuple[str, ...]:
    """Write the key through every way into the log; returns what must be left of each message."""
    log.info("plain", url=f"https://x.example/v2?apiKey={KEY}&symbol=IBM", cause=f"refused {KEY}")
    in_the_event = f"in the event {KEY}"
    log.info(in_the_event, nested={"headers": [("Authorization", f"Bearer {KEY}")], "raw": KEY.encode()})
    try:
        break_line()
    except LineError:
        log.exception("caught")
    logging.getLogger("aiohttp.client").warning("GET %s", f"/v2/last?apiKey={KEY}", exc_info=ValueError(KEY))
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(f"a warning with {KEY}", stacklevel=1)
    sys.excepthook(RuntimeError, RuntimeError(KEY), None)
    thread = threading.Thread(target=lambda: int(KEY), name="reader")
    thread.start()
    thread.join()

    async def forgotten() -> None:
        asyncio.get_running_loop().call_exception_handler({"message": f"lost {KEY}", "exception": OSError(KEY)})

    asyncio.run(forgotten())
    return (
        "refused ***", "in the event ***", "?token=*** refused", "apiKey=***", "a warning with ***",
        "RuntimeError: ***", "ValueError: invalid literal for int() with base 10: '***'", "lost ***", "OSError: ***",
    )  # fmt: skip


@pytest.mark.parametrize("out", [io.StringIO, Terminal], ids=["json", "text"])
def test_no_way_into_the_log_shows_a_key(out: type[io.StringIO]) -> None:
    REDACTOR.learn(Secret(KEY))
    stream = out()
    begin_logging(LogSection(), stream=stream)
    left = log_everywhere()
    text = stream.getvalue()
    assert [words for words in left if words not in text] == []
    for shape in (KEY, KEY.replace("+", "%2B"), "9sKq", "planted"):
        assert shape not in text
    assert "LineError" in text
    assert "symbol=IBM" in text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("GET /v2?apiKey=abc123&symbol=IBM", "GET /v2?apiKey=***&symbol=IBM"),
        ("query?function=X&apikey=demo12", "query?function=X&apikey=***"),
        ("authorization: Bearer abcdef.ghi", "authorization: Bearer ***"),
        ("Authorization: Basic YWJjOmRlZg==", "Authorization: Basic ***"),
        ("Authorization: raw-key-1", "Authorization: ***"),
        ('{"token": "abc", "symbol": "IBM"}', '{"token": "***", "symbol": "IBM"}'),
        ("{'APCA-API-SECRET-KEY': 'abc'}", "{'APCA-API-SECRET-KEY': '***'}"),
        ("mailto://me:secret@mail.example/x", "mailto://***@mail.example/x"),
        ("fq_0123456789ab_" + "x" * 43, "***"),
        ("this needs a token: send it", "this needs a token: send it"),
        ("the key of polygon was refused", "the key of polygon was refused"),
    ],
)
def test_what_has_the_form_of_a_credential_is_masked_and_prose_is_not(text: str, masked: str) -> None:
    assert Redactor().text(text) == masked


def test_a_field_named_as_a_secret_is_masked_and_numbers_stay_numbers() -> None:
    fields = {"api_key": "abc", "operator_token_file": "/state/x", "took_ms": 1.5, "order": None, "Secret": Secret("a")}
    masked = {"api_key": "***", "operator_token_file": "/state/x", "took_ms": 1.5, "order": None, "Secret": "***"}
    assert Redactor().value(fields) == masked


def test_every_part_of_a_channels_address_is_masked_and_its_host_is_not() -> None:
    redactor = Redactor()
    redactor.learn(Secret("mailto://robot:hunter2secret@127.0.0.1:2525?to=ops"))
    assert redactor.text("robot: hunter2secret at http://127.0.0.1:8090") == "robot: *** at http://127.0.0.1:8090"


def test_more_secrets_than_the_limit_forget_the_oldest() -> None:
    redactor = Redactor()
    for number in range(KNOWN_MAX + 1):
        redactor.learn(Secret(f"secret-{number:05}"))
    assert (redactor.text("secret-00000"), redactor.text(f"secret-{KNOWN_MAX:05}")) == ("secret-00000", "***")


def test_a_terminal_gets_lines_for_people_and_everything_else_gets_json() -> None:
    for_people, for_machines = Terminal(), io.StringIO()
    begin_logging(LogSection(), stream=for_people)
    log.info("role", provider="polygon")
    begin_logging(LogSection(), stream=for_machines)
    log.info("role", provider="polygon")
    assert "polygon" in for_people.getvalue()
    assert not for_people.getvalue().startswith("{")
    assert lines(for_machines)[0] | {"timestamp": ""} == {
        "event": "role", "level": "info", "provider": "polygon", "timestamp": "",
    }  # fmt: skip


def test_the_level_of_the_configuration_holds_and_libraries_are_heard_from_warnings_on() -> None:
    out = io.StringIO()
    begin_logging(LogSection(level="warning"), stream=out)
    log.info("left out")
    logging.getLogger("uvicorn").info("left out")
    logging.getLogger("uvicorn").warning("port %d", 1)
    log.warning("kept")
    assert [line["event"] for line in lines(out)] == ["port 1", "kept"]
    assert lines(out)[0]["logger"] == "uvicorn"


def test_a_repeated_message_is_written_a_few_times_and_then_counted() -> None:
    out = io.StringIO()
    sampler = begin_logging(LogSection(repeats_max=3), stream=out)
    for number in range(10):
        log.warning("line_error", provider="polygon", cause=f"try {number}")
        logging.getLogger("aiohttp").warning("lost %d", number)
    log.warning("line_error", provider="alphavantage")
    for _ in range(10):
        log.info("audit", what="switch")
    tell_left_out(sampler, ended_only=False)
    told = [(line["of"], line["count"]) for line in lines(out) if line["event"] == "left_out"]
    assert told == [("line_error", 7), ("lost %d", 7)]
    events = [line["event"] for line in lines(out)]
    assert (events.count("line_error"), events.count("audit")) == (3 + 1, 10)


def test_a_new_window_lets_the_message_through_again_and_the_old_ones_count_is_told_once() -> None:
    clock = ManualClock()
    sampler = Sampler(repeats_max=1, window_s=60, monotonic_ns=clock.monotonic_ns)

    def passes(**fields: str) -> bool:
        try:
            sampler(None, "info", dict(fields))
        except DropEvent:
            return False
        return True

    assert [passes(event="x"), passes(event="x"), passes(event="x", provider="b")] == [True, False, True]
    assert sampler.take_left_out() == []
    clock.advance(60 * NS_PER_S)
    assert passes(event="x")
    assert (sampler.take_left_out(), sampler.take_left_out()) == ([("x", 1)], [])
    for number in range(KEYS_MAX * 2):
        passes(event=f"flood {number}")
    assert len(sampler._windows) <= KEYS_MAX

"""The watch over silent streams, tick by tick under a clock of its own."""

from firmquote.board import Board, Feed
from firmquote.model import NS_PER_MS, FeedClass, Session
from firmquote.quality import GradePolicy, PlausibilityPolicy, SilencePolicy
from firmquote.runtime.watch import SilenceWatch
from firmquote.testing import last_price, quote
from firmquote.testing.clock import NOON_NS

TICK_MS = 50


class Watching:
    """Two streams and a polled provider; every 50 ms what the test says arrives."""

    def __init__(self) -> None:
        board = Board(["IBM"], grading=GradePolicy(), plausibility=PlausibilityPolicy())
        self.board = board
        self.feeds: dict[str, Feed] = {n: board.add_feed(n, FeedClass.CONSOLIDATED) for n in ("a", "b", "polled")}
        self.watch = SilenceWatch(SilencePolicy())
        self.watch.add(self.feeds["a"])
        self.watch.add(self.feeds["b"])
        self.elapsed_ms = 0
        self.sequence = 0
        self.usable = {"a", "b", "polled"}
        self.verdicts: dict[str, str | None] = {}
        self.heard_ms: dict[str, float] = {}

    def tick(self, *speaking: str, price: float = 100.0, after_ms: int = TICK_MS, late_ms: float = 0) -> None:
        self.elapsed_ms += after_ms
        now_ns = NOON_NS + self.elapsed_ms * NS_PER_MS
        for name in speaking:
            self.sequence += 1
            event = (
                last_price(price=price, provider=name, now_ns=now_ns)
                if name == "polled"
                else quote(
                    bid=price,
                    ask=price + 0.02,
                    provider=name,
                    now_ns=now_ns,
                    age_ms=late_ms if name == "a" else 0,
                    lag_ms=late_ms if name == "a" else 0,
                    sequence=self.sequence,
                )
            )
            self.board.apply(self.feeds[name], [event], now_ns)
            if name != "polled":
                self.feeds[name].note_frame(now_ns, int(late_ms * NS_PER_MS) if name == "a" else 0)
        self.verdicts = self.watch.look(
            self.feeds,
            frozenset(self.usable),
            self.heard_ms,
            interval_ns=TICK_MS * NS_PER_MS,
            monotonic_ns=self.elapsed_ms * NS_PER_MS,
            now_ns=now_ns,
        )

    def frames_of_one_time(self, *speaking: str) -> None:
        """Let frames arrive whose source time is always the same; everybody else goes on."""
        behind_ns = self.elapsed_ms * NS_PER_MS
        for name in speaking:
            self.sequence += 1
            arrived = quote(provider=name, now_ns=NOON_NS + behind_ns, sequence=self.sequence)
            self.board.apply(self.feeds[name], [arrived], NOON_NS + behind_ns)
            self.feeds[name].note_frame(NOON_NS + behind_ns, behind_ns)
        self.tick(*{"a", "b"} - set(speaking))

    def warm(self) -> "Watching":
        for _ in range(60):
            self.tick("a", "b", "polled")
        assert self.silent() == set()
        return self

    def silent(self) -> set[str]:
        return {name for name, verdict in self.verdicts.items() if verdict is not None}

    def ms_until_silent(self, *speaking: str, price: float = 100.0, limit_ms: int = 60_000) -> int | None:
        begun_ms = self.elapsed_ms
        while self.elapsed_ms - begun_ms < limit_ms:
            self.tick(*speaking, price=price)
            if self.silent():
                return self.elapsed_ms - begun_ms
        return None


def test_a_frozen_liquid_stream_is_found_within_a_second_when_another_stream_goes_on() -> None:
    watching = Watching().warm()
    took_ms = watching.ms_until_silent("b", "polled")
    assert watching.silent() == {"a"}
    assert took_ms is not None
    assert took_ms < 1_000


def test_it_is_found_within_a_second_when_the_polled_price_has_left_its_bid_and_ask() -> None:
    watching = Watching().warm()
    watching.usable = {"a", "polled"}
    took_ms = watching.ms_until_silent("polled", price=100.5)
    assert took_ms is not None
    assert took_ms < 1_000


def test_when_everybody_falls_silent_nobody_is_blamed() -> None:
    assert Watching().warm().ms_until_silent() is None


def test_when_a_market_stops_the_last_word_of_another_stream_blames_nobody() -> None:
    watching = Watching().warm()
    watching.tick("b")
    assert watching.ms_until_silent() is None


def test_one_quote_of_another_stream_after_five_seconds_of_silence_is_evidence() -> None:
    watching = Watching().warm()
    assert watching.ms_until_silent(limit_ms=6_000) is None
    watching.tick("b")
    assert watching.silent() == set(), "it may be a little later with the same"
    assert watching.ms_until_silent() == 500
    assert watching.silent() == {"a"}


def test_whoever_speaks_second_after_a_long_pause_is_not_silent() -> None:
    watching = Watching().warm()
    assert watching.ms_until_silent(limit_ms=120_000) is None
    for _ in range(2):
        watching.tick("b", price=101.0)
        assert watching.silent() == set()
    watching.tick("a", "b", price=101.0)
    assert watching.silent() == set()


def test_a_polled_price_may_have_changed_before_the_stream_fell_silent() -> None:
    watching = Watching()
    watching.usable = {"a", "polled"}
    for _ in range(60):
        watching.tick("a")
    watching.tick("polled")
    watching.tick("a")
    watching.tick("polled", price=100.5)
    assert watching.ms_until_silent("polled", price=100.5) is None, "nobody asked between its last word and the change"
    watching.tick("polled", price=100.6)
    assert watching.ms_until_silent("polled", price=100.6) is not None


def test_a_last_price_a_little_outside_bid_and_ask_shows_no_move() -> None:
    watching = Watching().warm()
    watching.usable = {"a", "polled"}
    assert watching.ms_until_silent("polled", price=100.2, limit_ms=4_000) is None


def test_the_gap_over_the_beginning_of_a_part_of_the_day_is_nobodys() -> None:
    watching = Watching()
    for session in (Session.AFTER, Session.REGULAR):
        watching.watch.begin(session)
        watching.warm()
    assert watching.ms_until_silent(limit_ms=60_000) is None
    watching.watch.begin(Session.AFTER)
    for _ in range(5):
        watching.tick("b", price=101.0)
        assert watching.silent() == set()
    suspicion = watching.watch.suspicion("a")
    assert suspicion is not None
    assert suspicion.evidence.silent_ms == 250


def test_a_polled_price_that_only_repeats_blames_nobody() -> None:
    watching = Watching().warm()
    assert watching.ms_until_silent("polled") is None


def test_the_word_of_an_unusable_provider_does_not_count() -> None:
    watching = Watching().warm()
    watching.usable = {"a"}
    assert watching.ms_until_silent("b", "polled") is None


def test_our_own_standstill_of_twenty_seconds_blames_nobody() -> None:
    watching = Watching().warm()
    watching.tick("b", "polled", price=100.5, after_ms=20_000)
    assert watching.silent() == set()
    assert watching.watch.stalls == 1
    for _ in range(10):
        watching.tick("a", "b")
    assert watching.silent() == set()


def test_what_waited_while_we_stood_still_is_not_the_providers_delay() -> None:
    watching = Watching().warm()
    feed = watching.feeds["a"]
    feed.note_frame(NOON_NS, 20_000 * NS_PER_MS)
    watching.tick("a", "b", after_ms=20_000)
    assert feed.delays_ns() == []
    feed.note_frame(NOON_NS, 19_000 * NS_PER_MS)
    watching.tick("a", "b")
    assert feed.delays_ns() == [], "the rest of what waited"
    for _ in range(60):
        watching.tick("a", "b")
    feed.note_frame(NOON_NS, 3 * NS_PER_MS)
    assert feed.delays_ns()[-1] == 3 * NS_PER_MS


def test_one_that_speaks_again_is_silent_no_more_and_the_outage_is_not_usual() -> None:
    watching = Watching().warm()
    usual = watching.watch.suspicion("a")
    assert watching.ms_until_silent("b") is not None
    for _ in range(200):
        watching.tick("b")
    watching.tick("a", "b")
    assert watching.silent() == set()
    again = watching.watch.suspicion("a")
    assert usual is not None
    assert again is not None
    assert usual.evidence.usual_gap_ms == again.evidence.usual_gap_ms


def test_a_polled_provider_is_not_watched() -> None:
    assert Watching().warm().watch.suspicion("polled") is None


def test_a_stream_that_falls_behind_is_found_within_three_seconds() -> None:
    watching = Watching().warm()
    for step in range(60):
        watching.tick("a", "b", late_ms=10.0 * step)  # a drip: 0.2 s later each second
        if watching.silent():
            break
    assert watching.silent() == {"a"}
    assert "falls behind" in (watching.verdicts["a"] or "")


def test_source_times_that_stand_still_are_found_within_three_seconds() -> None:
    watching = Watching().warm()
    for step in range(60):
        watching.tick("a", "b", late_ms=50.0 * step)
        if watching.silent():
            break
    assert watching.silent() == {"a"}
    assert watching.elapsed_ms <= 60 * TICK_MS + 3_000


def test_source_times_that_stand_still_everywhere_are_nobodys_fault() -> None:
    watching = Watching().warm()
    for _ in range(100):
        watching.frames_of_one_time("a", "b")
        assert watching.silent() == set()


def test_those_of_one_stream_are_its_own_fault_though_a_polled_provider_is_all_there_is() -> None:
    watching = Watching().warm()
    watching.usable = {"a", "polled"}
    for _ in range(50):
        watching.frames_of_one_time("a")
    assert watching.silent() == {"a"}
    suspicion = watching.watch.suspicion("a")
    assert suspicion is not None
    assert suspicion.score.standing > 1


def test_a_stream_without_heartbeat_is_found_if_others_are_heard() -> None:
    watching = Watching().warm()
    watching.heard_ms = {"a": 10_500.0, "b": 20.0}
    watching.tick("b")
    assert watching.silent() == {"a"}
    watching.heard_ms = {"a": 10_500.0, "b": 10_600.0}
    watching.tick("b")
    assert watching.silent() == set(), "nobody is heard: we are cut off ourselves"

"""The ledger: what is durable, what several processes see, what a crash leaves, and what a broken file says."""

from pathlib import Path

import pytest

from firmquote.budget import LIFETIME_NS, Ask, Limits, Moment, ProviderBudget, Purpose, Refusal, limits_in_force
from firmquote.errors import CorruptStoreError, MissingStoreError
from firmquote.model import NS_PER_S, ProviderLimits, Window
from firmquote.store import Grant, Ledger, compact, forget_ledger, open_ledger, spent_by_symbol, spent_since
from firmquote.testing.clock import NOON_NS

DAY_NS = 86_400 * NS_PER_S


def limits(**plan: int) -> dict[str, Limits]:
    own = ProviderBudget(**plan)  # type: ignore[arg-type]  # numbers only
    return {"a": limits_in_force(ProviderLimits(), own, reserve_pct=0, provider="a")}


def at(seconds: float, *, boot: str = "boot") -> Moment:
    return Moment(NOON_NS + int(seconds * NS_PER_S), 1_000 * NS_PER_S + int(seconds * NS_PER_S), boot)


def ask(*symbols: str, purpose: Purpose = Purpose.ORDINARY) -> Ask:
    return Ask(provider="a", purpose=purpose, symbols=symbols or ("IBM",))


def granted(ledger: Ledger, seen: Moment, *asks: Ask) -> list[Grant]:
    return [answer for answer in ledger.reserve(asks or [ask()], seen) if isinstance(answer, Grant)]


def used(ledger: Ledger, seen: Moment, window: Window = Window.DAY) -> int:
    return next(usage.requests for usage in ledger.usage(seen)[1]["a"][0] if usage.window is window)


def test_a_reservation_counts_from_the_moment_it_is_made(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path / "l", limits(requests_per_day=3), at(0))
    assert len(granted(ledger, at(0), *[ask()] * 5)) == 3
    refusal = ledger.reserve([ask()], at(1))[0]
    assert isinstance(refusal, Refusal)
    assert "3 of 3 requests of the day are spent" in refusal.words


def test_what_never_left_is_given_back_and_what_left_is_not(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path / "l", limits(requests_per_day=5, requests_per_minute=5), at(0))
    first, second = granted(ledger, at(0), ask(), ask())
    ledger.note_sent([second.id])
    ledger.release([first, second])
    assert used(ledger, at(1)) == 1
    assert used(ledger, at(1), Window.MINUTE) == 1


def test_an_answered_request_frees_its_minute_a_minute_after_its_answer(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path / "l", limits(requests_per_minute=1), at(0))
    (grant,) = granted(ledger, at(0))
    ledger.settle([(grant, 1)], at(4))
    assert granted(ledger, at(63.9)) == []
    assert len(granted(ledger, at(64))) == 1


def test_a_request_without_an_answer_frees_its_minute_only_when_it_can_no_longer_arrive(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path / "l", limits(requests_per_minute=1), at(0))
    granted(ledger, at(0))
    assert granted(ledger, at(89)) == []
    assert len(granted(ledger, at(LIFETIME_NS / NS_PER_S + 60))) == 1


def test_a_crash_leaves_the_spend_counted(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path / "l", limits(requests_per_day=3), at(0))
    granted(ledger, at(0), ask(), ask())
    ledger.close()  # as the system does for a process that was killed
    again = open_ledger(tmp_path / "l", limits(requests_per_day=3), at(600))
    assert len(granted(again, at(600), ask(), ask())) == 1


def test_after_a_reboot_the_last_minute_counts_from_the_start(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path / "l", limits(requests_per_minute=1), at(0))
    (grant,) = granted(ledger, at(0))
    ledger.settle([(grant, 1)], at(0.1))
    ledger.close()
    rebooted = Moment(NOON_NS + 30 * NS_PER_S, 5 * NS_PER_S, "second boot")
    again = open_ledger(tmp_path / "l", limits(requests_per_minute=1), rebooted)
    later = Moment(NOON_NS + 89 * NS_PER_S, 64 * NS_PER_S, "second boot")
    assert granted(again, later) == []
    freed = Moment(NOON_NS + 91 * NS_PER_S, 65 * NS_PER_S, "second boot")
    assert len(granted(again, freed)) == 1


def test_two_processes_see_each_others_spend(tmp_path: Path) -> None:
    one = open_ledger(tmp_path / "l", limits(requests_per_day=3), at(0))
    two = open_ledger(tmp_path / "l", limits(requests_per_day=3), at(0))
    assert [len(granted(ledger, at(1))) for ledger in (one, two, one, two, one)] == [1, 1, 1, 0, 0]


def test_a_pause_holds_every_process_and_a_shorter_one_does_not_end_it(tmp_path: Path) -> None:
    one = open_ledger(tmp_path / "l", limits(requests_per_day=9), at(0))
    two = open_ledger(tmp_path / "l", limits(requests_per_day=9), at(0))
    one.pause("a", 10 * NS_PER_S, "slow down", at(0))
    one.pause("a", 2 * NS_PER_S, "a little", at(1))
    refusal = two.reserve([ask()], at(9))[0]
    assert isinstance(refusal, Refusal)
    assert (refusal.words, refusal.wait_ns) == ("slow down", NS_PER_S)
    assert len(granted(two, at(10))) == 1


def test_what_the_provider_counted_more_than_we_did_is_believed(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path / "l", limits(requests_per_minute=10), at(0))
    granted(ledger, at(0), *[ask()] * 2)
    assert ledger.absorb("a", Window.MINUTE, 8, at(1)) == 6
    assert ledger.absorb("a", Window.MINUTE, 7, at(1)) == 0
    assert len(granted(ledger, at(2), *[ask()] * 5)) == 2


def test_a_clock_that_jumps_ahead_opens_no_new_day_until_a_provider_confirms_it(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path / "l", limits(requests_per_day=1), at(0))
    granted(ledger, at(0))
    jumped = Moment(NOON_NS + DAY_NS, 1_001 * NS_PER_S, "boot")
    assert granted(ledger, jumped) == []
    ledger.confirm_time(NOON_NS + DAY_NS, jumped)
    assert len(granted(ledger, jumped)) == 1


def test_compaction_keeps_every_sum(tmp_path: Path) -> None:
    plan = limits(requests_per_day=100, requests_per_month=1_000)
    ledger = open_ledger(tmp_path / "l", plan, at(0))
    grants = granted(ledger, at(0), ask("IBM"), ask("IBM", "SPY"), ask("SPY", purpose=Purpose.OPERATOR))
    ledger.settle([(grant, 1) for grant in grants], at(1))
    before = spent_by_symbol(ledger.database, NOON_NS - DAY_NS)
    assert [(s.symbol, s.purpose, s.requests) for s in before] == [
        ("IBM", Purpose.ORDINARY, 1.5),
        ("SPY", Purpose.OPERATOR, 1.0),
        ("SPY", Purpose.ORDINARY, 0.5),
    ]
    assert compact(ledger.database, NOON_NS + DAY_NS) == 0
    assert compact(ledger.database, NOON_NS + 3 * DAY_NS) == 3
    after = spent_by_symbol(ledger.database, NOON_NS - DAY_NS)
    assert [(s.symbol, s.purpose, s.requests) for s in after] == [(s.symbol, s.purpose, s.requests) for s in before]
    assert spent_since(ledger.database, "a", 0) == 0
    assert used(ledger, at(3), Window.MONTH) == 3
    assert (tmp_path / "l.bak").exists()


def test_a_ledger_that_is_gone_is_not_begun_anew_without_an_operators_word(tmp_path: Path) -> None:
    path = tmp_path / "l"
    open_ledger(path, limits(requests_per_day=1), at(0)).close()
    path.unlink()
    with pytest.raises(MissingStoreError, match="nobody knows what was spent.*begin-anew"):
        open_ledger(path, limits(requests_per_day=1), at(0))
    forget_ledger(path)
    assert len(granted(open_ledger(path, limits(requests_per_day=1), at(0)), at(0))) == 1


def test_a_ledger_that_is_taken_away_while_open_grants_nothing(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path / "l", limits(requests_per_day=9), at(0))
    (tmp_path / "l").unlink()
    with pytest.raises(MissingStoreError, match="deleted or replaced"):
        ledger.reserve([ask()], at(1))


def test_a_damaged_ledger_is_put_aside_and_begun_anew_by_an_operators_word(tmp_path: Path) -> None:
    path = tmp_path / "l"
    path.write_bytes(b"no ledger at all" * 1_000)
    with pytest.raises(CorruptStoreError):
        open_ledger(path, limits(requests_per_day=1), at(0))
    aside = forget_ledger(path)
    assert [file.name for file in aside] == ["l.put-aside"]
    open_ledger(path, limits(requests_per_day=1), at(0)).close()

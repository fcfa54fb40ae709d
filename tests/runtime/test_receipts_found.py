"""Receipts in their sealed log: found by their number, or said how to be found."""

import re
from pathlib import Path

import pytest
from msgspec import Struct
from msgspec.structs import replace
from tests.decision.builders import advice, desk, view
from typer.testing import CliRunner

from firmquote.cli.decisions import decisions
from firmquote.decision import DecisionConfig
from firmquote.errors import FirmquoteError
from firmquote.runtime.ledgers import CHAIN_NAME, Ledgers, find_receipt
from firmquote.store import Chain
from firmquote.testing.clock import NOON_NS


class Strange(Struct, tag="strange"):
    words: str = "of a newer version"


def write(directory: Path, *, positive: float = 0.35) -> int:
    """Open the files, decide once, close them; returns the decision's number."""
    made = desk(config=DecisionConfig(positive=positive))
    ledgers = Ledgers(directory, made.rules, now_ns=NOON_NS)
    made.next_number = ledgers.restored.next_number
    made.engine.advise(advice(0.5))
    made.on_view(view(), NOON_NS)
    batch = replace(made.take_batch(), orders=(), account=None)
    for sealed in ledgers.seal(batch, NOON_NS):
        ledgers.write(batch, sealed)
    ledgers.close()
    return batch.receipts[0].decision.id


def test_a_receipt_is_found_with_the_rules_of_then_and_without_reading_the_others(tmp_path: Path) -> None:
    first = write(tmp_path)
    with Chain(tmp_path, CHAIN_NAME) as chain:
        chain.append([Strange()], NOON_NS)
    second = write(tmp_path, positive=0.4)
    assert (first, second) == (2, 5)
    for number, positive in ((first, 0.35), (second, 0.4)):
        receipt, rules = find_receipt(tmp_path, number)
        assert (receipt.decision.id, rules.config.positive) == (number, positive)
        assert rules.version == receipt.config_version


def test_a_receipt_that_is_not_there_is_looked_for_in_ways_that_exist(tmp_path: Path) -> None:
    write(tmp_path)
    with pytest.raises(FirmquoteError, match="decision 7: ") as error:
        find_receipt(tmp_path, 7)
    options = re.findall(r"--[a-z-]+", str(error.value))
    known = CliRunner().invoke(decisions, ["why", "--help"], env={"COLUMNS": "200"}).output
    assert options
    assert [option for option in options if option not in known] == []


def test_a_receipt_whose_rules_were_lost_says_so(tmp_path: Path) -> None:
    number = write(tmp_path)
    (path,) = tmp_path.glob(f"{CHAIN_NAME}-*.jsonl")
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[1:]))
    with pytest.raises(FirmquoteError, match="decided under is missing"):
        find_receipt(tmp_path, number)

"""Connection slots: one process each, and free again when it ends."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from firmquote.errors import StoreError
from firmquote.store import slot_holder, take_slot

HOLD = (
    "import sys; from pathlib import Path; from firmquote.store import take_slot; "
    "slot = take_slot(Path(sys.argv[1]), 'a', 1); print(slot is not None, flush=True); sys.stdin.read()"
)


def test_a_slot_that_another_process_holds_is_taken_when_that_was_killed(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"True\n"
        assert take_slot(tmp_path, "a", 1) is None
        assert slot_holder(tmp_path, "a") == str(other.pid)
        other.send_signal(signal.SIGKILL)
    slot = take_slot(tmp_path, "a", 1)
    assert slot is not None
    assert slot_holder(tmp_path, "a") == str(os.getpid())
    slot.release()


def test_there_are_as_many_slots_as_the_provider_allows(tmp_path: Path) -> None:
    first, second = take_slot(tmp_path, "a", 2), take_slot(tmp_path, "a", 2)
    assert first is not None
    assert second is not None
    assert take_slot(tmp_path, "a", 2) is None
    with second:
        pass
    assert take_slot(tmp_path, "a", 2) is not None
    assert slot_holder(tmp_path, "nobody") == "unknown"


def test_a_place_that_cannot_hold_slots_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="file"):
        take_slot(tmp_path / "file", "a", 1)

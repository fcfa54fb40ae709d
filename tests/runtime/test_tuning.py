import gc
import os
import sys
import threading

import pytest

from firmquote.errors import ConfigError
from firmquote.runtime import MachineSection
from firmquote.runtime.tuning import PRIORITY, SWITCH_S, tuned

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has what is asked for")


def may_be_first() -> bool:
    try:
        with tuned(MachineSection(realtime=True)):
            return True
    except ConfigError:
        return False


def test_python_is_set_for_a_gateway_only_while_it_runs() -> None:
    before = sys.getswitchinterval(), gc.get_threshold()
    with tuned(MachineSection()):
        assert abs(sys.getswitchinterval() - SWITCH_S) < 1e-6
        assert gc.get_threshold()[0] == before[1][0], "the young are collected as before"
        assert gc.get_threshold()[1] > 1_000_000
    assert before == (sys.getswitchinterval(), gc.get_threshold())


@linux
def test_a_gateway_keeps_to_its_processor_while_it_runs() -> None:
    before = os.sched_getaffinity(0)
    number = max(before)
    with tuned(MachineSection(processor=number)):
        assert os.sched_getaffinity(0) == {number}
    assert os.sched_getaffinity(0) == before


@linux
def test_a_processor_that_there_is_not_is_refused_with_those_there_are() -> None:
    with (
        pytest.raises(ConfigError, match=r"machine.processor: 4095 is not among .* Choose one of: \d"),
        tuned(MachineSection(processor=4095)),
    ):
        pass


@linux
@pytest.mark.skipif(not may_be_first(), reason="this user may not have real-time priority (CAP_SYS_NICE)")
def test_the_event_loop_goes_first_and_threads_that_it_starts_do_not() -> None:
    before = os.sched_getscheduler(0)
    policies = []
    with tuned(MachineSection(realtime=True)):
        assert os.sched_getscheduler(0) == os.SCHED_RR | os.SCHED_RESET_ON_FORK
        assert os.sched_getparam(0).sched_priority == PRIORITY
        thread = threading.Thread(target=lambda: policies.append(os.sched_getscheduler(0)))
        thread.start()
        thread.join()
    assert policies == [os.SCHED_OTHER]
    assert os.sched_getscheduler(0) == before


@linux
def test_whoever_may_not_go_first_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "sched_setscheduler", refuse)
    with (
        pytest.raises(ConfigError, match="machine.realtime: .* Give it CAP_SYS_NICE"),
        tuned(MachineSection(realtime=True)),
    ):
        pass

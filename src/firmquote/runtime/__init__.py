"""The only assembler: clock, configuration, sockets, tasks; effects are carried out here."""

from firmquote.runtime.advising import Advice, advise
from firmquote.runtime.clock import SystemClock
from firmquote.runtime.config import Config, LogSection, MachineSection
from firmquote.runtime.demo import DEMO_PROVIDERS, KEY_NAME, demo_config
from firmquote.runtime.explaining import explain_symbol
from firmquote.runtime.front import state_dir, token_path
from firmquote.runtime.gateway import Gateway
from firmquote.runtime.loading import load_config
from firmquote.runtime.logs import begin_logging, logging_as
from firmquote.runtime.registry import load_provider, provider_names
from firmquote.runtime.replay import Difference, ReplayReport, compare, replay_day, time_of_day
from firmquote.runtime.running import run_gateway, run_until_stopped
from firmquote.runtime.spending import ledger_path
from firmquote.runtime.tracing import tracing

__all__ = [
    "DEMO_PROVIDERS",
    "KEY_NAME",
    "Advice",
    "Config",
    "Difference",
    "Gateway",
    "LogSection",
    "MachineSection",
    "ReplayReport",
    "SystemClock",
    "advise",
    "begin_logging",
    "compare",
    "demo_config",
    "explain_symbol",
    "ledger_path",
    "load_config",
    "load_provider",
    "logging_as",
    "provider_names",
    "replay_day",
    "run_gateway",
    "run_until_stopped",
    "state_dir",
    "time_of_day",
    "token_path",
    "tracing",
]

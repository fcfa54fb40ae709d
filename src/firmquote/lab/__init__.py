"""The lab: simulators that speak the providers' protocols on loopback, driven by real ticks.

They are written from the dossiers and share no decoding or encoding code with `firmquote.providers`, so that a shared
mistake cannot hide; the providers' official clients are their judges.
"""

from firmquote.lab.faults import ActiveFault, Fault, FaultSet, SimQuote
from firmquote.lab.market import Market
from firmquote.lab.player import Player
from firmquote.lab.reference import ReferenceBook
from firmquote.lab.schedule import ScheduledFault, load_schedule
from firmquote.lab.serve import KINDS, Lab, LabConfig
from firmquote.lab.simulator import HOST, LAB_KEY, Simulator, SimulatorConfig
from firmquote.lab.tape import DEMO_TAPE, Tape, TapeQuote, TapeTrade, load_tape

__all__ = [
    "DEMO_TAPE",
    "HOST",
    "KINDS",
    "LAB_KEY",
    "ActiveFault",
    "Fault",
    "FaultSet",
    "Lab",
    "LabConfig",
    "Market",
    "Player",
    "ReferenceBook",
    "ScheduledFault",
    "SimQuote",
    "Simulator",
    "SimulatorConfig",
    "Tape",
    "TapeQuote",
    "TapeTrade",
    "load_schedule",
    "load_tape",
]

"""What stops Firmquote at once: kill switches and what they forbid. Pure: every call is told what time it is."""

from firmquote.safety.hotpath import GuardPolicy, GuardReading, GuardState, HotpathGuard
from firmquote.safety.permission import Permission, permit
from firmquote.safety.rates import RatePolicy, Rates
from firmquote.safety.restrictions import ALL, NO_RESTRICTIONS, PLAIN_NAMES, QUOTES, Restrictions, restrict
from firmquote.safety.switches import Engagement, Source, Switchboard, SwitchChange, SwitchPolicy

__all__ = [
    "ALL",
    "NO_RESTRICTIONS",
    "PLAIN_NAMES",
    "QUOTES",
    "Engagement",
    "GuardPolicy",
    "GuardReading",
    "GuardState",
    "HotpathGuard",
    "Permission",
    "RatePolicy",
    "Rates",
    "Restrictions",
    "Source",
    "SwitchChange",
    "SwitchPolicy",
    "Switchboard",
    "permit",
    "restrict",
]

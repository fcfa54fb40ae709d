"""What shall go wrong when: faults with their seconds, from a YAML or JSON file."""

from collections.abc import Collection, Sequence
from difflib import get_close_matches
from math import isfinite
from pathlib import Path

import msgspec
from msgspec import Struct

from firmquote.errors import ConfigError
from firmquote.lab.faults import DEFAULT_MAGNITUDE, Fault
from firmquote.runtime.loading import explain

FAULTS_MAX = 1_000
PAGE = "docs/how-to/faults.md"


class ScheduledFault(Struct, frozen=True, kw_only=True):
    """One fault of one provider, `at_s` seconds after the lab began to play."""

    at_s: float
    provider: str
    fault: Fault
    for_s: float | None = None
    """`None` lasts until the end."""
    symbols: frozenset[str] = frozenset()
    """Empty means all."""
    magnitude: float | None = None
    """In the fault's own unit; `None` is its default."""

    def overlaps(self, other: "ScheduledFault") -> bool:
        """Say whether both would be the same provider's same fault at one moment."""
        if (self.provider, self.fault) != (other.provider, other.fault):
            return False
        first, second = sorted((self, other), key=lambda one: one.at_s)
        return first.for_s is None or first.at_s + first.for_s > second.at_s


class _Line(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    at_s: float
    provider: str
    fault: str
    for_s: float | None = None
    symbols: tuple[str, ...] = ()
    magnitude: float | None = None


class _File(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    faults: tuple[_Line, ...]


def load_schedule(path: Path) -> tuple[ScheduledFault, ...]:
    """Read `path`, whose only key `faults` is a list of faults in any order.

    Raises:
        ConfigError: unreadable, an unknown key or fault (with the nearest known one), a value of a wrong type.
    """
    try:
        file = msgspec.yaml.decode(path.read_bytes(), type=_File)  # JSON is YAML
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}). Name a schedule, as in {PAGE}.") from error
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {explain(error, _File, page=PAGE)}") from error
    except msgspec.DecodeError as error:
        raise ConfigError(f"{path}: is not valid YAML: {' '.join(str(error).split())}") from error
    return tuple(_read(line, f"{path}: faults[{number}]") for number, line in enumerate(file.faults))


def check_schedule(
    schedule: Sequence[ScheduledFault], providers: Collection[str], symbols: Collection[str]
) -> tuple[ScheduledFault, ...]:
    """Return the schedule in order of time.

    Raises:
        ConfigError: a provider that the lab does not simulate, a symbol that is not on the tape, a time that is none,
            a magnitude where the fault has none, the same fault twice at one moment, or too many.
    """
    if len(schedule) > FAULTS_MAX:
        raise ConfigError(f"the schedule has {len(schedule)} faults. At most {FAULTS_MAX} are played.")
    for number, one in enumerate(schedule):
        where = f"schedule: faults[{number}]"
        if one.provider not in providers:
            raise ConfigError(f"{where}.provider: {_nearest(one.provider, providers, 'simulator')}")
        for symbol in sorted(one.symbols - set(symbols)):
            raise ConfigError(f"{where}.symbols: {_nearest(symbol, symbols, 'symbol of the tape')}")
        if not (isfinite(one.at_s) and one.at_s >= 0):
            raise ConfigError(f"{where}.at_s: {one.at_s:g} is no second after the start. Write 0 or more.")
        if one.for_s is not None and not (isfinite(one.for_s) and one.for_s > 0):
            raise ConfigError(f"{where}.for_s: {one.for_s:g} is no duration. Write more than 0, or leave it out.")
        if one.magnitude is not None and one.fault not in DEFAULT_MAGNITUDE:
            raise ConfigError(f"{where}.magnitude: {one.fault.value} has none. Leave it out.")
        for earlier, other in enumerate(schedule[:number]):
            if one.overlaps(other):
                raise ConfigError(
                    f"{where}: {one.fault.value} of {one.provider} is still on since faults[{earlier}]. "
                    "Let that end before, with for_s."
                )
    return tuple(sorted(schedule, key=lambda one: one.at_s))


def _read(line: _Line, where: str) -> ScheduledFault:
    names = {fault.value: fault for fault in Fault}
    if line.fault not in names:
        raise ConfigError(f"{where}.fault: {_nearest(line.fault, names, 'fault')}")
    return ScheduledFault(
        at_s=line.at_s,
        provider=line.provider,
        fault=names[line.fault],
        for_s=line.for_s,
        symbols=frozenset(line.symbols),
        magnitude=line.magnitude,
    )


def _nearest(seen: str, known: Collection[str], what: str) -> str:
    near = get_close_matches(seen, known, n=1)
    hint = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(sorted(known))}."
    return f"{seen!r} is no {what}. {hint}"

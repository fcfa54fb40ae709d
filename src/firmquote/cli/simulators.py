"""From options of the form NAME=VALUE to a configuration of the lab."""

from collections.abc import Mapping, Sequence

import typer

from firmquote.lab import KINDS, LabConfig, SimulatorConfig

PORT_MAX = 65_535
DELAY_MS_MAX = 10_000.0


def usual_port(provider: str) -> int:
    """Return where a provider's simulator listens for people."""
    if provider not in KINDS:
        raise typer.BadParameter(f"{provider}: no such simulator. Choose one of: {', '.join(KINDS)}.")
    return KINDS[provider].port


def lab_config(
    speed: float, *, ports: Mapping[str, int], delays_ms: Mapping[str, float] | None = None, free: Sequence[str] = ()
) -> LabConfig:
    """Return the configuration of all simulators; who is not in `ports` listens where it usually does."""
    for name in free:
        usual_port(name)
    delays_ms = delays_ms or {}
    simulators = {
        name: SimulatorConfig(
            port=ports.get(name, kind.port), wire_delay_ms=delays_ms.get(name, 0.0), free_plan=name in free
        )
        for name, kind in KINDS.items()
    }
    return LabConfig(simulators=simulators, speed=speed)


def read_ports(given: Sequence[str]) -> dict[str, int]:
    """Return port by simulator, from `polygon=9001`."""
    ports = {name: _number("--port", name, text, PORT_MAX) for name, text in _pairs(given)}
    return {name: int(port) for name, port in ports.items()}


def read_delays_ms(given: Sequence[str]) -> dict[str, float]:
    """Return milliseconds by simulator, from `polygon=2.5`."""
    return {name: _number("--wire-delay", name, text, DELAY_MS_MAX) for name, text in _pairs(given)}


def _pairs(given: Sequence[str]) -> list[tuple[str, str]]:
    pairs = [(name, text) for name, _, text in (one.partition("=") for one in given)]
    for name, _ in pairs:
        usual_port(name)
    return pairs


def _number(option: str, name: str, text: str, number_max: float) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= number_max:
        raise typer.BadParameter(
            f"{option} {name}={text}: write a number from 0 to {number_max:g}, e.g. {option} {name}=0."
        )
    return number

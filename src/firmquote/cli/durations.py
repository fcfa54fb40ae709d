"""Durations as people type them."""

import re

from firmquote.errors import ConfigError

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_SHAPE = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>ms|s|m|h|d)?")


def parse_seconds(text: str) -> float:
    """Return the seconds of `10s`, `500ms`, `5m`, `1h`, `2d` or a bare number of seconds.

    Raises:
        ConfigError: it is none.
    """
    found = _SHAPE.fullmatch(text.strip())
    if found is None:
        raise ConfigError(f"{text!r} is no duration. Write e.g. 10s, 500ms, 5m, 1h or 2d.")
    return float(found["number"]) * _UNITS[found["unit"] or "s"]

"""Times as providers write them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from firmquote.model import NS_PER_MS, NS_PER_S

_EASTERN = ZoneInfo("America/New_York")


def eastern(now_ns: int) -> datetime:
    """Return the wall clock of New York, to the millisecond."""
    seconds, rest_ns = divmod(now_ns, NS_PER_S)
    moment = datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest_ns // NS_PER_MS * 1_000)
    return moment.astimezone(_EASTERN)


def rfc3339_eastern(now_ns: int) -> str:
    """Return e.g. `2022-04-28T16:48:08-04:00`."""
    return eastern(now_ns).isoformat(timespec="seconds")


def rfc3339_nano(now_ns: int) -> str:
    """Return e.g. `2021-02-22T15:51:45.3356Z`: as many of nine digits as it needs, as Go writes it."""
    seconds, rest_ns = divmod(now_ns, NS_PER_S)
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return text + f".{rest_ns:09d}".rstrip("0").rstrip(".") + "Z"

"""`firmquote wait`: until something is so, or a deadline passes; what scripts and drills measure by."""

from collections.abc import Callable
from typing import Annotated, Any

import typer

from firmquote.cli.client import DEFAULT_URL, fetch
from firmquote.cli.durations import parse_seconds
from firmquote.cli.printing import Json, Url, print_json
from firmquote.errors import NotRunningError
from firmquote.model import USABLE_GRADES

LOOK_EVERY_S = 0.05
_HEALTH = "/healthz/providers"


def _providers(url: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = fetch(url, _HEALTH)["providers"]
    return found


def _grades(url: str) -> set[str]:
    return {quote["grade"] for quote in fetch(url, "/v1/quotes")}


def _firing(url: str) -> set[str]:
    return {alert["name"] for alert in fetch(url, "/v1/alerts")["alerts"] if alert["state"] != "resolved"}


CONDITIONS: dict[str, tuple[str, Callable[[str, str], bool]]] = {
    "active": ("NAME serves", lambda url, name: fetch(url, _HEALTH)["active_provider"] == name),
    "not-active": ("NAME no longer serves", lambda url, name: fetch(url, _HEALTH)["active_provider"] != name),
    "healthy": (
        "provider NAME is healthy",
        lambda url, name: any(p["name"] == name and p["status"] == "healthy" for p in _providers(url)),
    ),
    "up": (
        "provider NAME could serve: it is healthy, or degraded by what its window still remembers",
        lambda url, name: any(p["name"] == name and p["status"] in ("healthy", "degraded") for p in _providers(url)),
    ),
    "grade": ("every symbol has grade NAME", lambda url, name: _grades(url) == {name}),
    "usable": ("every symbol can be acted on", lambda url, _: _grades(url) <= USABLE_GRADES),
    "stage": ("the rollout is at stage NAME", lambda url, name: fetch(url, "/v1/rollout")["stage"] == name),
    "alert": ("alert NAME fires", lambda url, name: name in _firing(url)),
    "no-alert": ("alert NAME does not fire", lambda url, name: name not in _firing(url)),
}


def wait(
    condition: Annotated[str, typer.Argument(help=f"One of {', '.join(CONDITIONS)}; with =NAME where one is needed.")],
    within: Annotated[str, typer.Option(help="How long at most, e.g. 10s.")] = "30s",
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Wait until something is so, and say how long it took; exit 1 when the time is over."""
    import time  # noqa: PLC0415 - a command that measures

    word, _, name = condition.partition("=")
    if word not in CONDITIONS:
        raise typer.BadParameter(f"{word}: choose one of {', '.join(CONDITIONS)}.")
    holds = CONDITIONS[word][1]
    began_s = time.monotonic()  # noqa: TID251 - as above
    while not (met := _ask(holds, url, name)) and time.monotonic() - began_s < parse_seconds(within):  # noqa: TID251 - as above
        time.sleep(LOOK_EVERY_S)  # noqa: TID251 - as above
    took_s = time.monotonic() - began_s  # noqa: TID251 - as above
    if as_json:
        print_json({"condition": condition, "met": met, "took_s": took_s})
    else:
        typer.echo(f"{condition}: {'after' if met else 'NOT within'} {took_s:.1f} s")
    if not met:
        raise typer.Exit(1)


def _ask(holds: Callable[[str, str], bool], url: str, name: str) -> bool:
    try:
        return holds(url, name)
    except NotRunningError:  # it may be starting
        return False

"""`firmquote restart`: let a new process take over from the one that runs, without a gap."""

import time
from collections.abc import Mapping
from typing import Annotated

import typer

from firmquote.cli.client import DEFAULT_URL, fetch, operator_token
from firmquote.cli.durations import parse_seconds
from firmquote.cli.printing import Json, Url, print_json
from firmquote.errors import FirmquoteError

LOOK_EVERY_S = 0.1


def restart(
    within: Annotated[str, typer.Option(help="How long the new process may take, e.g. 60s.")] = "60s",
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Start a new process that warms up and takes over; if it fails, the old one goes on."""
    before = fetch(url, "/healthz")
    found = fetch(url, "/v1/restart", body={}, token=operator_token(url))
    began_s = time.monotonic()  # noqa: TID251 - the runtime, which owns the clock, takes half a second to import
    while (now := fetch(url, "/healthz"))["pid"] != found["new_pid"]:
        if time.monotonic() - began_s > parse_seconds(within):  # noqa: TID251 - as above
            raise FirmquoteError(
                f"process {found['new_pid']} has not taken over within {within}; {found['old_pid']} goes on. "
                "The gateway's log says why."
            )
        time.sleep(LOOK_EVERY_S)  # noqa: TID251 - as above
    took_s = time.monotonic() - began_s  # noqa: TID251 - as above
    if as_json:
        print_json({**found, "old_version": _version(before), "new_version": _version(now), "took_s": took_s})
    else:
        new, old = (f"process {each['pid']} (version {_version(each) or 'unknown'})" for each in (now, before))
        typer.echo(f"{new} has taken over from {old} after {took_s:.1f} s.")


def _version(health: Mapping[str, str]) -> str | None:
    """Return which version answered; an older gateway does not say."""
    return health.get("version")

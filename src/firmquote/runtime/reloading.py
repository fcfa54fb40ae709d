"""Reloads the configuration: validated first, then taken as a whole; what needs a restart is said and left as it is."""

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import structlog
from msgspec import structs

from firmquote.errors import FirmquoteError, RefusedError
from firmquote.model.safety import AuditRecord, Caller, ReloadedKey, ReloadView
from firmquote.runtime.config import Config
from firmquote.runtime.loading import build_normalizer, load_config, open_provider

if TYPE_CHECKING:
    from firmquote.runtime.gateway import Gateway

AT_RUN_TIME = (
    "feeds.quotes.shadow_mode",
    "feeds.quotes.canary_symbols",
    "feeds.quotes.priority_symbols",
    "feeds.quotes.promotion_gates",
    "quality.grading",
    "rollout",
    "safety.release_needs_second_operator",
    "safety.second_operator_within_s",
    "safety.dead_man_s",
    "safety.dead_man_all_s",
    "hotpath",
    "serve.requests",
)
"""Keys, with all below them, that a running gateway takes; any other needs a restart."""
_log = structlog.get_logger("firmquote")


class Reloading:
    """Knows where the configuration came from."""

    def __init__(self, gateway: "Gateway", path: Path | None, environ: Mapping[str, str]) -> None:
        self._gateway = gateway
        self._path = path
        self._environ = environ

    async def reload(self, caller: Caller) -> ReloadView:
        """Read the file again and take what can be taken now.

        Raises:
            RefusedError: there is no file.
            ConfigError: the file is not good; nothing was changed.
        """
        if self._path is None:
            raise RefusedError("this gateway has no configuration file: there is nothing to reload.")
        new = await asyncio.to_thread(load_config, self._path)
        self._check(new)
        old = self._gateway.config
        changed = _differences(old, new)
        now = [key for key in changed if _is_taken(key.key)]
        later = tuple(key.key for key in changed if not _is_taken(key.key))
        if now:
            self._take(_merged(old, new))
        for key in now:
            self._note(caller, key)
        if later:
            _log.warning("reload", needs_restart=list(later))
        persisted = await self._gateway.safety.keeper.written()
        return ReloadView(changed=tuple(now), needs_restart=later, persisted=persisted)

    async def on_signal(self) -> None:
        """Reload, by SIGHUP: whatever is wrong is said in the log, and nothing is changed."""
        try:
            found = await self.reload(Caller("signal", "SIGHUP"))
        except FirmquoteError as error:
            _log.error("reload", trouble=str(error))
        else:
            _log.info("reload", changed=[key.key for key in found.changed], needs_restart=list(found.needs_restart))

    def _check(self, new: Config) -> None:
        order = new.provider_order()
        normalizer = build_normalizer(order, new.symbols)
        for name in order:
            open_provider(name, new, self._environ, normalizer)

    def _take(self, config: Config) -> None:
        gateway = self._gateway
        gateway.config = config
        gateway.board.grading = config.quality.grading.at(gateway.session)
        gateway.safety.reconfigure(config)

    def _note(self, caller: Caller, key: ReloadedKey) -> None:
        record = AuditRecord(
            what="configuration",
            target=key.key,
            who=caller.who,
            where=caller.where,
            why="reload",
            before=key.before,
            after=key.after,
        )
        self._gateway.safety.keeper.audit(record)


def _differences(old: Config, new: Config) -> list[ReloadedKey]:
    before, after = dict(_leaves("", msgspec.to_builtins(old))), dict(_leaves("", msgspec.to_builtins(new)))
    return [
        ReloadedKey(key=key, before=before.get(key, "none"), after=after.get(key, "none"))
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
    ]


def _leaves(path: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for name, below in value.items():
            yield from _leaves(f"{path}.{name}" if path else str(name), below)
    else:
        yield path, msgspec.json.encode(value).decode()


def _is_taken(key: str) -> bool:
    return any(key == taken or key.startswith(f"{taken}.") for taken in AT_RUN_TIME)


def _merged(old: Config, new: Config) -> Config:
    quotes = new.feeds.quotes
    kept = structs.replace(
        old.feeds.quotes,
        shadow_mode=quotes.shadow_mode,
        canary_symbols=tuple(s for s in quotes.canary_symbols if s in old.feeds.quotes.live_symbols_allowlist),
        priority_symbols=tuple(s for s in quotes.priority_symbols if s in old.feeds.quotes.live_symbols_allowlist),
        promotion_gates=quotes.promotion_gates,
    )
    return structs.replace(
        old,
        feeds=structs.replace(old.feeds, quotes=kept),
        quality=structs.replace(old.quality, grading=new.quality.grading),
        rollout=new.rollout,
        safety=structs.replace(new.safety, file=old.safety.file),
        hotpath=new.hotpath,
        serve=structs.replace(old.serve, requests=new.serve.requests),
    )

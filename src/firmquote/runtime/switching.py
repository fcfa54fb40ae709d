"""Kill switches at work: where they are pulled, what they do at once, and what is remembered of them.

From an order to its effect there is no await, no lock, no file, no database and no provider: the board obeys before
`engage` returns, and everything that waits for a disk comes after.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import structlog
from msgspec import Struct

from firmquote.errors import ConfigError, StoreError
from firmquote.model import NS_PER_S, Clock
from firmquote.model.safety import AuditRecord, Caller, HeldView, SwitchesView, SwitchOutcome, SwitchView
from firmquote.runtime.keeper import Keeper
from firmquote.runtime.watchfile import WatchedFile
from firmquote.safety import PLAIN_NAMES, Engagement, Restrictions, Source, Switchboard, SwitchChange, SwitchPolicy

STATE = "switches.json"
FILE = "switches"
VARIABLES = {
    "DISABLE_LIVE_QUOTES": "quotes",
    "DISABLE_LIVE_HALTS": "halts",
    "DISABLE_LIVE_NEWS": "news",
    "DISABLE_DECISIONS": "decisions",
    "FORCE_MOCK": "force_mock",
}
LIST_VARIABLE = "FIRMQUOTE_SWITCHES"
_YES, _NO = frozenset({"1", "true", "yes", "on"}), frozenset({"", "0", "false", "no", "off"})
_log = structlog.get_logger("firmquote")


class SwitchState(Struct, frozen=True):
    """What is stored."""

    engagements: tuple[Engagement, ...]


class Switchgear:
    """Owns the switchboard of the process. All methods run in the event loop's thread."""

    def __init__(
        self,
        policy: SwitchPolicy,
        *,
        providers: Sequence[str],
        symbols: Sequence[str],
        keeper: Keeper,
        clock: Clock,
        apply: Callable[[Restrictions, Sequence[SwitchChange]], None],
    ) -> None:
        self._clock = clock
        self._apart_ns = clock.now_ns() - clock.monotonic_ns()
        self.board = Switchboard(policy, providers=providers, symbols=symbols, now_ns=self.now_ns())
        self._keeper = keeper
        self._apply = apply
        self._file: WatchedFile | None = None

    def now_ns(self) -> int:
        """Return wall time as it was at the start plus what passed since: a step of the clock releases nothing."""
        return self._apart_ns + self._clock.monotonic_ns()

    # -- the beginning and the end

    def restore(self, directory: Path, environ: Mapping[str, str]) -> None:
        """Take up what was engaged when the last process ended, what the environment says, and what the file says."""
        try:
            stored = self._keeper.read(STATE, SwitchState)
        except StoreError as error:
            self._done(
                self.board.distrust(Source.STATE, str(error), now_ns=self.now_ns()), where=str(directory / STATE)
            )
        else:
            if stored is not None:
                self._done(self.board.restore(stored.engagements), where=str(directory / STATE))
        self._read_environment(environ)
        policy = self.board.policy
        path = Path(policy.file).expanduser() if policy.file is not None else directory / FILE
        self._file = WatchedFile(path, self._clock, self._on_file)
        self._file.look()

    def watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Follow the file from now on."""
        if self._file is not None:
            self._file.start(loop.call_soon_threadsafe)

    def close(self) -> None:
        """Stop following the file."""
        if self._file is not None:
            self._file.stop()

    # -- orders

    def engage(
        self, name: str, *, source: Source, caller: Caller, reason: str, for_s: float | None = None
    ) -> list[SwitchChange]:
        """Pull a switch; the board obeys before this returns. Raises ConfigError for an unknown name."""
        for_ns = None if for_s is None else int(for_s * NS_PER_S)
        return self._done(
            self.board.engage(name, source=source, by=caller.who, reason=reason, now_ns=self.now_ns(), for_ns=for_ns),
            where=caller.where,
        )

    def release(self, name: str, *, caller: Caller, reason: str) -> list[SwitchChange]:
        """Let go of a switch. Raises ConfigError or RefusedError where that cannot be."""
        return self._done(
            self.board.release(name, by=caller.who, reason=reason, now_ns=self.now_ns()), where=caller.where
        )

    async def order(
        self, name: str, *, engaged: bool, caller: Caller, reason: str, for_s: float | None
    ) -> SwitchOutcome:
        """Carry out an operator's order, and wait a moment for the disk before answering."""
        accepted_ns = self._clock.now_ns()
        if engaged:
            changes = self.engage(name, source=Source.API, caller=caller, reason=reason, for_s=for_s)
        else:
            changes = self.release(name, caller=caller, reason=reason)
        effective_ns = self._clock.now_ns()
        persisted = await self._keeper.written()
        return SwitchOutcome(
            switch=self.switch(name),
            changed=any(change.kind != "proposed" for change in changes),
            persisted=persisted,
            accepted_ns=accepted_ns,
            effective_ns=effective_ns,
            words=self._words(name, changes),
        )

    def renew(self, caller: Caller) -> None:
        """Somebody is alive."""
        self.board.renew(self.now_ns())
        _log.debug("lease", by=caller.who, where=caller.where)

    def advance(self) -> None:
        """Let time pass: expiry, the dead man's lease, a file that hangs."""
        now_ns = self.now_ns()
        self._done(self.board.advance(now_ns), where="time")
        if self._file is not None and self._file.hung():
            words = f"{self._file.path} has not answered for 5 s"
            self._done(self.board.distrust(Source.FILE, words, now_ns=now_ns), where=str(self._file.path))

    # -- telling

    def switch(self, name: str) -> SwitchView:
        """Return one switch. Raises ConfigError for an unknown one."""
        self.board.check(name)
        held = tuple(_held(e) for e in self.board.engaged() if e.name == name)
        proposal = self.board.proposals().get(name)
        return SwitchView(
            name=name, engaged=bool(held), held=held, release_proposed_by=None if proposal is None else proposal.by
        )

    def view(self) -> SwitchesView:
        """Return all that are engaged, and those that always exist."""
        engaged = {e.name for e in self.board.engaged()}
        names = [*PLAIN_NAMES, *sorted(engaged & set(self.board.names()) - set(PLAIN_NAMES))]
        r = self.board.restrictions
        forbidden = {
            "live_quotes": r.live_off,
            "decisions": r.decisions_off,
            "opening": r.live_off or r.decisions_off or r.halts_off or r.reduce_only,
            "news": r.news_off,
        }
        return SwitchesView(
            switches=tuple(self.switch(name) for name in names),
            forbidden=forbidden,
            lease_left_s=self.board.lease_left_s(self.now_ns()),
            persisted=self._keeper.trouble is None and self._keeper.pending == 0,
            trouble=self._keeper.trouble,
        )

    # -- how

    def _done(self, changes: list[SwitchChange], *, where: str) -> list[SwitchChange]:
        if changes:
            self._apply(self.board.restrictions, changes)
            for change in changes:
                self._keeper.audit(_record(change, where))
            self._keeper.save(STATE, SwitchState(self.board.engaged()))
            self._keeper.flush()
        return changes

    def _read_environment(self, environ: Mapping[str, str]) -> None:
        names = [name.strip() for name in environ.get(LIST_VARIABLE, "").split(",") if name.strip()]
        for variable, name in VARIABLES.items():
            said = environ.get(variable, "").strip().lower()
            if said in _YES:
                names.append(name)
            elif said not in _NO:
                self._distrust_environment(f"{variable} is {said!r}: neither true nor false")
                return
        if names:
            where = "the environment"
            now_ns = self.now_ns()
            try:
                changes = self.board.state(Source.ENVIRONMENT, names, where=where, now_ns=now_ns)
            except ConfigError as error:
                self._distrust_environment(f"{LIST_VARIABLE}: {error}")
            else:
                self._done(changes, where=where)

    def _distrust_environment(self, words: str) -> None:
        changes = self.board.distrust(Source.ENVIRONMENT, words, now_ns=self.now_ns())
        self._done(changes, where="the environment")

    def _on_file(self, names: tuple[str, ...], trouble: str | None) -> None:
        assert self._file is not None
        where, now_ns = str(self._file.path), self.now_ns()
        say = partial(self._done, where=where)
        if trouble is not None:
            say(self.board.distrust(Source.FILE, trouble, now_ns=now_ns))
            return
        try:
            say(self.board.state(Source.FILE, names, where=where, now_ns=now_ns))
        except ConfigError as error:
            say(self.board.distrust(Source.FILE, f"{where}: {error}", now_ns=now_ns))

    def _words(self, name: str, changes: Sequence[SwitchChange]) -> str:
        if not changes:
            return f"{name} was engaged already"
        kind = changes[0].kind
        if kind == "proposed":
            return f"{name} stays engaged until a second operator releases it too"
        return f"{name} is {kind}"


def _held(engagement: Engagement) -> HeldView:
    return HeldView(
        source=engagement.source.value,
        by=engagement.by,
        reason=engagement.reason,
        at_ns=engagement.at_ns,
        expires_ns=engagement.expires_ns,
    )


def _record(change: SwitchChange, where: str) -> AuditRecord:
    before, after = ("engaged", "released") if change.kind in ("released", "expired") else (None, change.kind)
    return AuditRecord(
        what=f"switch {change.kind}",
        target=change.name,
        who=change.by,
        where=where,
        why=change.reason,
        before=before,
        after=after,
    )

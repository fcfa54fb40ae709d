"""A gateway with its faults, two receivers of its alerts, and what every alert must show there."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

import httpx
from msgspec import Struct, structs
from tests.runtime.receivers import Mailbox, Webhook, mailbox, webhook
from tests.scenarios.gateway import Scenario, scenario, with_state_dir

from firmquote.lab import LabConfig
from firmquote.model import Clock
from firmquote.publish.alerting import AlertPolicy, ChannelPolicy
from firmquote.runtime import DEMO_PROVIDERS, Config

NIGHT_S = 300
STORIES_MAX = 7
"""Gateways in one event loop at one time; more would keep each other waiting on a busy machine."""
QUICK = AlertPolicy(
    group_wait_s=0.2, resolve_after_s=1.5, restart_grace_s=4, rate_max=1_000, rate_over_s=4, disk_free_mb_min=0,
    probe_every_s=1, audit_verify_every_s=0.5,
    after_s={
        **dict.fromkeys(("provider_degraded", "provider_unfit", "cut_off", "own_clock_wrong"), 0),
        **dict.fromkeys(("state_unwritable", "ledger_unusable"), 1.5),  # a look between an order and the disk is none
        "symbols_unusable": 3,  # longer than a start takes
    },
)  # fmt: skip
_FIRED = re.compile(r"^(?:WARNING|CRITICAL) (\w+)(?: (\S+))? \(alert (\d+)\)$", re.MULTILINE)
_OVER = re.compile(r"^RESOLVED (\w+)(?: (\S+))? \(alert (\d+)\)", re.MULTILINE)
_LINK = re.compile(r"^Do this: (\S+)$", re.MULTILINE)
INCIDENTS = frozenset({"process_stalled", "quotes_refused"})
"""A machine that stands still may bring about more than one, as where it loses a stream meanwhile: each is told once."""
MAIL_ONLY = frozenset({"channel_failing"})
"""Of the webhook, which cannot tell of itself."""


class Told(Struct, frozen=True):
    """One alert in one message."""

    name: str
    subject: str
    number: str


class Inbox:
    """Both receivers, for as many gateways as a night has."""

    def __init__(self, mail: Mailbox, hook: Webhook) -> None:
        self.mail = mail
        self.hook = hook
        self.link_texts: dict[str, str] = {}
        """What each link answered while its gateway ran."""

    def by_mail(self, *, over: bool = False) -> list[Told]:
        return _told([text.replace("\r", "") for _, text in self.mail.mails], over=over)

    def by_hook(self, *, over: bool = False) -> list[Told]:
        return _told([text for _, text in self.hook.notices], over=over)

    def links(self) -> set[str]:
        return {link for _, text in self.mail.mails for link in _LINK.findall(text.replace("\r", ""))}

    def is_at_rest(self) -> bool:
        """Whether both channels have told the end of everything of which they told the beginning."""
        return all(set(told()) == set(told(over=True)) for told in (self.by_mail, self.by_hook)) and len(
            self.mail.mails
        ) == len(self.hook.notices)

    def check(self, names: Sequence[str]) -> None:
        """Each alert came once through each channel, led to its section, and was told once as over."""
        for name in names:
            for channel, told in (("mail", self.by_mail), ("webhook", self.by_hook)):
                if channel == "webhook" and name in MAIL_ONLY:
                    continue
                fired = [one for one in told() if one.name == name]
                over = [one for one in told(over=True) if one.name == name]
                assert fired, f"{name}: nothing came by {channel}"
                about = [one.number if name in INCIDENTS else one.subject for one in fired]
                assert len(set(about)) == len(about), f"{name}: told {len(about)} times by {channel}: {fired}"
                ended = [one.number for one in over]  # of one that ended before it could be told, the end alone is told
                assert len(set(ended)) == len(ended), (name, channel)
                assert {one.number for one in fired} <= set(ended), (name, channel)
            text = self.link_texts[name]
            assert text.startswith(f"### {name}\n"), f"{name}: its link leads elsewhere"
            assert "**Do this.**" in text
            assert "**It worked**" in text


Story = Callable[[Inbox, Path], Awaitable[None]]
"""Something that goes wrong, somewhere to keep its state, and who is told."""


class Watch:
    """A running gateway, and who is told of it."""

    def __init__(self, running: Scenario, inbox: Inbox, url: str, state: Path) -> None:
        self.running = running
        self.lab = running.lab
        self.gateway = running.gateway
        self.inbox = inbox
        self.url = url
        self.state = state

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 0

    @property
    def directory(self) -> Path:
        """Where this gateway keeps what outlives it."""
        return self.state / f"gateway-{self.port}"

    async def until_all_is_well(self) -> None:
        """What the start itself set off is over, and is nobody's fault."""
        inbox = self.inbox
        await self.running.until(lambda: not self.gateway.alerting.desk.firing() and inbox.is_at_rest())
        inbox.mail.mails.clear()
        inbox.hook.notices.clear()

    async def until_fired(self, *names: str) -> None:
        """Both channels have it, and its link answers."""
        await self.running.until(lambda: set(names) <= self._everywhere(over=False))
        async with httpx.AsyncClient() as client:
            for link in self.inbox.links():
                name = link.rsplit("/", 1)[1]
                if name in names:
                    answer = await client.get(link)
                    assert answer.status_code == 200, link
                    self.inbox.link_texts[name] = answer.text

    async def until_over(self, *names: str) -> None:
        """Both channels have told the end of each, and of all of them that they told of."""

        def is_over() -> bool:
            told = [self.inbox.by_mail, self.inbox.by_hook]
            open_ones = [set(channel()) - set(channel(over=True)) for channel in told]
            return set(names) <= self._everywhere(over=True) and not any(
                one.name in names for still_open in open_ones for one in still_open
            )

        await self.running.until(is_over)

    def headers(self) -> dict[str, str]:
        """Return what says that it is the operator."""
        (token,) = self.state.glob(f"operator-{self.port}.token")
        return {"Authorization": f"Bearer {token.read_text()}"}

    async def order(self, path: str, body: Mapping[str, object] = MappingProxyType({})) -> httpx.Response:
        """Give an order as the operator does."""
        async with httpx.AsyncClient(base_url=self.url, headers=self.headers()) as client:
            answer = await client.post(path, json=dict(body))
        assert answer.is_success, answer.text
        return answer

    def _everywhere(self, *, over: bool) -> set[str]:
        by_mail = {one.name for one in self.inbox.by_mail(over=over)}
        by_hook = {one.name for one in self.inbox.by_hook(over=over)}
        return by_mail & (by_hook | MAIL_ONLY)


@asynccontextmanager
async def receivers() -> AsyncIterator[Inbox]:
    async with mailbox() as mail, webhook() as hook:
        yield Inbox(mail, hook)


@asynccontextmanager
async def watched(
    inbox: Inbox,
    place: Path,
    *,
    policy: AlertPolicy = QUICK,
    change: Callable[[Config], Config] = lambda config: config,
    providers: Sequence[str] = DEMO_PROVIDERS,
    lab: LabConfig | None = None,
    clock: Clock | None = None,
    port: int = 0,
    ready: bool = True,
) -> AsyncIterator[Watch]:
    """Run a gateway that keeps its state in `place` and tells `inbox`."""
    for name, address in (("mail", inbox.mail.address), ("hook", inbox.hook.address)):
        (place / name).write_text(address)
    channels = {
        name: structs.replace(policy.channels.get(name, ChannelPolicy(env="")), env=None, file=str(place / name))
        for name in ("mail", "hook")
    }
    with_state = with_state_dir(place / "state")

    def all_changes(config: Config) -> Config:
        rollout = structs.replace(config.rollout, start="shadow")  # where a slow start rolls nothing back
        config = with_state(change(structs.replace(config, rollout=rollout)))
        return structs.replace(
            config,
            alerts=structs.replace(policy, channels=channels),
            serve=structs.replace(config.serve, port=port),
        )

    async with (
        scenario(deadline_s=NIGHT_S, change=all_changes, providers=providers, lab=lab, clock=clock) as running,
        running.gateway.serve() as url,
    ):
        night = Watch(running, inbox, url, place / "state")
        if ready:
            await running.until(lambda: running.gateway.report.not_ready() is None)
        if ready and not port:
            await night.until_all_is_well()
        yield night


async def all_at_once(place: Path, stories: Mapping[str, Story]) -> None:
    """Let every story happen, several at once, each with its own receivers: they wait far more than they work."""
    room = asyncio.Semaphore(STORIES_MAX)

    async def tell(name: str, story: Story) -> None:
        own = place / str(list(stories).index(name))
        own.mkdir()
        async with room, receivers() as inbox:
            try:
                await story(inbox, own)
            except Exception as error:
                error.add_note(f"{name}: by mail {inbox.by_mail()}, over {inbox.by_mail(over=True)}")
                raise

    ends = await asyncio.gather(*(tell(*one) for one in stories.items()), return_exceptions=True)
    failed = [end for end in ends if isinstance(end, Exception)]
    if failed:
        raise ExceptionGroup("some stories went wrong", failed)


def _told(texts: Sequence[str], *, over: bool) -> list[Told]:
    pattern = _OVER if over else _FIRED
    return [Told(*found) for text in texts for found in pattern.findall(text)]

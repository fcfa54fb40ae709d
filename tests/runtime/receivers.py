"""Where alerts arrive: a real SMTP server and a real webhook receiver on loopback."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.header import decode_header, make_header

from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session
from tests.patience import PATIENCE_S


class Mailbox:
    """Accepts every mail."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, str]] = []
        self.port = 0

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        mail = message_from_bytes(envelope.content if isinstance(envelope.content, bytes) else b"")
        subject = str(make_header(decode_header(mail["Subject"])))
        for part in mail.walk():
            if part.get_content_type() == "text/plain":
                text = part.get_payload(decode=True)
                assert isinstance(text, bytes)
                self.mails.append((subject, text.decode()))
        return "250 OK"

    @property
    def address(self) -> str:
        """The Apprise address that leads here."""
        return f"mailto://127.0.0.1:{self.port}/?from=firmquote@desk.example&to=night@desk.example&mode=insecure&format=text"


class Webhook:
    """Accepts every notice, unless it is told to be broken."""

    def __init__(self) -> None:
        self.notices: list[tuple[str, str]] = []
        self.noticed = asyncio.Event()
        self.broken = False
        self.port = 0

    async def first_notice(self) -> str:
        """Wait for it and return its text."""
        async with asyncio.timeout(PATIENCE_S):
            await self.noticed.wait()
        return self.notices[0][1]

    async def take(self, request: web.Request) -> web.Response:
        if self.broken:
            return web.Response(status=503)
        notice = json.loads(await request.text())
        self.notices.append((notice["title"], notice["message"]))
        self.noticed.set()
        return web.Response()

    @property
    def address(self) -> str:
        """The Apprise address that leads here."""
        return f"json://127.0.0.1:{self.port}/alerts"


@asynccontextmanager
async def mailbox() -> AsyncIterator[Mailbox]:
    """Run an SMTP server while the block runs."""
    box = Mailbox()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(box, hostname="localhost"), "127.0.0.1", 0)
    box.port = server.sockets[0].getsockname()[1]
    try:
        yield box
    finally:
        server.close()


@asynccontextmanager
async def webhook() -> AsyncIterator[Webhook]:
    """Run a webhook receiver while the block runs."""
    hook = Webhook()
    app = web.Application()
    app.add_routes([web.post("/alerts", hook.take)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    hook.port = runner.addresses[0][1]
    try:
        yield hook
    finally:
        await runner.cleanup()

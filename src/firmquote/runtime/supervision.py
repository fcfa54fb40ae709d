"""Tells systemd what it wants to know (sd_notify): ready, alive, stopping. Elsewhere there is nobody to tell."""

import asyncio
import os
import socket
from collections.abc import Mapping
from contextlib import AsyncExitStack

from firmquote.model import Clock

NS_PER_US = 1_000


class Supervisor:
    """Speaks to NOTIFY_SOCKET where there is one (https://www.freedesktop.org/software/systemd/man/sd_notify.html)."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._ready = False
        watchdog_us = environ.get("WATCHDOG_USEC", "")
        mine = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        self.watchdog_ns = int(watchdog_us) * NS_PER_US if watchdog_us.isdecimal() and mine else None

    def hand_over(self, pid: int) -> None:
        """Say that another process is the service from now on; ours says nothing more."""
        self.tell(f"MAINPID={pid}")
        self._address = ""

    def tell(self, words: str) -> None:
        """Send one state, for example `READY=1`; a supervisor that does not listen is no reason to stop."""
        if not self._address:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as speaking:
            try:
                speaking.sendto(words.encode(), self._address)
            except OSError:
                return

    def say_ready(self, stack: AsyncExitStack, clock: Clock) -> None:
        """Say that we are ready, and then that we live, until `stack` is left; only the first call does anything.

        It is said from the event loop: a loop that stands still is not alive, whatever its process does.
        """
        if self._ready:
            return
        self._ready = True
        self.tell("READY=1")
        stack.callback(self.tell, "STOPPING=1")
        if self.watchdog_ns is not None:
            alive = asyncio.create_task(self._live(clock, self.watchdog_ns // 2))
            stack.callback(alive.cancel)

    async def _live(self, clock: Clock, every_ns: int) -> None:
        while True:
            self.tell("WATCHDOG=1")
            await clock.sleep_until(clock.monotonic_ns() + every_ns)

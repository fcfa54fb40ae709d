"""Waits for a connection slot before a stream connects, and keeps it until the process ends."""

from hashlib import blake2b
from pathlib import Path

from firmquote.errors import StoreError
from firmquote.model import NS_PER_S, Clock, Secret
from firmquote.runtime.stream import LineOwner, Stream
from firmquote.store import Slot, slot_holder, take_slot

LOOK_NS = NS_PER_S // 10
"""How often a slot is looked for while others hold all."""


class SlotGate:
    """One stream's way in."""

    def __init__(
        self, provider: str, url: str, key: Secret | None, slots: int, directory: Path, owner: LineOwner, clock: Clock
    ) -> None:
        account = f"{url} {'' if key is None else key.reveal()}".encode()
        self._name = f"{provider}-{blake2b(account, digest_size=4).hexdigest()}"
        self._provider = provider
        self._slots = slots
        self._directory = directory
        self._owner = owner
        self._clock = clock
        self._slot: Slot | None = None
        self.waits = False
        """Whether others hold all slots."""

    async def run(self, stream: Stream) -> None:
        """Run a stream while a slot is held."""
        await self._enter()
        try:
            await stream.run()
        finally:
            if self._slot is not None:
                self._slot.release()
                self._slot = None

    async def _enter(self) -> None:
        while self._slot is None:
            try:
                self._slot = take_slot(self._directory, self._name, self._slots)
            except StoreError:
                break  # better two streams, of which one is evicted and says so, than none
            if self._slot is None:
                if not self.waits:
                    self.waits = True
                    holder = slot_holder(self._directory, self._name)
                    words = f"{self._provider}: process {holder} holds the connection that this key may have"
                    self._owner.on_lost(self._provider, words)
                await self._clock.sleep_until(self._clock.monotonic_ns() + LOOK_NS)
        self.waits = False

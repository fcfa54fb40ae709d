"""Who is let in: knows the tokens of the moment. Implements `publish.Access`."""

import asyncio
import hmac
from collections import OrderedDict
from hashlib import sha256
from pathlib import Path

import structlog

from firmquote.errors import StoreError
from firmquote.model import Clock, Secret
from firmquote.model.access import Identity, Scope
from firmquote.runtime.tokens import TokenFile, TokenRecord, fits, read_tokens
from firmquote.safety import RatePolicy, Rates

PROVEN_MAX = 256
"""Tokens whose hash was computed once; from then on they cost nothing."""
HASHES_AT_ONCE = 2
ORDERS_MAX = 10_000
"""Keys of orders that were carried out; beyond it the oldest is forgotten."""
FAILURES = RatePolicy(per_s=0.5, burst=20)
"""Wrong tokens from one address: beyond it, no hash is computed for it for a while."""
_log = structlog.get_logger("firmquote")


class Door:
    """All methods run in the event loop's thread; only `refresh` and unknown tokens wait, in threads of their own."""

    def __init__(self, clock: Clock, requests: RatePolicy) -> None:
        self.refused = 0
        self._clock = clock
        self._requests = Rates(requests)
        self._failures = Rates(FAILURES)
        self._own: Secret | None = None
        self._directory: Path | None = None
        self._tokens = TokenFile()
        self._proven: OrderedDict[bytes, TokenRecord] = OrderedDict()
        self._orders: OrderedDict[str, None] = OrderedDict()
        self._hashing = asyncio.Semaphore(HASHES_AT_ONCE)

    def open(self, directory: Path, own: Secret) -> None:
        """Let in `own`, of this process's operator, and the tokens of `directory`.

        Raises:
            StoreError: they cannot be read.
        """
        self._directory, self._own = directory, own
        self._tokens = read_tokens(directory)

    @property
    def has_tokens(self) -> bool:
        """Whether there is a good token beside this process's own."""
        return any(record.is_good(self._clock.now_ns()) for record in self._tokens.tokens)

    def reconfigure(self, requests: RatePolicy) -> None:
        """Allow other rates from now on."""
        self._requests = Rates(requests)

    async def refresh(self) -> None:
        """Read the tokens again; those that cannot be read stay as they were, and that is said."""
        if self._directory is None:
            return
        try:
            tokens = await asyncio.to_thread(read_tokens, self._directory)
        except StoreError as error:
            _log.error("tokens", trouble=str(error))
            return
        if tokens != self._tokens:
            self._tokens = tokens
            self._proven.clear()

    # -- publish.Access

    async def identify(self, token: str, client: str) -> Identity | None:
        """Return whose token it is, or `None`."""
        if self._own is not None and hmac.compare_digest(token.encode(), self._own.reveal().encode()):
            return Identity("operator", Scope.ADMIN)
        digest = sha256(token.encode()).digest()
        record = self._proven.get(digest) or await self._prove(token, digest, client)
        if record is None or not record.is_good(self._clock.now_ns()):
            self.refused += 1
            return None
        return Identity(record.name, record.scope)

    def wait_s(self, client: str) -> float:
        """Return how long `client` must wait before its next request; 0 when it may ask now."""
        return self._requests.take(client, self._clock.monotonic_ns())

    def is_new_order(self, key: str) -> bool:
        """Say whether no order with this key was carried out; from now on there was one."""
        if key in self._orders:
            return False
        self._orders[key] = None
        if len(self._orders) > ORDERS_MAX:
            self._orders.popitem(last=False)
        return True

    # -- how

    async def _prove(self, token: str, digest: bytes, client: str) -> TokenRecord | None:
        record = self._tokens.find(token)
        now_ns = self._clock.monotonic_ns()
        if record is None or self._failures.wait_s(client, now_ns) > 0:
            return None
        async with self._hashing:
            if not await asyncio.to_thread(fits, record, token):
                self._failures.take(client, now_ns)
                return None
        if record not in self._tokens.tokens:
            return None  # revoked meanwhile
        self._proven[digest] = record
        if len(self._proven) > PROVEN_MAX:
            self._proven.popitem(last=False)
        return record

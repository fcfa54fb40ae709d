"""Who is let in: knows the tokens of the moment. Implements `publish.Access`."""

import asyncio
import hmac
from collections import OrderedDict
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import structlog

from firmquote.errors import FirmquoteError, RefusedError, StoreError
from firmquote.model import NS_PER_S, Clock, Secret
from firmquote.model.access import Identity, Scope
from firmquote.runtime.tokens import TokenFile, TokenRecord, fits, read_tokens
from firmquote.safety import RatePolicy, Rates

PROVEN_MAX = 256
"""Tokens whose hash was computed once; from then on they cost nothing."""
HASHES_AT_ONCE = 2
KEY_S = 300
"""A key that was made longer ago, or lies further ahead of our clock, is refused; so long it must be remembered."""
KEYS_MAX = 100_000
"""Keys of orders that are remembered; one more order is refused."""
SECONDS_DIGITS_MAX = 11
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
        self._orders: OrderedDict[str, int] = OrderedDict()
        """Key → until when it is remembered, oldest first."""
        self._since_ns = clock.now_ns()
        """Keys that were made before may have been used: nobody here knows of it."""
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

    def orders(self) -> tuple[dict[str, int], int]:
        """Return the keys of orders that were carried out, and since when they are known."""
        return dict(self._orders), self._since_ns

    def take_up(self, orders: Mapping[str, int], since_ns: int) -> None:
        """Remember what another process carried out."""
        self._orders.update(orders)
        self._since_ns = since_ns

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
        """Say whether no order with this key was carried out; from now on there was one.

        Raises:
            FirmquoteError: the key does not say when it was made.
            RefusedError: that was too long ago to know.
        """
        now_ns, made_ns = self._clock.now_ns(), _made_ns(key)
        while self._orders and next(iter(self._orders.values())) <= now_ns:
            self._orders.popitem(last=False)
        if key in self._orders:
            return False
        off_s = (now_ns - made_ns) / NS_PER_S
        if made_ns < self._since_ns or abs(off_s) > KEY_S:
            raise RefusedError(
                f"the order was made {off_s:.1f} s ago by its idempotency-key, before this gateway started or outside "
                f"of {KEY_S} s: whether it was carried out is not known. Look, and give it anew with a new key."
            )
        if len(self._orders) >= KEYS_MAX:
            raise RefusedError(f"{KEYS_MAX} orders within minutes: no more is taken until their time is over.")
        self._orders[key] = now_ns + 2 * KEY_S * NS_PER_S
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


def _made_ns(key: str) -> int:
    seconds, _, rest = key.partition("-")
    whole, _, fraction = seconds.partition(".")
    digits = whole + fraction
    if not (whole and rest and digits.isascii() and digits.isdecimal() and len(whole) <= SECONDS_DIGITS_MAX):
        raise FirmquoteError(
            f"{key[:100]}: no idempotency-key. Write SECONDS-RANDOM, the time at which the order was made and "
            "something new, e.g. $(date +%s.%N)-$RANDOM."
        )
    return int(whole) * NS_PER_S + int(fraction[:9].ljust(9, "0"))

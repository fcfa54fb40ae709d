"""Tokens of the API on disk: named, scoped, with an end, and stored as argon2 hashes only.

A token is `fq_<id>_<secret>`; the id finds its record, so that exactly one hash is computed for each unknown token.
"""

import fcntl
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from msgspec import Struct

from firmquote.errors import ConfigError
from firmquote.model import NS_PER_S, Secret
from firmquote.model.access import Scope
from firmquote.store import read_state, write_state

FILE = "tokens.json"
TOKENS_MAX = 256
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_SHAPE = re.compile(r"fq_(?P<id>[0-9a-f]{12})_(?P<secret>[A-Za-z0-9_-]{43})")
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
"""OWASP's least for argon2id; the secret has 256 bits, so that the hash only has to hide it."""


class TokenRecord(Struct, frozen=True, kw_only=True):
    """One token, without it."""

    id: str
    name: str
    scope: Scope
    hash: str
    created_ns: int
    expires_ns: int | None
    revoked_ns: int | None = None

    def is_good(self, now_ns: int) -> bool:
        """Say whether it opens anything at `now_ns`."""
        return self.revoked_ns is None and (self.expires_ns is None or now_ns < self.expires_ns)


class TokenFile(Struct, frozen=True):
    """What is stored."""

    tokens: tuple[TokenRecord, ...] = ()

    def find(self, token: str) -> TokenRecord | None:
        """Return the record that `token` claims to belong to."""
        found = _SHAPE.fullmatch(token)
        if found is None:
            return None
        return next((record for record in self.tokens if record.id == found["id"]), None)


def read_tokens(directory: Path) -> TokenFile:
    """Return the tokens of `directory`. Raises StoreError where they cannot be read."""
    return read_state(directory / FILE, TokenFile) or TokenFile()


def create_token(directory: Path, name: str, scope: Scope, *, for_s: float | None, now_ns: int) -> Secret:
    """Make a token and return it; it can never be shown again.

    Raises:
        ConfigError: the name is taken or cannot be one, or there are too many tokens.
    """
    if NAME.fullmatch(name) is None:
        raise ConfigError(f"{name!r} is no name of a token. Use letters, digits, dot, dash, underscore and @.")
    with _changing(directory) as tokens:
        if any(record.name == name and record.is_good(now_ns) for record in tokens):
            raise ConfigError(f"there is a token named {name} already. Revoke it, or choose another name.")
        kept = [record for record in tokens if record.is_good(now_ns)]
        if len(kept) >= TOKENS_MAX:
            raise ConfigError(f"there are {TOKENS_MAX} tokens, which is the most. Revoke some.")
        identifier = secrets.token_hex(6)
        token = f"fq_{identifier}_{secrets.token_urlsafe(32)}"
        tokens[:] = [
            *kept,
            TokenRecord(
                id=identifier,
                name=name,
                scope=scope,
                hash=_HASHER.hash(token),
                created_ns=now_ns,
                expires_ns=None if for_s is None else now_ns + int(for_s * NS_PER_S),
            ),
        ]
    return Secret(token)


def revoke_token(directory: Path, name: str, *, now_ns: int) -> None:
    """End a token now. Raises ConfigError where there is none of that name."""
    with _changing(directory) as tokens:
        kept = [record for record in tokens if record.name != name or not record.is_good(now_ns)]
        if len(kept) == len(tokens):
            known = ", ".join(record.name for record in tokens if record.is_good(now_ns)) or "none"
            raise ConfigError(f"{name}: no such token. There are: {known}.")
        tokens[:] = kept


def fits(record: TokenRecord, token: str) -> bool:
    """Say whether `token` is the one of `record`; takes tens of milliseconds, on purpose."""
    try:
        return _HASHER.verify(record.hash, token)
    except (Argon2Error, InvalidHashError):
        return False


@contextmanager
def _changing(directory: Path) -> Iterator[list[TokenRecord]]:
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = os.open(directory / f".{FILE}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        tokens = list(read_tokens(directory).tokens)
        yield tokens
        write_state(directory / FILE, TokenFile(tuple(tokens)))
    finally:
        os.close(lock)

"""Keeps secrets out of everything that is written: those that we know, and what has the form of one."""

import re
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

import msgspec

from firmquote.model.provider import Secret

MASK = "***"
PIECE_MIN = 6
"""Shorter pieces of a secret are ordinary words, and masking them would mask everything."""
KNOWN_MAX = 512
"""Pieces that are known; above it the oldest is forgotten."""
DEPTH_MAX = 6
"""What is nested deeper is not written at all."""
_SEPARATORS = re.compile(r"[/:@?&=,\s]+")
_NAMES = r"authorization|(?:x-)?api[-_]?key|apca-api-key-id|apca-api-secret-key|access[-_]?token|token|secret|password"
_SECRET_NAME = re.compile(rf"(?:^|[-_.])(?:{_NAMES}|key)$", re.IGNORECASE)
_FORMS = (
    (re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{6,}", re.IGNORECASE), rf"\1 {MASK}"),
    (re.compile(rf"\b({_NAMES}|key)(=)[^\s&\"'<>,;)\]}}]+", re.IGNORECASE), rf"\1\2{MASK}"),
    (re.compile(rf"([\"'](?:{_NAMES})[\"']\s*[:,=]\s*[\"'])[^\"']+", re.IGNORECASE), rf"\1{MASK}"),
    (
        re.compile(r"\b(authorization|apca-api-[\w-]+|x-api-key):\s*(?!bearer|basic)[^\s\"',]+", re.IGNORECASE),
        rf"\1: {MASK}",
    ),
    (re.compile(r"\bfq_[0-9a-f]{12}_[\w-]{20,}"), MASK),
    (re.compile(r"(\b[a-z][\w+.-]*://)[^\s/@]+@", re.IGNORECASE), rf"\1{MASK}@"),
)
"""Credentials in headers, in a query, in JSON or a repr, our own tokens, and what stands before an address's host."""


class Redactor:
    """Masks in texts, and in whatever holds texts. Learns each secret where it is read."""

    def __init__(self) -> None:
        self._known: dict[str, None] = {}
        self._pattern: re.Pattern[str] | None = None

    def learn(self, secret: Secret) -> Secret:
        """Mask `secret` and its parts from now on, however they are encoded; returns it."""
        plain = secret.reveal()
        host = urlsplit(plain).hostname or "" if "://" in plain else ""
        pieces = [
            plain,
            *(p for p in _SEPARATORS.split(plain) if not (p.lower() == host and ("." in p or p == "localhost"))),
        ]
        for piece in pieces:
            if len(piece) >= PIECE_MIN:
                self._known.update(dict.fromkeys((piece, quote(piece, safe=""), repr(piece)[1:-1])))
        while len(self._known) > KNOWN_MAX:
            del self._known[next(iter(self._known))]
        self._pattern = None
        return secret

    def text(self, text: str) -> str:
        """Return `text` without secrets."""
        if self._pattern is None and self._known:
            longest_first = sorted(self._known, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, longest_first)))
        if self._pattern is not None:
            text = self._pattern.sub(MASK, text)
        for form, instead in _FORMS:
            text = form.sub(instead, text)
        return text

    def value(self, value: object, name: str = "", depth: int = 0) -> object:
        """Return `value`, which the field `name` holds, without secrets; numbers and such stay as they are."""
        if value is None or isinstance(value, bool | int | float):
            return value
        if depth > DEPTH_MAX:
            return MASK
        if isinstance(value, Mapping):
            return {self.text(str(key)): self.value(below, str(key), depth + 1) for key, below in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(below, name, depth + 1) for below in value]
        if isinstance(value, msgspec.Struct) and not isinstance(value, Secret):
            return self.value(msgspec.structs.asdict(value), name, depth + 1)
        if _SECRET_NAME.search(name):
            return MASK
        plain = value.decode(errors="replace") if isinstance(value, bytes | bytearray) else str(value)
        return self.text(plain)


REDACTOR = Redactor()
"""The one of this process: a secret is the same for every log."""

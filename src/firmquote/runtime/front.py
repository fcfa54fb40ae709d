"""The gateway's front: where it listens, who is let in, and where the operator's token is."""

import os
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

from firmquote.errors import ConfigError
from firmquote.model import Secret
from firmquote.model.redaction import REDACTOR
from firmquote.publish import LOOPBACK_NAMES, GatewayView, Tls, bind, serving
from firmquote.runtime.config import Config, ServeSection
from firmquote.runtime.safety import Safety
from firmquote.wire import is_loopback

_log = structlog.get_logger("firmquote")


class Place:
    """Where a gateway listens, and the operator's token that holds there. It may outlive the process that took it."""

    def __init__(self, listening: socket.socket, own: Secret, *, inherited: bool = False) -> None:
        self.listening = listening
        self.own = own
        self.inherited = inherited
        """Whether another process took it, and wrote the token."""
        self.left = False
        """Set when another process goes on here: nobody who is connected is cut off, and the token stays."""

    @classmethod
    def take(cls, config: ServeSection) -> "Place":
        """Begin to hold the configured address. Raises PortInUseError."""
        return cls(bind(config.host, config.port), Secret(secrets.token_urlsafe(32)))

    @property
    def port(self) -> int:
        """The port, also where any was asked for."""
        port: int = self.listening.getsockname()[1]
        return port


@asynccontextmanager
async def front(config: ServeSection, safety: Safety, view: GatewayView, place: Place) -> AsyncIterator[str]:
    """Serve the API, and keep what must outlive the process, while the block runs; yields the base URL.

    Raises:
        ConfigError: others could connect, and nothing keeps them out.
        StoreError: another gateway keeps its state there, or the disk refuses.
    """
    directory, listening, port = expand(config.state_dir), place.listening, place.port
    path = token_path(directory, port)
    try:
        REDACTOR.learn(place.own)
        safety.door.open(directory, place.own)
        check_exposure(config, has_tokens=safety.door.has_tokens)
        if not place.inherited:
            write_token(path, place.own)
        url = f"{'https' if config.tls_key else 'http'}://{config.host}:{port}"
        _log.info("serving", url=url, operator_token_file=str(path))
        others = not is_loopback(config.host)
        with safety.keeping(gateway_dir(directory, port)):
            async with serving(
                view,
                listening,
                access=safety.door,
                hosts=[*LOOPBACK_NAMES, *config.hosts],
                tls=_tls(config),
                access_log=config.access_log,
                read_needs_token=config.read_needs_token or others,
                orders_need_key=config.orders_need_key or others,
                drains=lambda: place.left,
            ):
                yield url
    finally:
        listening.close()
        if not place.left:
            path.unlink(missing_ok=True)


def check_exposure(config: ServeSection, *, has_tokens: bool) -> None:
    """Refuse to listen for others without tokens and TLS.

    Raises:
        ConfigError: says what is missing.
    """
    if is_loopback(config.host):
        return
    if not has_tokens:
        raise ConfigError(
            f"serve.host is {config.host}, so others than this machine can connect, and there is no token. "
            "Make one with `firmquote token create NAME`, or write 127.0.0.1."
        )
    if config.tls_key is None and not config.allow_public_without_tls:
        raise ConfigError(
            f"serve.host is {config.host}, so tokens would travel in the clear. Name serve.tls_certificate and "
            "serve.tls_key; or, behind a proxy that has TLS, set serve.allow_public_without_tls: true."
        )


def state_dir(config: Config) -> Path:
    """Return where this configuration keeps its state."""
    return expand(config.serve.state_dir)


def expand(directory: str) -> Path:
    """Return a path with `~` filled in."""
    return Path(directory).expanduser()


def gateway_dir(directory: Path, port: int) -> Path:
    """Return where the gateway on `port` keeps its switches, its stage and its audit trail."""
    return directory / f"gateway-{port}"


def token_path(directory: Path, port: int) -> Path:
    """Return where the gateway on `port` keeps its operator's token."""
    return directory / f"operator-{port}.token"


def write_token(path: Path, token: Secret) -> None:
    """Write the operator's token where only its owner can read it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(token.reveal())


def _tls(config: ServeSection) -> Tls | None:
    if config.tls_certificate is None or config.tls_key is None:
        return None
    return Tls(config.tls_certificate, config.tls_key)

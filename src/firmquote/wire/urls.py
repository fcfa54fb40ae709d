"""Which addresses may be spoken to without encryption: our own machine's, and no other."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from firmquote.errors import ConfigError

_PLAIN = {"ws": "wss", "http": "https"}


def check_url(url: str, *, schemes: tuple[str, str]) -> None:
    """Accept a URL of the encrypted scheme, or of the plain one to loopback.

    Raises:
        ConfigError: anything else; a key would travel readable.
    """
    parts = urlsplit(url)
    plain, encrypted = schemes
    if not parts.hostname or parts.scheme not in schemes:
        raise ConfigError(f"{url}: not a {encrypted}:// address. Write it as {encrypted}://host/path.")
    if parts.username or parts.password:
        raise ConfigError(f"{parts.scheme}://{parts.hostname}: holds a password. Put secrets in the environment.")
    if parts.scheme == plain and not is_loopback(parts.hostname):
        raise ConfigError(f"{url}: refused, since the key would travel unencrypted. Use {_PLAIN[plain]}:// there.")


def is_loopback(host: str) -> bool:
    """Say whether `host` names this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

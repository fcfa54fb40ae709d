"""Talk to a running gateway: a few requests over loopback, so the standard library is enough."""

import json
import os
import ssl
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from secrets import token_hex
from time import time  # noqa: TID251 - the runtime, which owns the clock, takes half a second to import
from typing import Any
from urllib.parse import SplitResult, urlsplit

from firmquote.errors import BudgetError, ConfigError, FirmquoteError, NotRunningError, UnknownSymbolError

DEFAULT_URL = "http://127.0.0.1:8090"
DEFAULT_STATE = "~/.local/state/firmquote"
CA_VARIABLE = "FIRMQUOTE_CA_FILE"
TIMEOUT_S = 5.0
_ERRORS: dict[int, type[FirmquoteError]] = {404: UnknownSymbolError, 409: ConfigError, 429: BudgetError}


def fetch(url: str, path: str, *, body: object = None, token: str | None = None) -> Any:  # noqa: ANN401 - JSON
    """GET `path` of the gateway at `url`, or POST `body` to it, and return the JSON.

    Raises:
        NotRunningError: nobody answers there.
        FirmquoteError: the gateway refused; its own sentence.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or parts.hostname is None:
        raise ConfigError(f"{url}: not an address of a gateway. Write it as {DEFAULT_URL}.")
    headers = {"User-Agent": "firmquote"}
    token = token or _given_token()  # where others can connect, reading takes one too
    if token:
        headers["Authorization"] = f"Bearer {token}"
    if body is not None:
        headers["Content-Type"] = "application/json"
        headers["Idempotency-Key"] = f"{time():.6f}-{token_hex(16)}"  # whoever records this order cannot give it again
    connection = _connect(parts)
    try:
        payload = None if body is None else json.dumps(body)
        connection.request("GET" if body is None else "POST", path, body=payload, headers=headers)
        answer = connection.getresponse()
        text = answer.read()
    except ssl.SSLCertVerificationError as error:
        raise ConfigError(
            f"{url}: its certificate is not trusted ({error.verify_message}). Name the file with its authority's "
            f"certificate with --ca-file or {CA_VARIABLE}, and the gateway by the name that the certificate is for."
        ) from error
    except (OSError, HTTPException) as error:
        raise NotRunningError(
            f"no gateway answers at {url}. Start one with `firmquote run` or `firmquote demo`, or name it with --url."
        ) from error
    finally:
        connection.close()
    try:
        document = json.loads(text)
    except ValueError:
        raise NotRunningError(f"{url} is no Firmquote gateway: {path} answered {answer.status}.") from None
    # 503 of the health pages is a report, not a refusal.
    if answer.status >= 400 and "detail" in document:
        raise _ERRORS.get(answer.status, FirmquoteError)(document["detail"])
    return document


def _connect(parts: SplitResult) -> HTTPConnection:
    assert parts.hostname is not None
    if parts.scheme == "https":
        return HTTPSConnection(parts.hostname, parts.port or 443, timeout=TIMEOUT_S, context=trusted())
    return HTTPConnection(parts.hostname, parts.port or 80, timeout=TIMEOUT_S)


def _given_token() -> str:
    return os.environ.get("FIRMQUOTE_TOKEN", "").strip()


def trusted() -> ssl.SSLContext:
    """Return what is trusted: the system's authorities, or the one that the operator names. Raises ConfigError."""
    path = os.environ.get(CA_VARIABLE, "")
    try:
        return ssl.create_default_context(cafile=path or None)
    except OSError as error:
        raise ConfigError(
            f"{path}: no certificate of an authority ({error.strerror or error}). Name a PEM file with --ca-file."
        ) from error


def operator_token(url: str) -> str:
    """Return the operator's token: of FIRMQUOTE_TOKEN, or of the file that the gateway wrote.

    Raises:
        ConfigError: neither is there.
    """
    given = _given_token()
    if given:
        return given
    port = urlsplit(url).port or 80
    path = Path(os.environ.get("FIRMQUOTE_STATE_DIR", DEFAULT_STATE)).expanduser() / f"operator-{port}.token"
    try:
        return path.read_text().strip()
    except OSError:
        raise ConfigError(
            f"no operator token: {path} cannot be read. Run this as the user who started the gateway, "
            "or set FIRMQUOTE_TOKEN (or FIRMQUOTE_STATE_DIR to its serve.state_dir)."
        ) from None

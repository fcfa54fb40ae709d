"""Who may connect: this machine alone, or others with tokens and TLS."""

import pytest

from firmquote.errors import ConfigError
from firmquote.runtime.config import ServeSection
from firmquote.runtime.front import check_exposure

SAFE = ServeSection(host="0.0.0.0", tls_certificate="cert.pem", tls_key="key.pem")


@pytest.mark.parametrize(
    ("serve", "has_tokens"),
    [
        pytest.param(ServeSection(), False, id="this machine alone"),
        pytest.param(ServeSection(host="::1"), False, id="this machine alone, by its other address"),
        pytest.param(SAFE, True, id="others, with tokens and TLS"),
        pytest.param(ServeSection(host="10.0.0.1", allow_public_without_tls=True), True, id="behind a proxy with TLS"),
    ],
)
def test_it_listens_where_nobody_can_get_in_who_should_not(serve: ServeSection, has_tokens: bool) -> None:
    check_exposure(serve, has_tokens=has_tokens)


@pytest.mark.parametrize(
    ("serve", "has_tokens", "words"),
    [
        (SAFE, False, "there is no token. Make one with `firmquote token create NAME`"),
        (ServeSection(host="0.0.0.0"), True, "tokens would travel in the clear. Name serve.tls_certificate"),
        (ServeSection(host="10.0.0.1", allow_public_without_tls=True), False, "there is no token"),
    ],
)
def test_an_open_door_is_refused_with_what_to_do(serve: ServeSection, has_tokens: bool, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        check_exposure(serve, has_tokens=has_tokens)


def test_half_a_certificate_is_refused() -> None:
    with pytest.raises(ConfigError, match="name both tls_certificate and tls_key, or neither"):
        ServeSection(tls_key="key.pem")

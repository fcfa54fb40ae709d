"""A gateway that others can reach: TLS, tokens, orders that count once; and the command line that speaks to it."""

import asyncio
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from msgspec import structs
from tests.certificate import make_certificate
from tests.patience import PATIENCE_S
from tests.runtime.receivers import Webhook, webhook
from tests.scenarios.gateway import play, scenario

from firmquote.errors import ConfigError
from firmquote.model.access import Scope
from firmquote.publish.alerting import AlertPolicy, ChannelPolicy
from firmquote.runtime import Config, SystemClock
from firmquote.runtime.outside import Outside
from firmquote.runtime.tokens import create_token

pytestmark = pytest.mark.scenario


@asynccontextmanager
async def reachable(directory: Path, *, tls: bool = True) -> AsyncIterator[str]:
    """Serve on every address of this machine; yields the URL that leads there from here."""
    cert, key = make_certificate(directory)

    def change(config: Config) -> Config:
        serve = structs.replace(config.serve, host="0.0.0.0", state_dir=str(directory))
        if tls:
            serve = structs.replace(serve, tls_certificate=str(cert), tls_key=str(key))
        return structs.replace(config, serve=serve)

    async with scenario(change=change) as running, running.gateway.serve() as url:
        await running.until(lambda: running.gateway.report.not_ready() is None)
        yield url.replace("0.0.0.0", "127.0.0.1")


def token(directory: Path) -> str:
    return create_token(directory, "ann", Scope.OPERATE, for_s=None, now_ns=SystemClock.now_ns()).reveal()


async def firmquote(*args: str, **environ: str) -> subprocess.CompletedProcess[str]:
    env = {k: v for k, v in os.environ.items() if not k.startswith("FIRMQUOTE_")} | environ
    command = [sys.executable, "-m", "firmquote", *args]
    return await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, timeout=PATIENCE_S, env=env, check=False
    )


async def order_once(client: httpx.AsyncClient) -> None:
    """Give orders with and without a key, as somebody does who may have recorded them."""
    hold = {"held": True, "reason": "test"}
    without = await client.post("/v1/rollout/hold", json=hold)
    assert (without.status_code, "SECONDS-RANDOM" in without.text) == (400, True)
    stop = await client.post("/v1/switches/news", json={"engaged": True})
    assert stop.status_code == 200, "to stop is never refused for want of a key"
    go = {"engaged": False, "reason": "test"}
    assert (await client.post("/v1/switches/news", json=go)).status_code == 400
    key = {"idempotency-key": f"{SystemClock.now_ns() / 1e9:.6f}-once"}
    codes = [(await client.post("/v1/rollout/hold", json=hold, headers=key)).status_code for _ in range(2)]
    assert codes == [200, 409]


async def speak_plainly(port: int) -> bytes:
    """Ask without TLS."""
    with socket.create_connection(("127.0.0.1", port)) as plain:
        plain.settimeout(PATIENCE_S)
        plain.sendall(b"GET /v1/quotes HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        return await asyncio.to_thread(plain.recv, 1_000)


def test_others_reach_it_over_tls_with_a_token_and_no_order_counts_twice(tmp_path: Path) -> None:
    async def body() -> None:
        secret = token(tmp_path)
        async with reachable(tmp_path) as url:
            assert url.startswith("https://")
            trusting = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
            async with httpx.AsyncClient(base_url=url, verify=trusting) as client:
                assert (await client.get("/v1/quotes")).status_code == 401
                client.headers["authorization"] = f"Bearer {secret}"
                quotes = await client.get("/v1/quotes")
                assert [quote["symbol"] for quote in quotes.json()] == ["AIG", "BAC", "IBM", "SPY"]
                await order_once(client)
            answer = await speak_plainly(int(url.rsplit(":", 1)[1]))
            assert (b"IBM" in answer, b"200" in answer) == (False, False)
            environ = {"FIRMQUOTE_URL": url, "FIRMQUOTE_TOKEN": secret}
            ca = ("--ca-file", str(tmp_path / "cert.pem"))
            shown, stopped, refused = await asyncio.gather(
                firmquote(*ca, "quote", "IBM", "--json", **environ),
                firmquote("switch", "engage", "news", "--reason", "test", **environ, FIRMQUOTE_CA_FILE=ca[1]),
                firmquote("quote", **environ),
            )
            assert (shown.returncode, shown.stderr, '"symbol": "IBM"' in shown.stdout) == (0, "", True)
            assert (stopped.returncode, stopped.stderr) == (0, "")
            assert (refused.returncode, "its certificate is not trusted" in refused.stderr) == (2, True)

    play(body)


def guard(url: str, hook: Webhook, tls: ssl.SSLContext | None) -> Outside:
    channels = {"hook": ChannelPolicy(env="HOOK")}
    policy = AlertPolicy(channels=channels, after_s={"gateway_down": 0}, group_wait_s=0)
    return Outside(policy, {"HOOK": hook.address}, SystemClock(), url=url, every_s=0.05, tls=tls)


def test_the_guard_trusts_the_authority_that_it_is_told_of(tmp_path: Path) -> None:
    async def body() -> None:
        token(tmp_path)
        async with webhook() as told, webhook() as not_told, asyncio.TaskGroup() as group:
            async with reachable(tmp_path) as url:
                trusting = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
                guards = [
                    group.create_task(guard(url, hook, tls).run("127.0.0.1", 0, lambda _: None))
                    for hook, tls in ((told, trusting), (not_told, None))
                ]
                assert "certificate" in await not_told.first_notice()
                assert told.notices == []
            assert "certificate" not in await told.first_notice()
            for each in guards:
                each.cancel()

    play(body)


@pytest.mark.parametrize(
    ("tls", "tokens", "words"),
    [(True, False, "there is no token"), (False, True, "tokens would travel in the clear")],
)
def test_it_does_not_start_where_others_could_connect_and_something_is_missing(
    tmp_path: Path, tls: bool, tokens: bool, words: str
) -> None:
    async def body() -> None:
        if tokens:
            token(tmp_path)
        with pytest.raises(ConfigError, match=words):
            async with reachable(tmp_path, tls=tls):
                raise AssertionError("it serves")

    play(body)

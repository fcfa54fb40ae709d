"""What an attacker may try on the API, over real sockets, with the door of the product."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from msgspec import json as msgjson
from tests.patience import PATIENCE_S
from tests.publish.fixed_safety import FixedSafety
from tests.publish.test_api import Fixed

from firmquote.errors import RefusedError
from firmquote.model import NS_PER_S, Secret
from firmquote.model.access import Scope
from firmquote.publish import LOOPBACK_NAMES, bind, serving
from firmquote.publish import timed as timed_module
from firmquote.runtime.door import KEY_S, Door
from firmquote.runtime.tokens import FILE, create_token, revoke_token
from firmquote.safety import RatePolicy
from firmquote.testing import ManualClock

pytestmark = pytest.mark.scenario
OWN = "the-own-token-of-this-process"
ORDER = {"engaged": True, "reason": "test"}
RELEASE = {"engaged": False, "reason": "test"}
PATH = "/v1/switches/quotes"


class Target(Fixed):
    """A gateway whose switches remember what they were told."""

    def __init__(self) -> None:
        super().__init__()
        self.switches = FixedSafety()

    @property
    def safety(self) -> FixedSafety:
        return self.switches


class House:
    """A served API, its door and its clock."""

    def __init__(
        self, directory: Path, client: httpx.AsyncClient, door: Door, clock: ManualClock, view: Target
    ) -> None:
        self.directory = directory
        self.client = client
        self.door = door
        self.clock = clock
        self.ordered = view.switches.ordered
        self.port = client.base_url.port

    async def token(self, name: str, scope: Scope, *, for_s: float | None = None) -> str:
        secret = create_token(self.directory, name, scope, for_s=for_s, now_ns=self.clock.now_ns())
        await self.door.refresh()
        return secret.reveal()

    async def order(self, token: str | None, **headers: str) -> int:
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        return (await self.client.post(PATH, json=ORDER, headers=headers)).status_code

    async def raw(self, text: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(text)
        answer = await reader.read(65_536)
        writer.close()
        return answer


@asynccontextmanager
async def house(
    directory: Path,
    *,
    requests: RatePolicy | None = None,
    read_needs_token: bool = False,
    orders_need_key: bool = False,
) -> AsyncIterator[House]:
    clock, view = ManualClock(), Target()
    door = Door(clock, requests or RatePolicy(per_s=1_000, burst=1_000))
    door.open(directory, Secret(OWN))
    listening = bind("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    async with (
        asyncio.timeout(PATIENCE_S),
        serving(
            view,
            listening,
            access=door,
            hosts=LOOPBACK_NAMES,
            read_needs_token=read_needs_token,
            orders_need_key=orders_need_key,
        ),
        httpx.AsyncClient(base_url=url) as client,
    ):
        yield House(directory, client, door, clock, view)


def attack(body: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await body()

    asyncio.run(main())


def test_without_a_good_token_nothing_is_changed(tmp_path: Path) -> None:
    async def body() -> None:
        async with house(tmp_path) as h:
            good = await h.token("ann", Scope.OPERATE)
            wrong = [None, "x", good[:-1], good + "x", good.replace("fq_", "fq-"), f"fq_{'0' * 12}_{'a' * 43}",
                     good[:16] + "A" * 43, OWN[:-1], "Bearer " + OWN]  # fmt: skip
            assert {await h.order(token) for token in wrong} == {401}
            assert h.ordered == []
            assert [await h.order(good), await h.order(OWN)] == [200, 200]
            assert [(o[2].who, o[2].where) for o in h.ordered] == [
                ("ann", "api 127.0.0.1"),
                ("operator", "api 127.0.0.1"),
            ]

    attack(body)


def test_a_scope_that_is_too_small_is_refused_by_name(tmp_path: Path) -> None:
    async def body() -> None:
        async with house(tmp_path) as h:
            token = await h.token("dashboard", Scope.READ)
            answer = await h.client.post(PATH, json=ORDER, headers={"authorization": f"Bearer {token}"})
            assert answer.status_code == 403
            assert "needs a token with the scope operate; dashboard has read" in answer.json()["detail"]
            assert h.ordered == []

    attack(body)


def test_an_expired_or_revoked_token_is_refused_even_after_it_was_good(tmp_path: Path) -> None:
    async def body() -> None:
        async with house(tmp_path) as h:
            short, revoked = await h.token("short", Scope.OPERATE, for_s=60), await h.token("gone", Scope.OPERATE)
            assert [await h.order(short), await h.order(revoked)] == [200, 200]
            h.clock.advance(60 * NS_PER_S)
            revoke_token(tmp_path, "gone", now_ns=h.clock.now_ns())
            await h.door.refresh()
            assert [await h.order(short), await h.order(revoked)] == [401, 401]

    attack(body)


def test_a_recorded_order_cannot_be_given_again(tmp_path: Path) -> None:
    async def body() -> None:
        async with house(tmp_path) as h:
            now_s = h.clock.now_ns() // NS_PER_S + 1
            h.clock.advance(NS_PER_S)

            async def release(key: str) -> int:
                headers = {"authorization": f"Bearer {OWN}", "idempotency-key": key}
                return (await h.client.post(PATH, json=RELEASE, headers=headers)).status_code

            assert [await release(f"{now_s}-a") for _ in range(3)] == [200, 409, 409]
            assert await release(f"{now_s}.5-b") == 200
            nonsense = ["x" * 101, "k", f"{now_s}", f"{now_s}-", "-1-a", "nan-a", "1e9-a", f"{now_s}.x-a", "9" * 99]
            assert {await release(key) for key in nonsense} == {400}
            assert len(h.ordered) == 2

    attack(body)


def test_a_recorded_order_cannot_be_given_again_later_or_to_the_next_process() -> None:
    clock = ManualClock()
    door, key = Door(clock, RatePolicy(per_s=1, burst=1)), f"{clock.now_ns() // NS_PER_S + 1}-a"
    clock.advance(NS_PER_S)
    assert door.is_new_order(key)
    for later_s in (1, KEY_S - 2, 2, KEY_S, KEY_S, KEY_S):
        clock.advance(later_s * NS_PER_S)
        with contextlib.suppress(RefusedError):
            assert not door.is_new_order(key)
    with pytest.raises(RefusedError, match="before this gateway started"):
        Door(clock, RatePolicy(per_s=1, burst=1)).is_new_order(f"{clock.now_ns() // NS_PER_S - 1}-b")
    with pytest.raises(RefusedError, match="outside"):
        door.is_new_order(f"{clock.now_ns() // NS_PER_S + KEY_S + 2}-ahead")


def test_where_others_connect_an_order_without_a_key_is_refused_but_to_stop_is_not(tmp_path: Path) -> None:
    async def body() -> None:
        async with house(tmp_path, orders_need_key=True) as h:
            headers = {"authorization": f"Bearer {OWN}"}
            assert (await h.client.post(PATH, json=RELEASE, headers=headers)).status_code == 400
            assert (await h.client.post("/v1/lease", headers=headers)).status_code == 400
            assert h.ordered == []
            assert await h.order(OWN) == 200

    attack(body)


def test_a_page_from_elsewhere_gets_nothing_not_even_by_websocket(tmp_path: Path) -> None:
    async def body() -> None:
        async with house(tmp_path) as h:
            for origin in (
                "https://evil.example",
                "http://127.0.0.1:1",
                "null",
                f"http://127.0.0.1.evil.example:{h.port}",
            ):
                headers = {"origin": origin, "authorization": f"Bearer {OWN}"}
                assert (await h.client.post(PATH, json=ORDER, headers=headers)).status_code == 403
                assert (await h.client.get("/v1/quotes", headers=headers)).status_code == 403
                answer = await h.raw(
                    f"GET /v1/events/stream HTTP/1.1\r\nHost: 127.0.0.1:{h.port}\r\nOrigin: {origin}\r\n"
                    "Upgrade: websocket\r\nConnection: Upgrade, close\r\nSec-WebSocket-Version: 13\r\n"
                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
                )
                assert answer.startswith(b"HTTP/1.1 403")
            assert h.ordered == []

    attack(body)


def test_a_name_that_points_here_is_not_ours(tmp_path: Path) -> None:
    async def body() -> None:
        async with house(tmp_path) as h:
            for host in ("evil.example", f"evil.example:{h.port}", "127.0.0.1.nip.io", "[::2]"):
                headers = {"host": host, "authorization": f"Bearer {OWN}"}
                assert (await h.client.post(PATH, json=ORDER, headers=headers)).status_code == 400
            assert b"HTTP/1.1 400" in await h.raw(b"GET /v1/quotes HTTP/1.1\r\nConnection: close\r\n\r\n")
            assert h.ordered == []

    attack(body)


def test_a_body_that_is_too_large_is_refused_with_and_without_a_length(tmp_path: Path) -> None:
    async def body() -> None:
        async with house(tmp_path) as h:
            headers = {"authorization": f"Bearer {OWN}", "content-type": "application/json"}
            large = json.dumps({**ORDER, "reason": "x" * 70_000}).encode()

            async def chunks() -> AsyncIterator[bytes]:
                for at in range(0, len(large), 8_192):
                    yield large[at : at + 8_192]

            assert (await h.client.post(PATH, content=large, headers=headers)).status_code == 413
            assert (await h.client.post(PATH, content=chunks(), headers=headers)).status_code == 413
            assert h.ordered == []

    attack(body)


@pytest.mark.parametrize(
    "start",
    [
        b"",
        b"POST /v1/switches/quotes HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ",
        b"POST /v1/switches/quotes HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 50\r\n\r\n{",
    ],
    ids=["silent", "slow headers", "slow body"],
)
def test_who_takes_too_long_is_cut_off_while_others_are_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: bytes
) -> None:
    monkeypatch.setattr(timed_module, "REQUEST_S", 0.7)

    async def body() -> None:
        async with house(tmp_path) as h:
            slow = [asyncio.create_task(h.raw(start)) for _ in range(20)]
            assert await h.order(OWN) == 200
            for task in slow:
                with contextlib.suppress(ConnectionResetError):
                    assert not (await task).startswith(b"HTTP/1.1 2")
            assert len(h.ordered) == 1

    attack(body)


@pytest.mark.parametrize("path", [
    "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fetc%2fpasswd", "/%252e%252e/etc/passwd", "//etc/passwd",
    "/v1/switches/..%2f..%2f..%2fetc%2fpasswd", "/v1/quotes/%00", "/app.js%00.png",
])  # fmt: skip
def test_no_path_leads_out(tmp_path: Path, path: str) -> None:
    async def body() -> None:
        async with house(tmp_path) as h:
            answer = await h.raw(
                f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{h.port}\r\nConnection: close\r\n\r\n".encode()
            )
            assert b"root:" not in answer
            assert answer.split(b" ", 2)[1] in (b"400", b"404", b"409")

    attack(body)


def test_no_header_can_be_slipped_in(tmp_path: Path) -> None:
    async def body() -> None:
        async with house(tmp_path) as h:
            target = "/v1/quotes/IBM%0d%0aX-Injected:%20yes"
            answer = await h.raw(
                f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{h.port}\r\nConnection: close\r\n\r\n".encode()
            )
            assert b"\r\nx-injected" not in answer.lower()
            smuggled = (
                f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1:{h.port}\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n"
                f"Authorization: Bearer {OWN}\r\n\r\n0\r\n\r\nPOST {PATH} HTTP/1.1\r\n\r\n"
            )
            assert (await h.raw(smuggled.encode())).startswith(b"HTTP/1.1 4")
            assert h.ordered == []

    attack(body)


def test_a_flood_is_slowed_down_but_orders_to_switches_are_answered(tmp_path: Path) -> None:
    async def body() -> None:
        async with house(tmp_path, requests=RatePolicy(per_s=1, burst=5)) as h:
            codes = [(await h.client.get("/v1/quotes")).status_code for _ in range(8)]
            assert codes == [200] * 5 + [429] * 3
            assert (await h.client.get("/v1/quotes")).headers["retry-after"] == "1"
            assert await h.order(OWN) == 200
            h.clock.advance(2 * NS_PER_S)
            assert [(await h.client.get("/v1/quotes")).status_code for _ in range(3)] == [200, 200, 429]

    attack(body)


def test_guessing_costs_the_guesser_and_nobody_else(tmp_path: Path) -> None:
    async def body() -> None:
        async with house(tmp_path) as h:
            good = await h.token("ann", Scope.OPERATE)
            assert await h.order(good) == 200
            guesses = [good[:16] + "A" * 42 + letter for letter in "abcdefghijklmnopqrstuvwxyz"]
            assert {await h.order(guess) for guess in guesses} == {401}
            assert await h.order(good) == 200  # proven before, so no hash is in its way

    attack(body)


def test_where_reading_takes_a_token_nothing_is_shown_without_one(tmp_path: Path) -> None:
    async def body() -> None:
        async with house(tmp_path, read_needs_token=True) as h:
            token = await h.token("dashboard", Scope.READ)
            for path in (
                "/v1/quotes",
                "/healthz/providers",
                "/metrics",
                "/v1/switches",
                "/v1/events",
                "/v1/events/stream",
            ):
                assert (path, 401) == (path, (await h.client.get(path)).status_code)
            answer = await h.client.get("/v1/quotes", headers={"authorization": f"Bearer {token}"})
            assert (answer.status_code, (await h.client.get("/healthz")).status_code) == (200, 200)

    attack(body)


def test_what_is_stored_is_a_hash_that_only_the_owner_reads(tmp_path: Path) -> None:
    secret = create_token(tmp_path, "ann", Scope.ADMIN, for_s=None, now_ns=1)
    stored = (tmp_path / FILE).read_text()
    assert secret.reveal().rpartition("_")[2] not in stored
    assert msgjson.decode(stored)["tokens"][0]["hash"].startswith("$argon2id$")
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600

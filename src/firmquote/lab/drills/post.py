"""Orders and looks at a gateway, over HTTP like anybody's."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import aiohttp

from firmquote.model import NS_PER_MS
from firmquote.runtime import SystemClock

LOOK_NS = 10 * NS_PER_MS
ORDERS_NS = 100 * NS_PER_MS
"""Orders are many, and looking at them all costs both sides milliseconds."""
Items: TypeAlias = Sequence[Mapping[str, Any]]


class Post:
    """Speaks with one gateway as its operator."""

    def __init__(self, session: aiohttp.ClientSession, token: str) -> None:
        self._session = session
        self._headers = {"Authorization": f"Bearer {token}"}
        self.clock = SystemClock()

    async def give(self, path: str, body: Mapping[str, object]) -> Any:  # noqa: ANN401 - JSON
        """Give an order that must be taken, and return what it answers."""
        async with self._session.post(path, json=body, headers=self._headers) as answer:
            found = await answer.json()
            assert answer.status < 300, found
            return found

    async def order(self, name: str, *, engaged: bool) -> Mapping[str, Any]:
        """Engage or release a switch."""
        found: Mapping[str, Any] = await self.give(f"/v1/switches/{name}", {"engaged": engaged, "reason": "drill"})
        return found

    async def look(self, path: str) -> Any:  # noqa: ANN401 - JSON
        """Return what is shown."""
        async with self._session.get(path, headers=self._headers) as answer:
            return await answer.json()

    async def until(
        self, path: str, condition: Callable[[Items], bool], *, within_s: float, every_ns: int = LOOK_NS
    ) -> None:
        """Look until `condition` holds. Raises TimeoutError where it does not within the time."""
        deadline_ns = self.clock.monotonic_ns() + int(within_s * 1e9)
        while not condition(await self.look(path)):
            if self.clock.monotonic_ns() > deadline_ns:
                raise TimeoutError(f"{path} does not show what it should within {within_s:g} s")
            await self.clock.sleep_until(self.clock.monotonic_ns() + every_ns)

    async def until_traded(self, after_ns: int, symbols: Sequence[str], *, within_s: float) -> None:
        """Wait until each of `symbols` has an order that was made after a moment."""

        def traded(orders: Items) -> bool:
            made = {view["order"]["symbol"] for view in orders if view["order"]["created_ns"] > after_ns}
            return made.issuperset(symbols)

        await self.until("/v1/orders", traded, within_s=within_s, every_ns=ORDERS_NS)

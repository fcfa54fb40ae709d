import asyncio

from tests.patience import PATIENCE_S
from tests.stopping import stopped


def test_a_client_that_loses_a_cancellation_is_stopped_all_the_same() -> None:
    async def main() -> None:
        lost: list[str] = []
        started = asyncio.Event()

        async def client() -> None:
            started.set()
            while True:
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    lost.append("a message had come")
                    if len(lost) == 3:
                        raise

        task = asyncio.create_task(client())
        await started.wait()
        async with asyncio.timeout(PATIENCE_S):
            await stopped(task)
        assert task.cancelled()
        assert len(lost) == 3

    asyncio.run(main())

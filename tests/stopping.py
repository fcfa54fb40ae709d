"""Ends a task that runs code of others."""

import asyncio

AGAIN_S = 0.1


async def stopped(task: asyncio.Task[object]) -> None:
    """Cancel `task` until it has ended.

    The official clients call `asyncio.wait_for` in a loop, and before Python 3.12 a cancellation that meets its result
    is lost (CPython issue 86296): cancelled once, such a client now and then goes on for ever.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=AGAIN_S)

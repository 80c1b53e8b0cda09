"""Tasks that run beside something as long as it is open."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any


@asynccontextmanager
async def beside(*chores: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run these tasks as long as the block is open; on leaving they are cancelled and waited for."""
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(chore) for chore in chores]
        try:
            yield
        finally:
            for chore in running:
                chore.cancel()

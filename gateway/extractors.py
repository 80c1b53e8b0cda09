"""Reading a whole message: MIME here, documents in child processes."""

from gateway.workers import WorkerPool
from policy.message import Message
from policy.reader.limits import DEFAULT_LIMITS, Limits
from rules.content import Content


class Reader:
    """Reads messages. One for the whole process; safe to use from many tasks at once.

    `async with WorkerPool(...) as pool: reader = Reader(pool)`.
    """

    def __init__(self, pool: WorkerPool, limits: Limits = DEFAULT_LIMITS) -> None:
        self._pool = pool
        self._limits = limits

    async def read(self, raw: bytes) -> Message:
        """Headers, texts and files of a message as received. Raises `WorkersDown` only when our own children fail us."""
        raise WorkersDownYet


def read_message(raw: bytes, limits: Limits = DEFAULT_LIMITS) -> Message:
    """The same for commands: a pool of one child for this call. Not to be called inside an event loop."""
    raise WorkersDownYet


def read_file(data: bytes, name: str, limits: Limits = DEFAULT_LIMITS) -> Content:
    """One file by its true type, for commands (`rules scan`)."""
    raise WorkersDownYet


class WorkersDownYet(Exception):
    """Being written."""

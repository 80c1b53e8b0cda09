"""Threads for what blocks, which go on where the system gives no more of them (a limit of the unit or the container).

The standard library's pool raises then, though it has put the work where one of its threads will find it: whoever asked
hears that it failed, and it is done all the same, at some later time.
"""

import queue
from concurrent.futures import ThreadPoolExecutor


class Threads(ThreadPoolExecutor):
    """A pool whose threads do the work of those that cannot be had. Without a single one, `submit` raises RuntimeError.

    Work that could not be begun is never done.
    """

    def _adjust_thread_count(self) -> None:
        try:
            super()._adjust_thread_count()
        except RuntimeError:
            if not self._threads:
                self._forget()
                raise

    def _forget(self) -> None:
        """Nobody takes it: who asked is told, and does not wait for it."""
        while True:
            try:
                work = self._work_queue.get_nowait()
            except queue.Empty:
                return
            work.future.cancel()

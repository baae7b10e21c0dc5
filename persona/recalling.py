"""Recall that may fail: a live run whose index is down writes without it, says so, and has it rebuilt meanwhile."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence

from .memory import Memory, Query, Recalled

log = logging.getLogger(__name__)

_AGAIN = 30.0
"""Seconds between two attempts to rebuild an index."""


class Recalling:
    """Syncs and asks the index of a memory.

    With `soft`, a failure is no error: `down` says why, every answer is empty, and a thread rebuilds the index from
    the journal until it holds; meanwhile nobody waits for it. Without, a failure is raised: a rehearsal must not
    differ from its repetition.
    """

    def __init__(self, memory: Memory, *, soft: bool, again: float = _AGAIN) -> None:
        self._memory, self._soft, self._again = memory, soft, again
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self.down = ""
        """why answers are empty just now, or an empty text"""

    def sync(self) -> None:
        """Bring the index up to the journal. Does nothing while it is being rebuilt."""
        if not self.down:
            try:
                self._memory.sync()
            except Exception as error:
                self._failed(error)

    def recall(self, queries: Sequence[Query]) -> list[list[Recalled]]:
        """Return what `Memory.recall` does, or empty answers while the index is down."""
        if not self.down:
            try:
                return self._memory.recall(queries)
            except Exception as error:
                self._failed(error)
        return [[] for _ in queries]

    def close(self) -> None:
        """Stop rebuilding. An attempt under way is waited for: it writes to the memory's files."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join()

    def _failed(self, error: Exception) -> None:
        if not self._soft:
            raise error
        log.error("the memory's index is down; texts are written without it", exc_info=error)
        self.down = f"the memory's index is down and being rebuilt ({type(error).__name__}: {error})"
        self._thread = threading.Thread(target=self._rebuild, name="reindex", daemon=True)
        self._thread.start()

    def _rebuild(self) -> None:
        while not self._closing.is_set():
            began = time.monotonic()
            try:
                count = self._memory.reindex()
            except Exception as error:
                log.warning("the memory's index could not be rebuilt: %s", error)
                self._closing.wait(max(0.0, self._again - (time.monotonic() - began)))
                continue
            log.warning("the memory's index was rebuilt: %d records", count)
            self.down = ""
            return

"""The live run: APScheduler is the heartbeat, the store is the ledger."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta

from .clock import Clock
from .runner import Runner

log = logging.getLogger(__name__)

TICK = timedelta(seconds=15)


def run_live(
    runner: Runner, *, clock: Clock, stop: threading.Event, every: timedelta = TICK, ticks: int | None = None
) -> int:
    """Tick every `every` until `stop` is set, or `ticks` times; return how many ticks were done.

    APScheduler 3.11 calls the tick from one worker, never twice at a time; a late beat is made up for once. Its job
    store is in memory: what is due is decided by the store's rows alone. A tick that raises is logged, and the next
    one goes on from what was committed.
    """
    from apscheduler.executors.pool import ThreadPoolExecutor
    from apscheduler.jobstores.memory import MemoryJobStore
    from apscheduler.schedulers.background import BackgroundScheduler

    done = 0

    def beat() -> None:
        nonlocal done
        try:
            result = runner.tick(clock.now())
            if result.heard or result.drafted or result.sent:
                log.info("tick: heard %d, drafted %d, sent %d", result.heard, result.drafted, result.sent)
        except Exception:
            log.exception("the tick failed; the next one goes on from what is stored")
        finally:
            done += 1
            if ticks is not None and done >= ticks:
                stop.set()

    runner.start(clock.now())
    scheduler = BackgroundScheduler(
        jobstores={"default": MemoryJobStore()}, executors={"default": ThreadPoolExecutor(1)}, timezone="UTC"
    )
    scheduler.add_job(beat, "interval", seconds=every.total_seconds(), max_instances=1, coalesce=True, id="tick")
    beat()
    if not stop.is_set():
        scheduler.start()
        # A wait without a limit would not let Python's signal handlers run on some platforms.
        while not stop.wait(0.5):
            pass
        scheduler.shutdown(wait=True)
    return done

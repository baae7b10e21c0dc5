"""The live run: APScheduler is the heartbeat, the store is the ledger."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from .brakes import Alarms
from .clock import Clock
from .notices import note_tick
from .reload import Reload
from .runner import Runner
from .store import writing
from .watch import Watch

log = logging.getLogger(__name__)

TICK = timedelta(seconds=15)


class Live:
    """The beats of a live run: look around, take up the file, tick, and leave a trace of having ticked.

    Without `watch` nothing is looked at, without `reload` the file stays as it was read.
    """

    def __init__(
        self, runner: Runner, *, every: timedelta = TICK, watch: Watch | None = None, reload: Reload | None = None
    ) -> None:
        self.runner, self.every = runner, every
        self._watch, self._reload = watch, reload
        self._alarms = watch.alarms if watch else Alarms(runner.parts.store)

    def beat(self) -> None:
        """Do one beat. Never raises: the next one goes on from what was committed, and an alarm says why."""
        now = self.runner.parts.clock.now()
        cause = ""
        try:
            self._note(now)
            if self._watch:
                self._watch.look()
            if self._reload:
                self._take_up(self._reload, now)
            result = self.runner.tick(now)
            self._note(self.runner.parts.clock.now())
            self._alarms.set("memory", self.runner.parts.index.down, now)
            if result.heard or result.drafted or result.sent:
                log.info("tick: heard %d, drafted %d, sent %d", result.heard, result.drafted, result.sent)
        except Exception as error:
            log.exception("the tick failed; the next one goes on from what is stored")
            cause = f"the last tick failed ({type(error).__name__}: {error})"
        try:
            self._alarms.set("tick", cause[:500], now)
        except Exception:
            log.exception("the alarm cannot be kept")

    def stopped(self) -> None:
        """Note that the run was stopped on purpose, so that nobody waits for its tick."""
        try:
            self._note(self.runner.parts.clock.now(), stopped=True)
        except Exception:
            log.exception("the stop cannot be noted")

    def _note(self, at: datetime, *, stopped: bool = False) -> None:
        with writing(self.runner.parts.store) as session:
            note_tick(session, at, self.every, stopped=stopped)

    def _take_up(self, reload: Reload, now: datetime) -> None:
        if reload.look():
            self.runner.adopt(now)
        self._alarms.set("file", reload.problem, now)


def run_live(
    runner: Runner,
    *,
    clock: Clock,
    stop: threading.Event,
    every: timedelta = TICK,
    ticks: int | None = None,
    watch: Watch | None = None,
    reload: Reload | None = None,
) -> int:
    """Beat every `every` until `stop` is set, or `ticks` times; return how many beats were done.

    APScheduler 3.11 calls the beat from one worker, never twice at a time; a late beat is made up for once. Its job
    store is in memory: what is due is decided by the store's rows alone.
    """
    live = Live(runner, every=every, watch=watch, reload=reload)
    runner.start(clock.now())
    done = _beat(live.beat, stop=stop, every=every, ticks=ticks)
    live.stopped()
    return done


def _beat(beat: Callable[[], None], *, stop: threading.Event, every: timedelta, ticks: int | None) -> int:
    from apscheduler.executors.pool import ThreadPoolExecutor
    from apscheduler.jobstores.memory import MemoryJobStore
    from apscheduler.schedulers.background import BackgroundScheduler

    done = 0

    def count() -> None:
        nonlocal done
        try:
            beat()
        finally:
            done += 1
            if ticks is not None and done >= ticks:
                stop.set()

    scheduler = BackgroundScheduler(
        jobstores={"default": MemoryJobStore()}, executors={"default": ThreadPoolExecutor(1)}, timezone="UTC"
    )
    scheduler.add_job(count, "interval", seconds=every.total_seconds(), max_instances=1, coalesce=True, id="tick")
    count()
    if not stop.is_set():
        scheduler.start()
        # A wait without a limit would not let Python's signal handlers run on some platforms.
        while not stop.wait(0.5):
            pass
        scheduler.shutdown(wait=True)
    return done

"""How the processor's threads wait for each other."""

from __future__ import annotations

import os
import sys


def patient_threads() -> None:
    """Let torch's threads sleep while they wait, unless the environment says otherwise. Call it before torch loads.

    By default they spin. On a machine that does something else as well, a spinning thread holds the core that the
    thread it waits for needs: with four other processes on two cores, writing took ten times as long as with this.
    It has no effect once torch is loaded.
    """
    if "torch" not in sys.modules:
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

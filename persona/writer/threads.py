"""How the processor's threads wait for each other, and how memory is kept."""

from __future__ import annotations

import ctypes
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


def keep_memory() -> None:
    """Let glibc keep freed memory of up to 256 MiB for the next tensors, unless the environment says otherwise.

    By default it gives large blocks back to the system at once, and every new tensor is paid for page by page. It does
    nothing where there is no glibc.
    """
    if not sys.platform.startswith("linux") or any(name in os.environ for name in _MALLOC_NAMES):
        return
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    mallopt(_M_MMAP_THRESHOLD, _LARGEST_MMAP_THRESHOLD)
    mallopt(_M_TRIM_THRESHOLD, 256 * 2**20)


_MALLOC_NAMES = ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES")
# From glibc's malloc.h; a threshold above 32 MiB is refused.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_LARGEST_MMAP_THRESHOLD = 32 * 2**20

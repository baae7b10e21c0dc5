"""The store of a data folder: tables, migrations, owner, settings and the log of what happened."""

from .engine import open_store, reading, writing
from .lease import Lease
from .log import append, log_digest
from .owner import Owner
from .settings import get_setting, put_setting
from .tables import (
    AlarmRow,
    CallRow,
    ChannelRow,
    CursorRow,
    ForgettingRow,
    InboxRow,
    JournalRow,
    LeaseRow,
    LogRow,
    OutboxRow,
    PostRow,
    Setting,
    ShadowRow,
    SlotRow,
    Table,
    TombstoneRow,
    TraceRow,
)

__all__ = [
    "AlarmRow",
    "CallRow",
    "ChannelRow",
    "CursorRow",
    "ForgettingRow",
    "InboxRow",
    "JournalRow",
    "Lease",
    "LeaseRow",
    "LogRow",
    "OutboxRow",
    "Owner",
    "PostRow",
    "Setting",
    "ShadowRow",
    "SlotRow",
    "Table",
    "TombstoneRow",
    "TraceRow",
    "append",
    "get_setting",
    "log_digest",
    "open_store",
    "put_setting",
    "reading",
    "writing",
]

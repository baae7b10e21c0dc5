"""Forgetting: one person for good, what is old by kind, and what is held about somebody."""

from .forget import Place, Receipt, finish, forget_people, receipts, unfinished
from .person import Person, people_called
from .tombstones import Tombstones, lift

__all__ = [
    "Person",
    "Place",
    "Receipt",
    "Tombstones",
    "finish",
    "forget_people",
    "lift",
    "people_called",
    "receipts",
    "unfinished",
]

"""Planning: when to post, what to write about, which events to answer."""

from .replies import Answer, Answered, consider
from .slots import Slot, after_quiet, instant_of, slots_between
from .subject import Quote, Subject, choose_subject

__all__ = [
    "Answer",
    "Answered",
    "Quote",
    "Slot",
    "Subject",
    "after_quiet",
    "choose_subject",
    "consider",
    "instant_of",
    "slots_between",
]

"""Composing: messages for the model, exact sentences by code, and the finished text."""

from .polish import clean, labels_for, with_labels
from .prompt import messages_for, sampling_for

__all__ = ["clean", "labels_for", "messages_for", "sampling_for", "with_labels"]

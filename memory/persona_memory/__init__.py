"""A memory for personas: a journal in the project's database, found again through Chroma."""

from .embedder import Embedder
from .memory import ChromaMemory
from .minilm import MiniLM

__all__ = ["ChromaMemory", "Embedder", "MiniLM"]

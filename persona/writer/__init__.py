"""Writers: local models and any LangChain chat model, behind one contract."""

from .contract import Candidate, Message, Sampling, WriteRequest, Writer, Written

__all__ = ["Candidate", "Message", "Sampling", "WriteRequest", "Writer", "Written"]

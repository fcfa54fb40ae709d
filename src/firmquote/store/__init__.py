"""What must outlive the process: files and databases whose every write is on the disk before it counts."""

from firmquote.store.chain import Chain, ChainProblem, Link, Verification, read_chain, verify_chain
from firmquote.store.database import Database, Schema, open_database

__all__ = [
    "Chain",
    "ChainProblem",
    "Database",
    "Link",
    "Schema",
    "Verification",
    "open_database",
    "read_chain",
    "verify_chain",
]

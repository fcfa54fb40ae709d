"""What must outlive the process: files and databases whose every write is on the disk before it counts."""

from firmquote.store.chain import Chain, ChainProblem, Link, Verification, read_chain, verify_chain

__all__ = ["Chain", "ChainProblem", "Link", "Verification", "read_chain", "verify_chain"]

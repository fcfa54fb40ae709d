"""What stops Firmquote at once: kill switches and what they forbid. Pure: every call is told what time it is."""

from firmquote.safety.permission import Permission, permit
from firmquote.safety.restrictions import NO_RESTRICTIONS, PLAIN_NAMES, Restrictions, restrict

__all__ = ["NO_RESTRICTIONS", "PLAIN_NAMES", "Permission", "Restrictions", "permit", "restrict"]

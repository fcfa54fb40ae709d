"""What a drill or a proof found: the last line that `firmquote drill NAME --json` prints (DESIGN section 7)."""

from msgspec import Struct


class DrillCheck(Struct, frozen=True, kw_only=True):
    """One measured value and the limit that it was held to."""

    name: str
    value: float | None
    """`None` where the machine was too late to tell: that is no pass."""
    unit: str
    limit: float
    passed: bool
    words: str = ""
    """What else there is to say, for people."""


class DrillReport(Struct, frozen=True, kw_only=True):
    """All checks of one drill; a drill without checks proves nothing and does not pass."""

    drill: str
    checks: tuple[DrillCheck, ...]
    notes: tuple[str, ...] = ()
    """Lines for people: a table, say."""

    @property
    def passed(self) -> bool:
        """Whether there are checks and every one passed."""
        return bool(self.checks) and all(check.passed for check in self.checks)

    def to_document(self) -> dict[str, object]:
        """Return the JSON object of DESIGN section 7."""
        checks = [
            {"name": c.name, "value": c.value, "unit": c.unit, "limit": c.limit, "pass": c.passed} for c in self.checks
        ]
        return {"drill": self.drill, "checks": checks, "pass": self.passed}


def at_most(name: str, value: float, limit: float, unit: str, *, words: str = "") -> DrillCheck:
    """Return a check that passes while `value` does not exceed `limit`."""
    return DrillCheck(name=name, value=value, unit=unit, limit=limit, passed=value <= limit, words=words)


def at_least(name: str, value: float, limit: float, unit: str) -> DrillCheck:
    """Return a check that passes when `value` reaches `limit`."""
    return DrillCheck(name=name, value=value, unit=unit, limit=limit, passed=value >= limit)

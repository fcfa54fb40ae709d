"""What a benchmark ran on, and how its report looks (DESIGN section 7)."""

import json
import os
import platform
import sys
from collections.abc import Mapping


def report(bench: str, results: Mapping[str, Mapping[str, float]], ratios: Mapping[str, float]) -> None:
    """Print one JSON object as the last line on stdout."""
    machine = {"cpus": os.cpu_count(), "python": platform.python_version(), "machine": platform.machine()}
    rounded = {who: {key: round(value, 3) for key, value in found.items()} for who, found in results.items()}
    body = {
        "bench": bench,
        "machine": machine,
        "results": rounded,
        "ratios": {name: round(value, 3) for name, value in ratios.items()},
    }
    sys.stdout.write(json.dumps(body) + "\n")

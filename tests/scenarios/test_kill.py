"""`kill -9` while switches are pulled and stages move: afterwards it is the same, or more restrictive."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest
from tests.patience import PATIENCE_S

from firmquote.rollout import Stage
from firmquote.runtime.keeper import read_audit, verify_audit

pytestmark = pytest.mark.scenario
SWITCHES = ("quotes", "halts", "decisions", "symbol:IBM", "provider:polygon", "all")
CONFIG = """
feeds:
  quotes:
    live_enabled: true
    shadow_mode: false
    provider_active: polygon
    live_symbols_allowlist: [IBM, SPY]
    canary_symbols: [SPY]
    priority_symbols: [SPY]
providers:
  polygon:
    api_key: {{env: KEY}}
    settings: {{stream_url: "ws://127.0.0.1:9/stocks", rest_url: "http://127.0.0.1:9"}}
rollout:
  start: shadow
  cool_off_s: 0
serve:
  port: {port}
  state_dir: {directory}
"""


class Operator:
    """Gives random orders, and remembers what was answered as being on the disk."""

    def __init__(self, port: int, directory: Path, seed: int) -> None:
        self.port = port
        self.directory = directory
        self.draw = Random(seed)
        self.engaged: set[str] = set()
        self.stage = Stage.SHADOW
        self.answered = 0
        self.open: tuple[str, str] | None = None
        """The order that was not answered: verb and switch."""

    def ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        token = (self.directory / f"operator-{self.port}.token").read_text()
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            document: dict[str, Any] = json.loads(answer.read())
            return {**document, "code": answer.status}
        finally:
            connection.close()

    def order(self) -> None:
        verb = self.draw.choice(("engage", "engage", "release", "promote", "promote", "rollback"))
        if verb in ("engage", "release"):
            name = self.draw.choice(SWITCHES)
            self.open = (verb, name)
            body = {"engaged": verb == "engage", "reason": "test"}
            done = self.ask("POST", f"/v1/switches/{name}", body)
            if done["code"] == 200:
                assert done["persisted"]
                (self.engaged.add if verb == "engage" else self.engaged.discard)(name)
        else:
            self.open = (verb, "")
            body = {"reason": "test", **({"forced": True} if verb == "promote" else {})}
            done = self.ask("POST", f"/v1/rollout/{verb}", body)
            if done["code"] == 200:
                assert done["persisted"]
                self.stage = Stage[done["stage"].upper()]
        self.answered += done["code"] == 200 and done.get("changed", True)
        self.open = None

    def give_orders_until_killed(self, process: subprocess.Popen[str]) -> None:
        killer = threading.Timer(self.draw.uniform(0.005, 0.12), process.kill)
        self.order()  # however slow the machine is, something was going on
        killer.start()
        try:
            while True:
                self.order()
        except (OSError, http.client.HTTPException):
            killer.join()

    def check_after(self) -> None:
        """Compare with what the restarted process says, and take that as the new beginning."""
        verb, name = self.open or ("", "")
        engaged = {s["name"] for s in self.ask("GET", "/v1/switches")["switches"] if s["engaged"]}
        assert engaged >= self.engaged - ({name} if verb == "release" else set())
        assert engaged <= self.engaged | ({name} if verb == "engage" else set())
        stage = Stage[self.ask("GET", "/v1/rollout")["stage"].upper()]
        reached = max(self.stage, Stage(min(Stage.FULL, self.stage + (verb == "promote"))))
        assert stage <= (reached - 1 if reached > Stage.SHADOW else reached)
        self.engaged, self.stage, self.open = engaged, stage, None

    def check_audit(self) -> None:
        trail = self.directory / f"gateway-{self.port}"
        assert verify_audit(trail).problems == ()
        what = [e.record.what for e in read_audit(trail, after=0, limit=100_000)]
        orders = {"switch engaged", "switch released", "rollout promoted", "rollout rolled back"}
        assert sum(one in orders for one in what) >= self.answered


@contextmanager
def gateway(config: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "firmquote", "run", "--config", str(config), "--json"]
    log = config.with_suffix(".log")
    with (
        log.open("w") as errors,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, env={**os.environ, "KEY": "k"}
        ) as process,
    ):
        try:
            assert process.stdout is not None
            assert '"url"' in process.stdout.readline(), log.read_text()
            yield process
        finally:
            process.kill()


def campaign(tmp_path: Path, moments: int, seed: int) -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    config = tmp_path / "config.yaml"
    config.write_text(CONFIG.format(port=port, directory=tmp_path))
    operator = Operator(port, tmp_path, seed)
    for moment in range(moments):
        with gateway(config) as process:
            if moment:
                operator.check_after()
            operator.give_orders_until_killed(process)
            assert process.wait(timeout=PATIENCE_S) == -signal.SIGKILL
        operator.check_audit()
    return operator.answered


def test_a_sample_of_moments(tmp_path: Path) -> None:
    assert campaign(tmp_path, 2, seed=1) > 0


@pytest.mark.proof
def test_a_hundred_random_moments(tmp_path: Path) -> None:
    assert campaign(tmp_path, 100, seed=2) > 100

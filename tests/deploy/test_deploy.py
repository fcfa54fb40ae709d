"""What is deployed beside the program: rules, dashboard, unit and container file fit what the program does."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml
from tests.docs.live_demo import ROOT, LiveDemo, live_demo
from tests.patience import PATIENCE_S

from firmquote.publish.runbook import runbook_section

pytestmark = pytest.mark.scenario
DEPLOY = ROOT / "deploy"
SYSTEMD = DEPLOY / "systemd"
UNITS = sorted(path.name for path in SYSTEMD.glob("*.service"))
RULES = DEPLOY / "prometheus" / "firmquote.rules.yml"
REQUIRED = os.environ.get("FIRMQUOTE_REQUIRE_BROWSER") == "1"
PROMTOOL = shutil.which("promtool")
NEEDS_PROMTOOL = pytest.mark.skipif(
    PROMTOOL is None and not REQUIRED, reason="no promtool on this machine (Debian: apt-get install prometheus)"
)
GUARD = (
    "alerts",
    "guard",
    "--config",
    str(ROOT / "config" / "demo.yaml"),
    "--url",
    "http://127.0.0.1:1",
    "--port",
    "0",
)
METRIC = re.compile(r"\bfirmquote_\w+")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveDemo]:
    with live_demo(tmp_path_factory.mktemp("home")) as running:
        yield running


@pytest.fixture(scope="module")
def metrics(demo: LiveDemo) -> set[str]:
    text = httpx.get(f"{demo.url}/metrics").text
    described = set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))
    assert described == set(re.findall(r"^# HELP (\S+) \S", text, re.MULTILINE)), "each has a help text"
    return described


@NEEDS_PROMTOOL
@pytest.mark.parametrize(
    "args",
    [
        ("check", "rules", "firmquote.rules.yml"),
        ("test", "rules", "firmquote.tests.yml"),
        ("check", "config", "prometheus.yml"),
    ],
)
def test_promtool_accepts_the_rules_and_their_tests_pass(args: tuple[str, ...]) -> None:
    assert PROMTOOL is not None, "CI must have promtool: apt-get install prometheus"
    done = subprocess.run([PROMTOOL, *args], cwd=RULES.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_rule_is_tested_and_leads_to_its_runbook_section() -> None:
    rules = [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
    tests = (RULES.parent / "firmquote.tests.yml").read_text()
    for rule in rules:
        name = rule["alert"]
        assert rule["annotations"]["runbook_url"].endswith(f"/runbook/{name}")
        assert runbook_section(name) is not None, name
        assert name in tests, name


def test_rules_and_dashboard_ask_only_for_metrics_that_exist(metrics: set[str]) -> None:
    dashboard = json.loads((DEPLOY / "grafana" / "firmquote.json").read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    rules = [rule["expr"] for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
    asked = {name for query in [*queries, *rules] for name in METRIC.findall(query)}
    assert len(asked) > 10
    assert asked - metrics == set()
    titles = [panel["title"] for panel in dashboard["panels"]]
    assert len(set(titles)) == len(titles)


def test_the_reference_names_every_metric_and_no_other(metrics: set[str]) -> None:
    page = (ROOT / "docs" / "reference" / "metrics.md").read_text()
    assert set(METRIC.findall(page)) == metrics


def test_metrics_follow_the_conventions(metrics: set[str], demo: LiveDemo) -> None:
    text = httpx.get(f"{demo.url}/metrics").text
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)", text, re.MULTILINE))
    assert [name for name, kind in kinds.items() if (kind == "counter") is not name.endswith("_total")] == []
    assert [name for name in metrics if re.search(r"_(ms|us|ns|millis|percentages)$", name)] == []
    assert text.count("# TYPE") == len(kinds), "no metric is described twice"


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_is_one_that_systemd_reads_and_its_sandbox_is_tight(name: str, tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("no systemd-analyze on this machine (Debian: apt-get install systemd)")
    local = tmp_path / name
    local.write_text((SYSTEMD / name).read_text().replace("/opt/firmquote/bin/firmquote", sys.executable))
    verified = subprocess.run([analyze, "verify", str(local)], capture_output=True, text=True, check=False)
    ours = [line for line in verified.stderr.splitlines() if name in line]
    assert ours == []
    judged = subprocess.run(
        [analyze, "security", "--offline=true", "--no-pager", str(local)], capture_output=True, text=True, check=False
    )
    exposure = re.search(rf"Overall exposure level for {name}: ([\d.]+)", judged.stdout)
    assert exposure is not None, judged.stdout + judged.stderr
    assert float(exposure[1]) <= 2.5


def test_each_unit_has_the_same_sandbox() -> None:
    sandboxes = {(SYSTEMD / name).read_text().partition("NoNewPrivileges=")[2] for name in UNITS}
    assert len(sandboxes) == 1
    assert "ProtectSystem=strict" in sandboxes.pop()


@pytest.mark.parametrize("words", [("demo", "--port", "0"), GUARD], ids=["gateway", "guard"])
def test_it_tells_systemd_that_it_is_ready_that_it_lives_and_that_it_stops(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(PATIENCE_S)
        environ = {
            **os.environ,
            "HOME": str(tmp_path),
            "NOTIFY_SOCKET": str(tmp_path / "notify"),
            "WATCHDOG_USEC": "400000",
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "firmquote", *words, "--json"],
            env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        told = [listening.recv(100).decode() for _ in range(4)]
        assert told == ["READY=1", "WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1"]
        process.send_signal(signal.SIGSTOP)
        listening.settimeout(1)
        with pytest.raises(TimeoutError):  # some may be on their way
            [listening.recv(100) for _ in range(100)]
        listening.settimeout(PATIENCE_S)
        process.send_signal(signal.SIGCONT)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=PATIENCE_S) == 0
        last = ""
        while last != "STOPPING=1":
            last = listening.recv(100).decode()

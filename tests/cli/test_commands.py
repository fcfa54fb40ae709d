"""The command line as an operator uses it: real processes, one clear line for each mistake, exit codes."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from tests.docs.quick import Quick

pytestmark = pytest.mark.scenario
FIRMQUOTE = [sys.executable, "-m", "firmquote"]
LIVE = Path(__file__).parents[2] / "config" / "live_feeds.yaml"


def firmquote(*args: str, program: Sequence[str] = FIRMQUOTE, **environ: str) -> subprocess.CompletedProcess[str]:
    env = {k: v for k, v in os.environ.items() if not k.startswith("FIRMQUOTE_")} | {"COLUMNS": "200"} | environ
    return subprocess.run([*program, *args], capture_output=True, text=True, timeout=120, env=env, check=False)


class Demo:
    """A running demo."""

    def __init__(self, process: "subprocess.Popen[str]", started: dict[str, str], state: Path, quick: Quick) -> None:
        self.process = process
        self._quick = quick
        self.url = started["url"]
        self.polygon_port = started["polygon"].rsplit(":", 1)[1]
        self.state = state

    def __call__(self, *args: str) -> subprocess.CompletedProcess[str]:
        token = next(self.state.glob("*.token")).read_text()
        return self._quick(*args, FIRMQUOTE_URL=self.url, FIRMQUOTE_TOKEN=token)

    def json(self, *args: str) -> object:
        done = self(*args, "--json")
        assert (done.returncode, done.stderr) == (0, "")
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, quick: Quick) -> Iterator[Demo]:
    home = tmp_path_factory.mktemp("home")
    process = subprocess.Popen(
        [*FIRMQUOTE, "demo", "--port", "0", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "HOME": str(home)},
    )
    assert process.stdout is not None
    started = json.loads(process.stdout.readline())
    assert quick("wait", "usable", FIRMQUOTE_URL=started["url"]).returncode == 0
    yield Demo(process, started, home / ".local" / "state" / "firmquote", quick)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 0
    process.stdout.close()


def test_the_lab_serves_every_provider_on_a_schedule_and_refuses_what_it_cannot_do(
    quick: Quick, tmp_path: Path
) -> None:
    ports = [word for name in ("polygon", "alphavantage", "alpaca") for word in ("--port", f"{name}=0")]
    schedule = tmp_path / "faults.yaml"
    schedule.write_text("faults: [{at_s: 0, provider: alpaca, fault: freeze}]")
    manners = ("--wire-delay", "polygon=2.5", "--free-plan", "alpaca", "--for", "300ms", "--json")
    done = quick("lab", "serve", *ports, "--schedule", str(schedule), *manners)
    assert (done.returncode, done.stderr) == (0, "")
    providers = json.loads(done.stdout)["providers"]
    assert {"alpaca", "alphavantage", "polygon"} == set(providers)
    assert "feed" not in providers["alpaca"], "the free plan sells IEX, which is the default"
    schedule.write_text("faults: [{at_s: 0, provider: alpaka, fault: freeze}]")
    done = quick("lab", "serve", *ports, "--schedule", str(schedule))
    assert done.returncode == 2
    assert "faults[0].provider: 'alpaka' is no simulator. Did you mean alpaca?" in done.stderr
    for option, wrong in [("--port", "bloomberg=1"), ("--port", "polygon"), ("--wire-delay", "polygon=-1")]:
        assert quick("lab", "serve", option, wrong).returncode == 2


def test_help_lists_every_command_and_the_exit_codes() -> None:
    done = firmquote("--help")
    assert done.returncode == 0
    for word in ("run", "demo", "check", "quote", "providers", "activate", "lab", "Exit codes"):
        assert word in done.stdout


def test_tables_are_for_people(demo: Demo) -> None:
    head, line = demo("quote", "IBM").stdout.splitlines()
    assert head.split() == ["SYMBOL", "GRADE", "BID", "ASK", "LAST", "AGE", "PROVIDER", "WHY"]
    assert line.split()[0] == "IBM"
    assert line.split()[1] in ("firm", "indicative")
    rows = {row.split()[0] for row in demo("providers").stdout.splitlines()}
    assert {"PROVIDER", "alphavantage", "polygon", "mock"} <= rows


def test_the_budget_says_what_was_spent_and_what_would_save(demo: Demo) -> None:
    assert demo("quote", "IBM", "--refresh").returncode == 0
    budget = demo.json("budget")
    assert isinstance(budget, dict)
    assert budget["trouble"] is None
    by_name = {provider["provider"]: provider for provider in budget["providers"]}
    (minute,) = by_name["alphavantage"]["windows"]
    assert (minute["window"], minute["requests_limit"], minute["requests_reserved"]) == ("minute", 75, 11)
    assert minute["requests"] > 0
    looks = (demo("budget").stdout for _ in range(50))  # an answer is booked a moment after it came
    table = next(table for table in looks if "The last day:" in table)
    assert table.split()[:3] == ["PROVIDER", "STEP", "WINDOW"]
    advice = demo("budget", "advise", "--symbols", "200", "--interval", "30s").stdout
    assert advice.startswith("For 200 symbols, none older than 30 s:")
    assert "200 symbols / 100 a request = 2 requests every 30 s = 4 a minute of 64 (75 less 15 %): fits" in advice
    assert "Cheapest that fits: " in advice
    plans = demo.json("budget", "advise", "--symbols", "200")
    assert isinstance(plans, dict)
    assert {plan["provider"] for plan in plans["plans"]} >= {"alphavantage", "polygon"}


def test_a_ledger_is_begun_anew_only_by_an_operators_word(quick: Quick, tmp_path: Path) -> None:
    config = tmp_path / "live_feeds.yaml"
    config.write_text(LIVE.read_text().replace("budgets:\n", f"budgets:\n  ledger: {tmp_path}/ledger.sqlite\n"))
    (tmp_path / "ledger.sqlite").write_bytes(b"damaged")
    asked = quick("budget", "begin-anew", "--config", str(config))
    assert (asked.returncode, "Say --yes" in asked.stderr) == (1, True)
    assert (tmp_path / "ledger.sqlite").exists()
    done = quick("budget", "begin-anew", "--config", str(config), "--yes", "--json")
    assert json.loads(done.stdout) == {"put_aside": [f"{tmp_path}/ledger.sqlite.put-aside"]}


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        pytest.param(("quote", "NOPE"), 6, "NOPE: not served here. Add it to", id="unknown symbol"),
        pytest.param(("activate", "nobody"), 2, "nobody: no such provider here. Choose one of", id="unknown provider"),
    ],
)
def test_the_gateways_refusals_are_one_line_with_an_exit_code(
    demo: Demo, args: tuple[str, ...], code: int, words: str
) -> None:
    done = demo(*args)
    assert code == done.returncode
    assert done.stderr.count("\n") == 1
    assert words in done.stderr


def test_a_taken_port_is_one_line_with_exit_code_4(quick: Quick, demo: Demo) -> None:
    done = quick("demo", "--port", demo.url.rsplit(":", 1)[1], "--for", "5s")
    assert done.returncode == 4
    assert "is taken. Stop what listens there" in done.stderr.splitlines()[-1]


def test_without_a_gateway_it_says_how_to_start_one(quick: Quick) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    done = quick("quote", "--url", f"http://127.0.0.1:{port}")
    assert (done.returncode, done.stderr.count("\n")) == (5, 1)
    assert "Start one with `firmquote run` or `firmquote demo`" in done.stderr


def test_a_missing_key_is_one_line_with_exit_code_2(quick: Quick) -> None:
    done = quick("check", "--config", str(LIVE))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "alphavantage: no key in the environment variable FIRMQUOTE_ALPHAVANTAGE_API_KEY" in done.stderr


def test_check_shows_what_is_in_effect_and_no_key(quick: Quick) -> None:
    keys = {"FIRMQUOTE_ALPHAVANTAGE_API_KEY": "hush-one", "FIRMQUOTE_POLYGON_API_KEY": "hush-two"}
    done = quick("check", "--config", str(LIVE), "--json", **keys)
    assert (done.returncode, done.stderr) == (0, "")
    effective = json.loads(done.stdout)
    assert effective["providers"]["polygon"]["stream_url"] == "wss://socket.massive.com/stocks"
    assert "hush" not in done.stdout


def test_an_unknown_key_in_the_file_names_the_nearest(quick: Quick, tmp_path: Path) -> None:
    path = tmp_path / "feeds.yaml"
    path.write_text(LIVE.read_text().replace("shadow_mode", "shadow_mod"))
    done = quick("run", "--config", str(path))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "Did you mean shadow_mode?" in done.stderr


def test_a_wrong_key_is_said_by_the_running_gateway(demo: Demo, tmp_path: Path) -> None:
    path = tmp_path / "feeds.yaml"
    url = f"127.0.0.1:{demo.polygon_port}"
    path.write_text(f"""
feeds: {{quotes: {{live_enabled: true, provider_active: polygon, live_symbols_allowlist: [IBM]}}}}
providers: {{polygon: {{settings: {{stream_url: "ws://{url}/stocks", rest_url: "http://{url}"}}}}}}
serve: {{port: 0, state_dir: {tmp_path}}}
""")
    with subprocess.Popen(
        [*FIRMQUOTE, "run", "--config", str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "FIRMQUOTE_POLYGON_API_KEY": "wrong-key"},
    ) as process:
        assert process.stdout is not None
        heard = next(line for line in process.stdout if "refused_key" in line)
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
    assert process.returncode == 0
    assert "authentication failed" in heard
    assert "wrong-key" not in heard + rest


@pytest.mark.parametrize("command", ["serve", "fault"])
def test_the_lab_has_help_too(quick: Quick, command: str) -> None:
    assert quick("lab", command, "--help").returncode == 0


def test_an_unknown_fault_names_the_known_ones(demo: Demo) -> None:
    done = demo("lab", "fault", "polygon", "explode", "--port", demo.polygon_port)
    assert done.returncode == 2
    assert "freeze-symbols" in done.stderr


def test_a_symbol_is_understood_as_people_type_it(demo: Demo) -> None:
    found = demo.json("quote", "ibm")
    assert isinstance(found, dict)
    assert found["symbol"] == "IBM"


def test_a_symbol_is_explained(quick: Quick) -> None:
    done = quick("symbols", "explain", "BRK/B")
    assert (done.returncode, done.stderr) == (0, "")
    assert "BRK/B means BRK.B (class)" in done.stdout
    assert "alphavantage  BRK-B" in done.stdout


def test_an_old_name_is_followed_to_the_new_one(quick: Quick) -> None:
    histories = Path(__file__).parents[1] / "symbols" / "data"
    args = ("symbols", "explain", "AOL", "--as-of", "2002-01-02", "--map-files", str(histories), "--json")
    done = quick(*args)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["current"] == "TWX"


def test_a_text_with_two_meanings_is_not_guessed(quick: Quick) -> None:
    done = quick("symbols", "explain", "BRK-B")
    assert (done.returncode, done.stderr.count("\n")) == (6, 1)
    assert "BRK.B" in done.stderr


def test_the_failover_drill_moves_the_role_of_a_running_gateway_and_back(demo: Demo) -> None:
    before = {p["name"]: p["role"] for p in json.loads(demo("providers", "--json").stdout)["providers"]}
    refused = demo("drill", "failover", "--live")
    assert (refused.returncode, "--i-want-roles-to-move" in refused.stderr) == (2, True)
    done = demo("drill", "failover", "--live", "--i-want-roles-to-move", "--json")
    report = json.loads(done.stdout.splitlines()[-1])
    assert [check for check in report["checks"] if not check["pass"]] == []
    assert (report["pass"], done.returncode, len(report["checks"])) == (True, 0, 6)
    assert before == {p["name"]: p["role"] for p in json.loads(demo("providers", "--json").stdout)["providers"]}


@pytest.mark.parametrize("error", ["ConfigError", "ValueError"])
def test_whatever_ends_a_command_shows_no_key(error: str) -> None:
    program = f"""
from firmquote.cli import main
from firmquote.cli.app import app
from firmquote.errors import ConfigError
from firmquote.model import Secret
from firmquote.model.redaction import REDACTOR

@app.command()
def fail() -> None:
    key = REDACTOR.learn(Secret("planted-in-a-path"))
    raise {error}(f"https://x.example/{{key.reveal()}}/query?symbol=IBM&apikey=planted-in-a-query was refused")

main()
"""
    done = firmquote("fail", program=[sys.executable, "-c", program])
    assert done.returncode == (2 if error == "ConfigError" else 1)
    assert "https://x.example/***/query?symbol=IBM&apikey=*** was refused" in done.stderr
    assert "planted-in-a-query" not in done.stderr + done.stdout
    done = firmquote("status", "--url", "http://me:planted@127.0.0.1:1/?token=planted")
    assert "no gateway answers at http://***@127.0.0.1:1/?token=***" in done.stderr

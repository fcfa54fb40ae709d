"""The container file, as far as it can be tried without a container engine: its steps fit the repository, its command
runs without capabilities, as nobody in particular, where nothing but its state can be written."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import httpx
import pytest
from tests.docs.live_demo import ROOT
from tests.patience import PATIENCE_S

FILE = ROOT / "deploy" / "container" / "Containerfile"
NOBODY = 10001
CONFIG = """
feeds:
  quotes:
    live_enabled: false
    provider_active: polygon
    live_symbols_allowlist: [SPY]
serve: {port: 0}
"""
CONFINED = """
mount --make-rprivate / && mount --bind "$1" /mnt && mount -o remount,bind,ro / && cd / &&
exec setpriv --reuid 10001 --regid 10001 --clear-groups --bounding-set=-all --inh-caps=-all --no-new-privs \\
  "$2" -m firmquote run --config /mnt/live_feeds.yaml --json
"""


def steps() -> list[tuple[str, str]]:
    """Return every instruction with its arguments; continued lines are joined."""
    text = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", FILE.read_text(), flags=re.MULTILINE))
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in text.splitlines()) if word]


def copied() -> list[str]:
    """Return what is copied from the repository."""
    sources = [rest.split()[:-1] for word, rest in steps() if word == "COPY" and "--from" not in rest]
    return [name for names in sources for name in names]


def test_every_step_fits_the_repository() -> None:
    assert [name for name in copied() if not (ROOT / name).exists()] == []
    runs = " ".join(rest for word, rest in steps() if word == "RUN")
    version = re.search(r"UV_VERSION := (\S+)", (ROOT / "Makefile").read_text())
    assert version is not None
    assert f"uv=={version[1]}" in runs, "the container and make install the same uv"
    tags = re.findall(r"^FROM \S+/python:(\d+\.\d+)-slim", FILE.read_text(), re.MULTILINE)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert len(tags) == 2
    assert all(f"Programming Language :: Python :: {tag}" in project["classifiers"] for tag in tags)


def test_everything_that_the_build_reads_is_copied_and_sent_to_the_builder() -> None:
    whole = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = whole["tool"]["hatch"]["build"]["targets"]["wheel"]
    read = [whole["project"]["readme"], *whole["project"]["license-files"], *wheel["packages"], *wheel["force-include"]]
    for name in (*read, "pyproject.toml", "uv.lock"):
        assert any(name == source or name.startswith(f"{source}/") for source in copied()), name
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    sent = [line.removeprefix("!") for line in ignored if line.startswith("!")]
    assert sorted(sent) == sorted(copied())
    assert not any(fnmatch(name, line) for name in read for line in ignored if not line.startswith(("!", "#", "*")))


def test_the_image_is_made_as_hadolint_wants_it() -> None:
    words = [word for word, _ in steps()]
    assert "ADD" not in words
    assert [rest for word, rest in steps() if word == "USER"] == [str(NOBODY)]
    assert words.index("USER") < words.index("ENTRYPOINT")
    for word in ("ENTRYPOINT", "CMD"):
        (arguments,) = [rest for name, rest in steps() if name == word]
        assert isinstance(json.loads(arguments), list), "exec form: signals reach the gateway"
    assert all(":" in rest and ":latest" not in rest for word, rest in steps() if word == "FROM")
    assert not any(re.search(r"\b(sudo|curl|wget)\b", rest) for word, rest in steps() if word == "RUN")
    assert not any(re.search(r"(KEY|TOKEN|SECRET)\w*=", rest) for word, rest in steps() if word in ("ENV", "ARG"))


@pytest.mark.scenario
def test_the_command_runs_as_nobody_where_only_its_state_can_be_written(tmp_path: Path) -> None:
    tools = all(shutil.which(tool) for tool in ("unshare", "setpriv", "mount"))
    if os.getuid() != 0 or not tools or subprocess.run(["unshare", "--mount", "true"], check=False).returncode != 0:
        pytest.skip("needs root and mount namespaces, to make everything read-only")
    (tmp_path / "live_feeds.yaml").write_text(CONFIG)
    os.chown(tmp_path, NOBODY, NOBODY)
    tmp_path.chmod(0o700)
    (tmp_path / "live_feeds.yaml").chmod(0o644)
    environ = {
        "PATH": os.environ["PATH"], "HOME": "/nonexistent", "FIRMQUOTE_STATE_DIR": "/mnt", "PYTHONDONTWRITEBYTECODE": "1",
    }  # fmt: skip
    process = subprocess.Popen(
        ["unshare", "--mount", "sh", "-c", CONFINED, "sh", str(tmp_path), sys.executable],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        first = process.stdout.readline()
        assert first, process.communicate(timeout=PATIENCE_S)[1]
        url = json.loads(first)["url"]
        status = dict(
            line.split(":", 1) for line in Path(f"/proc/{process.pid}/status").read_text().splitlines() if ":" in line
        )
        assert (status["Uid"].split()[0], status["CapEff"].strip("\t0")) == (str(NOBODY), "")
        assert any(httpx.get(f"{url}/readyz").status_code == 200 for _ in range(2_000))
        token = next(tmp_path.glob("operator-*.token")).read_text()
        engaged = httpx.post(
            f"{url}/v1/switches/symbol:SPY", json={"engaged": True}, headers={"authorization": f"Bearer {token}"}
        )
        assert engaged.json()["persisted"] is True
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=PATIENCE_S) == 0
        assert not list(tmp_path.glob("operator-*.token"))
    finally:
        process.kill()
        process.communicate()

"""The sealed log: nothing is lost once it counts, and whatever is done to its files is found and located."""

import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from firmquote.errors import StoreError
from firmquote.store import Chain, Verification, find_links, read_chain, verify_chain


class Note(Struct):
    words: str


def write(directory: Path, count: int = 6, *, segment_bytes_max: int = 10_000) -> list[Path]:
    with Chain(directory, "log", segment_bytes_max=segment_bytes_max) as chain:
        for number in range(1, count + 1):
            chain.append([Note(f"note {number}")], at_ns=number)
    return sorted(directory.glob("log-*.jsonl"))


def verify(directory: Path) -> Verification:
    return verify_chain(directory, "log")


def rewrite(path: Path, change: Callable[[list[bytes]], list[bytes]]) -> None:
    path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))


def test_what_was_written_is_read_in_order_and_verifies(tmp_path: Path) -> None:
    write(tmp_path)
    assert [msgspec.json.decode(link.body, type=Note).words for link in read_chain(tmp_path, "log", limit=2)] == [
        "note 1",
        "note 2",
    ]
    assert [link.n for link in read_chain(tmp_path, "log", after=4)] == [5, 6]
    found = verify(tmp_path)
    assert (found.good, found.links, found.head_n) == (True, 6, 6)


def test_an_empty_chain_is_good(tmp_path: Path) -> None:
    assert (verify(tmp_path).good, verify(tmp_path).links) == (True, 0)


def test_several_notes_are_written_together(tmp_path: Path) -> None:
    with Chain(tmp_path, "log") as chain:
        assert chain.append([Note("a"), Note("b"), Note("c")], at_ns=1).n == 3
    assert verify(tmp_path).good


def test_the_chain_goes_on_over_segments_and_restarts(tmp_path: Path) -> None:
    write(tmp_path, 20, segment_bytes_max=600)
    with Chain(tmp_path, "log", segment_bytes_max=600) as chain:
        assert (chain.head.n, chain.recovered) == (20, None)
        chain.append([Note("after")], at_ns=21)
    found = verify(tmp_path)
    assert (found.good, found.links) == (True, 21)
    assert found.segments > 3
    assert [link.n for link in read_chain(tmp_path, "log", after=12, limit=3)] == [13, 14, 15]


def swap(lines: list[bytes]) -> list[bytes]:
    return [lines[0], lines[2], lines[1], *lines[3:]]


def test_links_are_found_by_what_is_in_them_newest_first_over_segments(tmp_path: Path) -> None:
    paths = write(tmp_path, 20, segment_bytes_max=600)
    assert [link.n for link in find_links(tmp_path, "log", b'"note 1')] == [19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 1]
    assert [link.n for link in find_links(tmp_path, "log", b'"note 7"', until=7)] == [7]
    assert next(link.n for link in find_links(tmp_path, "log", b"note", until=9)) < 20
    assert list(find_links(tmp_path, "log", b"note 21")) == []
    rewrite(paths[-1], lambda lines: [*lines[:-1], lines[-1].replace(b"note 20", b"note 2x"), b'{"note 20"'])
    assert list(find_links(tmp_path, "log", b"note 19", until=1)) == []
    assert [link.n for link in find_links(tmp_path, "log", b"note 2")] == [2], "what cannot be read is left out"


TAMPERING = [
    pytest.param(lambda ls: [ls[0], ls[1].replace(b"note 2", b"note 9"), *ls[2:]], "edited", 2, 2, id="an edited note"),
    pytest.param(lambda ls: [ls[0], ls[1].replace(b'"n":2', b'"n":7'), *ls[2:]], "edited", 2, 2, id="an edited number"),
    pytest.param(lambda ls: [ls[0], b"{}\n", *ls[2:]], "edited", 2, 2, id="a replaced line"),
    pytest.param(lambda ls: [ls[0], *ls[2:]], "missing", 2, 2, id="a deleted line"),
    pytest.param(lambda ls: [ls[0], *ls[4:]], "missing", 2, 2, id="several deleted lines"),
    pytest.param(lambda ls: ls[1:], "missing", 1, 1, id="the first line deleted"),
    pytest.param(lambda ls: ls[:-1], "truncated", 5, 6, id="the last line cut off"),
    pytest.param(lambda ls: [*ls[:-1], ls[-1][:-9]], "truncated", 5, 6, id="half of the last line cut off"),
    pytest.param(lambda _: [], "truncated", 0, 1, id="emptied"),
    pytest.param(swap, "reordered", 3, 2, id="two lines swapped"),
    pytest.param(lambda ls: [*ls[:2], ls[1], *ls[2:]], "reordered", 3, 2, id="a line twice"),
]


@pytest.mark.parametrize(("change", "kind", "line", "n"), TAMPERING)
def test_tampering_is_found_and_located(
    tmp_path: Path, change: Callable[[list[bytes]], list[bytes]], kind: str, line: int, n: int
) -> None:
    (path,) = write(tmp_path)
    rewrite(path, change)
    (problem,) = verify(tmp_path).problems
    assert (kind, path.name, line, n) == (problem.kind, problem.file, problem.line, problem.n)


def test_a_link_of_another_chain_does_not_fit(tmp_path: Path) -> None:
    (path,) = write(tmp_path / "a")
    with Chain(tmp_path / "b", "log") as other:
        for number in range(1, 7):
            other.append([Note(f"forged {number}")], at_ns=number)
    forged = (tmp_path / "b" / path.name).read_bytes().splitlines(keepends=True)
    rewrite(path, lambda lines: [*lines[:3], forged[3], *lines[4:]])
    assert [(p.kind, p.n) for p in verify(tmp_path / "a").problems] == [("broken", 4), ("broken", 5)]


def test_a_deleted_segment_is_named(tmp_path: Path) -> None:
    paths = write(tmp_path, 20, segment_bytes_max=600)
    paths[1].unlink()
    first, last = (int(path.stem[-12:]) for path in (paths[1], paths[2]))
    (problem,) = verify(tmp_path).problems
    assert ("missing", paths[2].name) == (problem.kind, problem.file)
    assert f"links {first} to {last - 1} are missing" == problem.words


def test_a_whole_rewritten_chain_is_found_by_a_head_that_was_kept_elsewhere(tmp_path: Path) -> None:
    write(tmp_path / "a")
    kept = verify(tmp_path / "a").head_hash
    for path in (tmp_path / "a").iterdir():
        path.unlink()
    with Chain(tmp_path / "a", "log") as forger:
        for number in range(1, 9):
            forger.append([Note(f"forged {number}")], at_ns=number)
    assert verify(tmp_path / "a").good
    assert verify_chain(tmp_path / "a", "log", head=kept).problems[0].kind == "head"


def test_after_damage_the_chain_goes_on_and_the_hole_stays_visible(tmp_path: Path) -> None:
    (path,) = write(tmp_path)
    rewrite(path, lambda lines: lines[:-2])
    with Chain(tmp_path, "log") as chain:
        assert "does not end where its head says" in (chain.recovered or "")
        assert chain.append([Note("on")], at_ns=9).n == 7
    (problem,) = verify(tmp_path).problems
    assert (problem.kind, problem.words) == ("missing", "links 5 to 6 are missing")


def test_a_chain_that_was_closed_before_its_first_link_is_whole(tmp_path: Path) -> None:
    with Chain(tmp_path, "log"):
        pass
    with Chain(tmp_path, "log") as chain:
        assert (chain.recovered, chain.head.n) == (None, 0)
        assert chain.append([Note("first")], at_ns=1).n == 1


def test_what_a_crash_left_half_written_is_cut_off(tmp_path: Path) -> None:
    (path,) = write(tmp_path)
    with path.open("ab") as file:
        file.write(b'{"n":7,"at_ns":7,"prev":"')
    assert verify(tmp_path).good
    with Chain(tmp_path, "log") as chain:
        assert "25 bytes of an unfinished line" in (chain.recovered or "")
        chain.append([Note("on")], at_ns=9)
    assert (verify(tmp_path).good, verify(tmp_path).links) == (True, 7)


def test_a_lost_head_is_said_and_made_anew(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "log.head").unlink()
    assert [problem.kind for problem in verify(tmp_path).problems] == ["head"]
    with Chain(tmp_path, "log") as chain:
        assert chain.head.n == 6
    assert verify(tmp_path).good


def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    with Chain(tmp_path, "log"), pytest.raises(StoreError, match="another process writes this log"):
        Chain(tmp_path, "log")


def test_a_full_disk_leaves_the_chain_as_it_was(tmp_path: Path) -> None:
    chain = Chain(tmp_path, "log")
    chain.append([Note("before")], at_ns=1)
    (path,) = tmp_path.glob("log-*.jsonl")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 20, before[1]))
        with pytest.raises(StoreError, match="the log cannot be written"):
            chain.append([Note("does not fit")], at_ns=2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert (verify(tmp_path).good, verify(tmp_path).links) == (True, 1)
    assert chain.append([Note("room again")], at_ns=3).n == 2
    chain.close()
    assert verify(tmp_path).good


def test_nobody_else_can_read_it(tmp_path: Path) -> None:
    (path,) = write(tmp_path / "audit")
    assert [p.stat().st_mode & 0o777 for p in (tmp_path / "audit", path, tmp_path / "audit" / "log.head")] == [
        0o700,
        0o600,
        0o600,
    ]


WRITER = """
import sys
from pathlib import Path
from msgspec import Struct
from firmquote.store import Chain
class Note(Struct):
    words: str
chain = Chain(Path(sys.argv[1]), "log", segment_bytes_max=2000)
for number in range(10**6):
    print(chain.append([Note("x" * (number % 50))], at_ns=number).n, flush=True)
"""


def test_killed_at_any_moment_nothing_that_counted_is_lost(tmp_path: Path) -> None:
    acknowledged = 0
    for _ in range(4):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, env=os.environ
        ) as writer:
            assert writer.stdout is not None
            for _ in range(25):
                acknowledged = int(writer.stdout.readline())
            writer.kill()
            acknowledged = max([acknowledged, *map(int, writer.stdout.read().split()[:-1])])
        found = verify(tmp_path)
        assert found.problems == ()
        assert found.head_n >= acknowledged


@settings(max_examples=60)
@given(st.data())
def test_any_single_changed_byte_is_found(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    directory = tmp_path_factory.mktemp("chain")
    (path,) = write(directory, 3)
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(bytes(content))
    assert not verify(directory).good


def test_a_chain_that_is_being_written_verifies_at_every_moment(tmp_path: Path) -> None:
    write(tmp_path)
    written = threading.Event()

    def go_on() -> None:
        with Chain(tmp_path, "log", segment_bytes_max=20_000) as chain:
            for number in range(400):
                chain.append([Note(f"more {number}")], at_ns=number)
        written.set()

    writer = threading.Thread(target=go_on)
    writer.start()
    seen = []
    while not written.is_set():
        seen.append(verify(tmp_path))
    writer.join()
    assert [found.problems for found in seen if not found.good] == []
    assert len({found.links for found in seen}) > 3, "it grew meanwhile"

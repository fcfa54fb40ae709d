"""JSON files that owners write while the gateway runs: each is read again when it has changed."""

from pathlib import Path
from typing import Generic, TypeVar

import msgspec
import structlog
from msgspec import Struct

from firmquote.errors import ConfigError

FILE_BYTES_MAX = 1024 * 1024
Row = TypeVar("Row", bound=Struct)
_log = structlog.get_logger("firmquote")


class OwnersFile(Generic[Row]):
    """A JSON array of `row`. While it cannot be read, what was read before stays in force; that is logged once."""

    def __init__(self, name: str | None, row: type[Row]) -> None:
        self._path = None if name is None else Path(name).expanduser()
        self._decoder: msgspec.json.Decoder[list[Row]] = msgspec.json.Decoder(list[row])  # type: ignore[valid-type]  # a type that is a value
        self._seen: tuple[int, int] | None = None

    def check(self) -> None:
        """Read it once, for its errors. Raises ConfigError."""
        self.rows()

    def rows(self) -> list[Row]:
        """Return what it holds now, nothing where none is named. Raises ConfigError."""
        return [] if self._path is None else self._decode(self._path)

    def news(self) -> list[Row] | None:
        """Return what it holds if it has changed since the last call, or `None`."""
        if self._path is None:
            return None
        try:
            stat = self._path.stat()
            mark = (stat.st_mtime_ns, stat.st_size)
        except OSError:
            mark = (0, 0)
        if mark == self._seen:
            return None
        self._seen = mark
        try:
            return self._decode(self._path)
        except ConfigError as error:
            _log.error("file not read", error=str(error))
            return None

    def _decode(self, path: Path) -> list[Row]:
        try:
            with path.open("rb") as file:
                data = file.read(FILE_BYTES_MAX + 1)
            if len(data) > FILE_BYTES_MAX:
                raise ConfigError(f"{path}: longer than {FILE_BYTES_MAX} bytes. Leave out what is over.")
            return self._decoder.decode(data)
        except OSError as error:
            raise ConfigError(f"{path}: cannot be read ({error.strerror}). Write it, or take it out.") from error
        except msgspec.DecodeError as error:
            raise ConfigError(f"{path}: {error}. It holds a JSON array; see docs/how-to/decisions.md.") from error

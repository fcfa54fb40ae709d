"""Every exception Firmquote raises on purpose, as one tree.

    FirmquoteError
      ConfigError          your file or environment is wrong        exit 2
      RefusedError         an order that cannot be carried out now    exit 1
      HotpathViolation     a live call while a decision is made      exit 1
      PortInUseError       the address to serve on is taken          exit 4
      NotRunningError      no gateway answers at the given URL       exit 5
      UnknownSymbolError   the symbol is not served or not a symbol  exit 6
      StoreError           a file of our own cannot be kept          exit 7
        MissingStoreError  the file or its directory is not there
        CorruptStoreError  damaged, or some other program's file
        ReadOnlyStoreError this user may not write it
        FullDiskError      no space left
        StoreBusyError     another process holds it
        StoreVersionError  a newer program wrote it
      BudgetError          nothing may be asked of a provider now    exit 8
      ProviderError        .provider .retryable                      exit 3
        AuthError          the key was refused; never retried
        EntitlementError   the plan does not include this; never retried
        LimitError         .retry_after_s: too many requests or connections
        LineError          the connection broke; reconnects
        WireError          bytes we cannot read; .sample

A bad *quote* is not an exception: it is a `Reason`. Exceptions are for what stops work.
A message says what, where, what was seen, and what to do.
"""

from typing import ClassVar

SAMPLE_BYTES_MAX = 200


class FirmquoteError(Exception):
    """Base of all errors raised on purpose; the CLI prints its message as one line and exits with `exit_code`."""

    exit_code: ClassVar[int] = 1


class ConfigError(FirmquoteError):
    """The configuration or the environment must be fixed by its owner."""

    exit_code = 2


class RefusedError(FirmquoteError):
    """What was ordered makes no sense now, or something stands in its way."""


class HotpathViolation(FirmquoteError):  # noqa: N818 - the name is a contract of DESIGN section 1
    """Somebody tried a live call while a decision was made; it was refused."""


class PortInUseError(FirmquoteError):
    """The address to serve on is taken by another process."""

    exit_code = 4


class NotRunningError(FirmquoteError):
    """No gateway answers at the given URL."""

    exit_code = 5


class UnknownSymbolError(FirmquoteError):
    """The text is no symbol, or a symbol that this gateway does not serve."""

    exit_code = 6


class StoreError(FirmquoteError):
    """A file or database of our own cannot be opened, read or written as it must be."""

    exit_code = 7


class ProviderError(FirmquoteError):
    """Something between us and one provider failed; `retryable` says whether trying again can help."""

    exit_code = 3
    retryable: ClassVar[bool] = True

    def __init__(self, message: str, *, provider: str) -> None:
        super().__init__(message)
        self.provider = provider


class AuthError(ProviderError):
    """The provider refused the key."""

    retryable = False


class EntitlementError(ProviderError):
    """The plan behind the key does not include what was asked for."""

    retryable = False


class LimitError(ProviderError):
    """The provider says that we ask too much; `retry_after_s` is its wish, or `None` where it names none."""

    def __init__(self, message: str, *, provider: str, retry_after_s: float | None = None) -> None:
        super().__init__(message, provider=provider)
        self.retry_after_s = retry_after_s


class LineError(ProviderError):
    """The connection broke, was refused or was closed by the provider."""


class WireError(ProviderError):
    """Bytes that fit no known shape; `sample` holds the first of them, at most 200, without secrets."""

    def __init__(self, message: str, *, provider: str, sample: bytes = b"") -> None:
        super().__init__(message, provider=provider)
        self.sample = bytes(sample[:SAMPLE_BYTES_MAX])


class BudgetError(FirmquoteError):
    """A request was not made, since its budget is spent or nobody knows what was spent."""

    exit_code = 8


class MissingStoreError(StoreError):
    """The file, or the directory that shall hold it, is not there."""


class CorruptStoreError(StoreError):
    """The file is damaged, or not one of ours."""


class ReadOnlyStoreError(StoreError):
    """This user may not write the file or its directory."""


class FullDiskError(StoreError):
    """There is no space left for what must be written."""


class StoreBusyError(StoreError):
    """Another process held the file for longer than we wait."""


class StoreVersionError(StoreError):
    """A newer program wrote the file; reading it with this one could lose what it means."""

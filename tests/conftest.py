"""What tests of several folders share."""

from collections.abc import Iterator

import pytest
from tests.docs.quick import Quick, quick_firmquote


@pytest.fixture(scope="session")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Quick]:
    """A `firmquote` that answers at once."""
    with quick_firmquote(tmp_path_factory.mktemp("programs")) as started:
        yield started

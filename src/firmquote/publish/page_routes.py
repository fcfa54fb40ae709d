"""What the page needs beside the API: the pushed state, and the chart library from its own package."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

from litestar import get
from litestar.exceptions import ServiceUnavailableException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery, HeaderParameter
from litestar.response import File, Stream
from litestar.types import Guard

from firmquote.publish.live import READERS_MAX, LiveStream

CHARTS_CACHE = "private, max-age=86400"
"""The one file that a browser may keep: 4.8 MB that change with the installed package only."""


def page_routes(live: LiveStream, reads: Sequence[Guard] = ()) -> Sequence[HTTPRouteHandler]:
    """Return the routes; `reads` guard what shows quotes."""

    @get("/v1/events/stream", media_type="text/event-stream", guards=list(reads))
    async def stream(
        after: FromQuery[int] = 0, last_event_id: Annotated[int | None, HeaderParameter(name="last-event-id")] = None
    ) -> Stream:
        """Push `state` twice a second and every `change` at once, as server-sent events."""
        if live.full:
            raise ServiceUnavailableException(
                f"{READERS_MAX} streams are open, which is the most. Close a page that nobody looks at."
            )
        return Stream(live.messages(after if last_event_id is None else last_event_id))

    @get("/plotly.js", include_in_schema=False)
    async def charts() -> File:
        """Return plotly.js as the installed package has it."""
        return File(
            charts_file(),
            media_type="text/javascript",
            content_disposition_type="inline",
            headers={"cache-control": CHARTS_CACHE},
        )

    return [stream, charts]


def charts_file() -> Path:
    """Return where the installed `plotly` keeps its JavaScript; the package itself is slow to import and not needed."""
    found = find_spec("plotly")
    assert found is not None, "plotly is a dependency"
    assert found.submodule_search_locations is not None, "plotly is a package"
    return Path(next(iter(found.submodule_search_locations))) / "package_data" / "plotly.min.js"

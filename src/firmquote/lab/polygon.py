"""Polygon as a simulator: its stream and its REST endpoints."""

from firmquote.lab.polygon_rest import PolygonRest
from firmquote.lab.polygon_stream import PolygonDialect
from firmquote.lab.simulator import Kind, World
from firmquote.lab.streams import Streams


def _streams(world: World) -> Streams:
    dialect = PolygonDialect(world.clock, world.faults, world.config.keys, lots=world.config.lots)
    return Streams(dialect, world.clock, world.faults)


POLYGON = Kind(title="Polygon", port=8091, rest=PolygonRest, streams=_streams, stream_path=PolygonDialect.path)

"""Polygon as a simulator: its stream and its REST endpoints."""

from firmquote.lab.polygon_rest import PolygonRest
from firmquote.lab.polygon_stream import PolygonDialect
from firmquote.lab.simulator import Kind

POLYGON = Kind(title="Polygon", port=8091, rest=PolygonRest, dialect=PolygonDialect, stream_path=PolygonDialect.path)

"""What others see: the HTTP API, metrics and the page. Knows nouns only; imports its framework when it serves."""

from firmquote.publish.server import LOOPBACK_NAMES, Tls, bind, preload, serving
from firmquote.publish.view import GatewayView

__all__ = ["LOOPBACK_NAMES", "GatewayView", "Tls", "bind", "preload", "serving"]

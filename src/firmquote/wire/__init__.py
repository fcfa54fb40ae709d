"""Bytes: WebSocket and HTTP transports, the session table, backoff. Knows no provider and no quote."""

from firmquote.wire.backoff import Backoff, BackoffPolicy
from firmquote.wire.http import HttpClient, HttpLimits
from firmquote.wire.session import Effect, Event, Session, State
from firmquote.wire.urls import check_url, is_loopback
from firmquote.wire.websocket import Closed, Socket, SocketLimits, connect

__all__ = [
    "Backoff",
    "BackoffPolicy",
    "Closed",
    "Effect",
    "Event",
    "HttpClient",
    "HttpLimits",
    "Session",
    "Socket",
    "SocketLimits",
    "State",
    "check_url",
    "connect",
    "is_loopback",
]

"""The codes of RFC 6455 that WebSockets are closed with; docs/PROTOCOL.md says when."""

CLOSE_NORMAL = 1000
CLOSE_POLICY = 1008
CLOSE_TRY_AGAIN = 1013

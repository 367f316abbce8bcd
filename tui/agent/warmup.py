"""What the SDK makes with its first run, made before, in a thread: the screen would stand still for it."""

from __future__ import annotations

from agents.tracing import get_trace_provider

from tui.agent.offline import every_event

__all__ = ["rehearse"]


def rehearse() -> None:
    """Have the SDK set up its tracing, which takes a connection's certificates, and the types of a stream's events."""
    get_trace_provider()
    for _ in every_event():
        pass

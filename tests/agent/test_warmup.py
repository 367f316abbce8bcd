"""What the SDK makes with its first run is made before."""

from __future__ import annotations

import subprocess
import sys

FRESH = """
from openai.types.responses import ResponseCompletedEvent, ResponseOutputItemAddedEvent, ResponseTextDeltaEvent
from agents.tracing import setup
from tui.agent.warmup import rehearse

KINDS = ResponseCompletedEvent, ResponseOutputItemAddedEvent, ResponseTextDeltaEvent
print([kind.__pydantic_complete__ for kind in KINDS], setup.GLOBAL_TRACE_PROVIDER is not None)
rehearse()
print([kind.__pydantic_complete__ for kind in KINDS], setup.GLOBAL_TRACE_PROVIDER is not None)
"""


def test_the_types_of_a_stream_and_the_tracing_are_made_by_the_rehearsal() -> None:
    ran = subprocess.run([sys.executable, "-c", FRESH], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines() == ["[False, False, False] False", "[True, True, True] True"]

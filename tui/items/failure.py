"""Failures that items report; items of all types report them in the same ways."""

from __future__ import annotations

from typing import Final

from tui.items.text import part_text

__all__ = ["is_error", "reports_failure"]

_FAILED: Final = frozenset({"failed", "incomplete"})
# The first is what the SDK hands to the model in place of the output of a tool that raised; the others are usual in
# outputs of tools that handle their exceptions.
_BEGINNINGS: Final = ("An error occurred while ", "Error:", "Traceback (most recent call last)")
# What the SDK hands to the model in place of the output of a tool that ran out of time.
_TOOL_TIMEOUT: Final = ("Tool '", "' timed out after ", " seconds.")


def is_error(item: object) -> bool:
    """Return whether an item reports a failure: its own status or error, a failed tool, a command's exit code."""
    if not isinstance(item, dict):
        return False
    status = item.get("status")
    if isinstance(status, str) and status in _FAILED:
        return True
    if item.get("error"):
        return True
    # The output of a program is its `result`.
    output = item.get("output") or item.get("result")
    if isinstance(output, list):
        if any(_command_failed(part) for part in output):
            return True
        return reports_failure(part_text(output))
    return isinstance(output, str) and reports_failure(output)


def reports_failure(output: str) -> bool:
    """Return whether the text of an output reports that its tool failed."""
    if output.startswith(_BEGINNINGS):
        return True
    before, between, after = _TOOL_TIMEOUT
    return output.startswith(before) and between in output and output.endswith(after)


def _command_failed(part: object) -> bool:
    """Return whether a shell command ran into its time limit or ended with an exit code other than 0."""
    outcome = part.get("outcome") if isinstance(part, dict) else None
    if not isinstance(outcome, dict):
        return False
    return outcome.get("type") == "timeout" or bool(outcome.get("exit_code"))

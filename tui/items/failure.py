"""Failures that items report; items of all types report them in the same ways."""

from __future__ import annotations

from typing import Final

from tui.items.text import part_text

__all__ = ["is_error"]

_FAILED: Final = frozenset({"failed", "incomplete"})
# What the SDK hands to the model in place of the output of a tool that raised, or that ran out of time.
_TOOL_FAILURE: Final = "An error occurred while "
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
    output = item.get("output")
    if isinstance(output, list):
        if any(_command_failed(part) for part in output):
            return True
        try:
            return _reports_failure(part_text(output))
        except RecursionError:
            # Lists may be nested nearly as deep as the interpreter allows.
            return False
    return isinstance(output, str) and _reports_failure(output)


def _reports_failure(output: str) -> bool:
    if output.startswith(_TOOL_FAILURE):
        return True
    before, between, after = _TOOL_TIMEOUT
    return output.startswith(before) and between in output and output.endswith(after)


def _command_failed(part: object) -> bool:
    """Return whether a shell command ran into its time limit or ended with an exit code other than 0."""
    outcome = part.get("outcome") if isinstance(part, dict) else None
    if not isinstance(outcome, dict):
        return False
    return outcome.get("type") == "timeout" or bool(outcome.get("exit_code"))

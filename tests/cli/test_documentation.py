"""What `docs/command-line.md` says of the commands is what they say themselves."""

from __future__ import annotations

import argparse
from pathlib import Path

from tui.cli.parsers import COMMANDS, commands_parser

DOCUMENT = Path(__file__).parents[2] / "docs" / "command-line.md"


def commands() -> dict[str, argparse.ArgumentParser]:
    (action,) = (action for action in commands_parser()._actions if isinstance(action, argparse._SubParsersAction))
    return dict(action.choices)


def described() -> str:
    """The commands with their arguments, as Markdown."""
    parts = []
    for name, parser in commands().items():
        rows = []
        for action in parser._actions:
            if isinstance(action, argparse._HelpAction):
                continue
            value = action.metavar or ("|".join(action.choices) if action.choices else "")
            names = [f"{option} {value}".strip() if action.nargs != 0 else option for option in action.option_strings]
            about = (action.help or "one of these").replace("%(default)s", str(action.default))
            shown = ", ".join(f"`{text}`" for text in names or [str(value)])
            rows.append("| " + shown.replace("|", "\\|") + f" | {about} |")
        parts.append(f"### `convo-tui {name}`\n\n{parser.description}\n\n| | |\n|---|---|\n" + "\n".join(rows) + "\n")
    return "\n".join(parts)


def test_every_command_and_option_stands_in_it() -> None:
    text = DOCUMENT.read_text("utf-8")
    assert set(commands()) == set(COMMANDS)
    assert f"<!-- commands -->\n{described()}<!-- /commands -->" in text, (
        f"{DOCUMENT.name} should have, between its marks:\n{described()}"
    )

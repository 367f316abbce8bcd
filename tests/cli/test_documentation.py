"""`docs/command-line.md` describes all commands and options as their help texts do, and all keys of the JSON output."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import Any

from tests.cli.conftest import RunJSON
from tui.cli.parsers import COMMANDS, commands_parser
from tui.model.requests import RequestUsage, SentRequest
from tui.session import AdvancedSQLiteSession

DOCUMENT = Path(__file__).parents[2] / "docs" / "command-line.md"


def commands() -> dict[str, argparse.ArgumentParser]:
    (action,) = (action for action in commands_parser()._actions if isinstance(action, argparse._SubParsersAction))
    return dict(action.choices)


def described() -> str:
    """Return the commands with their arguments, as Markdown."""
    parts = []
    for name, parser in commands().items():
        rows = []
        for action in parser._actions:
            if isinstance(action, argparse._HelpAction):
                continue
            value = action.metavar or ("|".join(action.choices) if action.choices else "")
            names = [f"{option} {value}".strip() if action.nargs != 0 else option for option in action.option_strings]
            help_text = (action.help or "one of these").replace("%(default)s", str(action.default))
            shown = ", ".join(f"`{text}`" for text in names or [str(value)])
            rows.append("| " + shown.replace("|", "\\|") + f" | {help_text} |")
        parts.append(f"### `convo-tui {name}`\n\n{parser.description}\n\n| | |\n|---|---|\n" + "\n".join(rows) + "\n")
    return "\n".join(parts)


def test_every_command_and_option_is_described() -> None:
    text = DOCUMENT.read_text("utf-8")
    assert set(commands()) == set(COMMANDS)
    assert f"<!-- commands -->\n{described()}<!-- /commands -->" in text, (
        f"{DOCUMENT.name} should have, between its marks:\n{described()}"
    )


def keys(value: Any) -> set[str]:
    """Return all keys in a JSON value, without the keys in stored items."""
    if isinstance(value, dict):
        return set(value).union(*(keys(part) for name, part in value.items() if name != "item"))
    return set().union(*map(keys, value)) if isinstance(value, list) else set()


async def recorded_conversation(path: Path) -> Path:
    """Write a conversation whose requests are recorded; the second turn has other instructions."""
    async with AdvancedSQLiteSession(session_id="support", db_path=path, create_tables=True) as session:
        for text in ("hello", "hello again"):
            await session.add_items([{"role": "user", "content": text}])
            items: list[Any] = [*await session.get_items()]
            usage = RequestUsage(2000, 100, 0, 0, 0)
            sent = SentRequest(usage, instructions=text, tools=[], settings={}, items=items)
            await session.record_request(sent, first=True)
    return path


async def test_every_key_of_the_json_output_is_described(conversation: Path, tmp_path: Path, run_json: RunJSON) -> None:
    sections = re.split(r"^### ", DOCUMENT.read_text("utf-8").partition("## JSON")[2], flags=re.MULTILINE)
    usage = sections[0]
    described_in = {section.partition("\n")[0]: section for section in sections[1:]}
    outputs = {
        "list": run_json("list", conversation),
        "tree": run_json("tree", conversation),
        "show": run_json("show", conversation),
        "input": run_json("input", conversation) | dict.fromkeys(("items", "tools", "settings")),
        "usage": [
            run_json("usage", path, "--price-as", "gpt-5-mini")
            for path in (conversation, await recorded_conversation(tmp_path / "recorded.sqlite"))
        ],
        "find": run_json("find", conversation, "there"),
        "compare": run_json("compare", conversation, "main", "alt"),
        "copy": run_json("copy", conversation, tmp_path / "copy.sqlite"),
        "keys": run_json("keys"),
        "export": run_json("export", conversation),
    }
    for name, output in outputs.items():
        described_keys = set(re.findall(r'"(\w+)":|`(\w+)`', usage + described_in[name]))
        missing = keys(output) - {key for pair in described_keys for key in pair}
        assert missing <= {"path", "all"} if name == "usage" else not missing, (name, missing)


def test_every_json_example_is_json() -> None:
    for example in re.findall(r"```json\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL):
        decoder, rest = json.JSONDecoder(), example.strip()
        while rest:
            _, end = decoder.raw_decode(rest)
            rest = rest[end:].strip()

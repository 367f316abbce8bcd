"""What the offline model answers: pure functions of what was said and of what it may call."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from tui.items.text import item_text
from tui.items.types import is_user_message

__all__ = ["Offered", "Reply", "reply"]

_QUOTED: Final = re.compile(r"[\"“”„«‘]([^\"“”«»’]+)[\"“”»’]")
_NUMBER: Final = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w.])")
_COUNT_TO: Final = re.compile(r"\bcount (?:up )?to (\d+)", re.IGNORECASE)
_LEAD_IN: Final = re.compile(r"^\W*(?:(?:on|for|in|with|to|of|about|at|from|the tool|tool)\b\W*)*", re.IGNORECASE)
_MOST_COUNTED: Final = 500
_MOST_QUOTED: Final = 240

_MARKDOWN: Final = """\
Here is a **Markdown sample**, made up *offline*:

1. a list with `code`
2. and a [link](https://example.com)

> A quotation.

| part | share |
|---|---:|
| input | 80 % |
| output | 20 % |

```python
def greet(name: str) -> str:
    return f"Hello, {name}!"
```
"""


class Offered(NamedTuple):
    """A tool, or an agent to hand over to.

    Attributes:
        name: The name of the call.
        aliases: Other names that a message may use.
        schema: JSON schema of its arguments.
    """

    name: str
    aliases: tuple[str, ...]
    schema: Mapping[str, Any]


class Reply(NamedTuple):
    """An answer.

    Attributes:
        text: What is said; empty where tools are called.
        calls: Name and arguments of each call.
        thought: What is thought aloud before.
    """

    text: str = ""
    calls: tuple[tuple[str, dict[str, Any]], ...] = ()
    thought: str = ""


def reply(items: Sequence[Any], offered: Sequence[Offered], schema: Mapping[str, Any] | None = None) -> Reply:
    """Answer a conversation.

    Tools that the last message names are called, with arguments read from it; their outputs are told. Otherwise a few
    words are known: `markdown`, `count to N`, `think`. All else is repeated.

    Args:
        items: The conversation, items of the Responses API.
        offered: What may be called.
        schema: JSON schema of the answer, where it has to be JSON.
    """
    last = max((index for index, item in enumerate(items) if is_user_message(item)), default=-1)
    text = item_text(items[last]).strip() if last >= 0 else ""
    since = items[last + 1 :]
    outputs = [item for item in since if item.get("type") == "function_call_output"]
    if not any(item.get("type") == "function_call" for item in since):
        calls = tuple((each.name, _Guess(text, after).arguments(each.schema)) for each, after in _named(text, offered))
        if calls:
            return Reply(calls=calls, thought=_thought(text))
    if schema is not None:
        return Reply(json.dumps(_Guess(text, text).value(schema, schema), ensure_ascii=False), thought=_thought(text))
    turns = sum(map(is_user_message, items))
    return Reply(_told(since, outputs) if outputs else _said(text, turns), thought=_thought(text))


def _thought(text: str) -> str:
    if not re.search(r"\b(think|reason)", text, re.IGNORECASE):
        return ""
    return f"I look at the {_plural(len(text.split()), 'word')} of the message. I am offline, so that is all I can do."


def _said(text: str, turns: int) -> str:
    if found := _COUNT_TO.search(text):
        return "Counting offline: " + ", ".join(map(str, range(1, min(int(found[1]), _MOST_COUNTED) + 1))) + "."
    if re.search(r"\bmarkdown\b", text, re.IGNORECASE):
        return _MARKDOWN
    if not text:
        return "I am the offline model, and there is nothing that I could repeat."
    return (
        f"I am the **offline** model: no server was asked. You said: “{_short(text)}” That is "
        f"{_plural(len(text.split()), 'word')} and {_plural(len(text), 'character')}, "
        f"in message {turns} of this conversation.\n\n"
        "Name one of my tools and I call it; ask me to *count to 40*, or for a *Markdown sample*."
    )


def _told(since: Sequence[Any], outputs: Sequence[Any]) -> str:
    names = {item.get("call_id"): item.get("name") for item in since if item.get("type") == "function_call"}
    lines = [f"- `{names.get(item.get('call_id'), 'a tool')}`: {_short(item_text(item))}" for item in outputs]
    return "\n".join(["This is what came back; the offline model can only pass it on:", "", *lines])


def _short(text: str) -> str:
    folded = " ".join(text.split())
    return folded if len(folded) <= _MOST_QUOTED else folded[: _MOST_QUOTED - 1] + "…"


def _plural(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _named(text: str, offered: Sequence[Offered]) -> Iterator[tuple[Offered, str]]:
    """What the text names, with the text that follows the name."""
    for each in offered:
        names = "|".join(re.escape(name).replace("_", r"[\s_-]?") for name in (each.name, *each.aliases))
        if found := re.search(rf"(?<!\w)(?:{names})(?!\w)", text, re.IGNORECASE):
            yield each, text[found.end() :]


class _Guess:
    """Arguments read from a message: quoted texts and numbers in their order, else what follows the tool's name."""

    def __init__(self, text: str, after: str) -> None:
        self._rest = _LEAD_IN.sub("", after).strip(" .!?:;,") or text
        self._quoted = iter(_QUOTED.findall(text))
        self._numbers = iter(_NUMBER.findall(after))

    def arguments(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        value = self.value({**schema, "type": "object"}, schema)
        return value if isinstance(value, dict) else {}

    def value(self, schema: Mapping[str, Any], root: Mapping[str, Any], depth: int = 0) -> Any:
        """A value that a schema admits."""
        schema = _resolved(schema, root)
        for fixed in ("const", "default"):
            if fixed in schema:
                return schema[fixed]
        if schema.get("enum"):
            return next((each for each in schema["enum"] if str(each).lower() in self._rest.lower()), schema["enum"][0])
        for choice in ("anyOf", "oneOf"):
            if schema.get(choice):
                return self.value(schema[choice][0], root, depth)
        kind = schema.get("type", "string")
        match kind[0] if isinstance(kind, list) else kind:
            case "object":
                # A schema may hold itself.
                fields = schema.get("properties", {}) if depth < 4 else {}
                return {name: self.value(each, root, depth + 1) for name, each in fields.items()}
            case "array":
                return [self.value(schema["items"], root, depth + 1)] if "items" in schema and depth < 4 else []
            case "integer":
                return int(self._number(schema))
            case "number":
                return self._number(schema)
            case "boolean":
                return True
            case "null":
                return None
            case _:
                return next(self._quoted, self._rest)

    def _number(self, schema: Mapping[str, Any]) -> float:
        number = float(next(self._numbers, 1))
        number = max(number, schema.get("minimum", number))
        return float(min(number, schema.get("maximum", number)))


def _resolved(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    for _ in range(8):
        reference = schema.get("$ref")
        if not isinstance(reference, str):
            break
        found: Any = root
        for part in reference.removeprefix("#/").split("/"):
            found = found.get(part, {}) if isinstance(found, Mapping) else {}
        schema = found
    return schema

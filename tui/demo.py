"""Sample conversations, written through the session class into a file that nobody else needs.

The words are made up, and so are the tokens: they follow from the length of the texts.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, TypeAlias

from tui.session import AdvancedSQLiteSession

__all__ = ["write_demo"]

Items: TypeAlias = list[dict[str, Any]]

_SYSTEM_TOKENS: Final = 320
"""What instructions and tool descriptions would cost in each request."""


async def write_demo(path: Path) -> None:
    """Write several sessions with forks, tools, reasoning, errors and a long branch to a new file."""
    stories: tuple[tuple[str, Callable[[_Story], Awaitable[None]]], ...] = (
        ("changelog-bot", _changelog),
        ("고객지원-7", _support),
        ("arithmetic-marathon", _marathon),
        ("trip-to-lisbon", _trip),
    )
    for session_id, tell in stories:
        async with AdvancedSQLiteSession(session_id=session_id, db_path=path, create_tables=True) as session:
            await tell(_Story(session))


class _Story:
    """Adds turns to a session, and to each the usage that its length would have."""

    def __init__(self, session: AdvancedSQLiteSession) -> None:
        self.session = session
        self._calls = 0

    async def turn(self, text: str | list[dict[str, str]], *answers: Items | str) -> None:
        """A user message and what followed; a plain text is the assistant's."""
        items: Items = [{"role": "user", "content": text}]
        for answer in answers:
            items += [_assistant(answer)] if isinstance(answer, str) else answer
        before = await self.session.get_items()
        await self.session.add_items(items)  # type: ignore[arg-type]
        await self._spend(before, items)

    async def fork(self, turn: int, name: str, source: str = "main") -> None:
        """Go on in a new branch."""
        await self.session.fork(turn, source=source, name=name)

    def call(self, name: str, output: object, /, **arguments: object) -> Items:
        """A tool call and its output."""
        self._calls += 1
        call_id = f"call_{self._calls:03}"
        text = output if isinstance(output, str) else json.dumps(output, ensure_ascii=False)
        return [
            {
                "type": "function_call",
                "call_id": call_id,
                "name": name,
                "arguments": json.dumps(arguments, ensure_ascii=False),
                "status": "completed",
            },
            {"type": "function_call_output", "call_id": call_id, "output": text},
        ]

    async def _spend(self, before: Any, items: Items) -> None:
        requests = 1 + sum(item.get("type", "").endswith("_call") for item in items)
        history = _SYSTEM_TOKENS + _tokens(before)
        sent = _tokens(items[:-1])
        output = _tokens(
            [item for item in items if "output" not in item.get("type", "") and item.get("role") != "user"]
        )
        reasoning = _tokens([item for item in items if item.get("type") == "reasoning"])
        total = history * requests + sent
        cached = history // 64 * 64 * (requests - 1) + (_tokens(before) // 64 * 64)
        usage = SimpleNamespace(
            requests=requests,
            input_tokens=total,
            output_tokens=output,
            total_tokens=total + output,
            input_tokens_details=SimpleNamespace(cached_tokens=cached),
            output_tokens_details=SimpleNamespace(reasoning_tokens=reasoning),
        )
        result = SimpleNamespace(context_wrapper=SimpleNamespace(usage=usage))
        await self.session.store_run_usage(result)  # type: ignore[arg-type]


def _tokens(items: Any) -> int:
    return len(json.dumps(items, ensure_ascii=False)) // 4


def _assistant(text: str) -> dict[str, Any]:
    return {
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": text, "annotations": []}],
    }


def _reasoning(*summary: str) -> Items:
    return [{"type": "reasoning", "summary": [{"type": "summary_text", "text": text} for text in summary]}]


_HOTELS: Final = [
    {"id": 17, "name": "Ribeira Rooms", "price": 118, "rating": 8.4, "walk_to_river": "2 min"},
    {"id": 23, "name": "Casa do Cais", "price": 132, "rating": 9.1, "walk_to_river": "1 min"},
    {"id": 31, "name": "Alfama View", "price": 96, "rating": 8.0, "walk_to_river": "9 min"},
]

_PLAN: Final = """\
Here is the plan, ready to paste:

| Day | Morning | Afternoon | Evening |
|:----|:--------|:----------|:--------|
| Thu 12 | Arrive, drop the bags | Baixa and the river | Fado in Alfama |
| Fri 13 | Belém: tower, monastery | Pastéis, then the museum | Dinner in Santos |
| Sat 14 | Sintra by train (40 min) | Pena palace | Back by nine |
| Sun 15 | Feira da Ladra market | Miradouros | Packing |

**Booked:** *Casa do Cais*, 12–16 March, 528 €. Everything else is open.
"""


async def _trip(story: _Story) -> None:
    call = story.call
    await story.turn(
        "I have four days in Lisbon in March. What will the weather be like, and what should I pack?",
        _reasoning(
            "March is early spring there. I should look at the climate figures rather than guess, then pack for rain."
        ),
        call("get_climate", {"high_c": 18, "low_c": 11, "rain_days": 9, "sun_h": 6.5}, city="Lisbon", month="March"),
        "Mild and changeable: **18 °C** by day, **11 °C** at night, and rain on about nine days of the month.\n\n"
        "Pack\n\n- a light rain jacket\n- layers rather than one thick coat\n- shoes with grip: the pavement is "
        "polished limestone, and it is *slippery* when wet",
    )
    await story.turn(
        "Find me a hotel near the river for under 140 € a night.",
        call("search_hotels", _HOTELS, city="Lisbon", near="Tagus", max_price=140),
        "Three fit. I would take the second:\n\n1. **Ribeira Rooms**: 118 €, rated 8.4, 2 minutes to the river\n"
        "2. **Casa do Cais**: 132 €, rated 9.1, 1 minute to the river\n3. **Alfama View**: 96 €, rated 8.0, 9 minutes",
    )
    await story.turn(
        "Book the second one for 12–16 March.",
        call(
            "book_hotel",
            "An error occurred while running the tool. Please try again. Error: card ending 4421 was declined",
            hotel=23,
            arrive="2026-03-12",
            leave="2026-03-16",
            card="4421",
        ),
        "The booking did not go through: the card ending in **4421** was declined. Nothing has been charged. "
        "Shall I try another card?",
    )
    await story.turn(
        "Use the other card, please.",
        _reasoning("The same booking, with the second card on file."),
        call("book_hotel", {"status": "confirmed", "reference": "CDC-8841", "total": 528}, hotel=23, card="9027"),
        "Done. *Casa do Cais*, 12–16 March, **528 €** in all. Your reference is `CDC-8841`.",
    )
    await story.turn("Put the whole plan into a table I can paste into my notes.", _PLAN)

    await story.fork(3, "hostel")
    await story.turn(
        "That is more than I wanted to spend. Is there a good hostel with a kitchen?",
        call("search_hostels", [{"name": "Independente", "price": 34}, {"name": "Lookout", "price": 29}], kitchen=True),
        "Two good ones: **Independente** (34 €, the nicer kitchen) and **Lookout** (29 €, the better terrace).",
    )
    await story.turn(
        "I sleep badly. Which one is quieter?",
        call(
            "read_reviews",
            "…'street noise until two' … 'thin walls' … 'bring ear plugs'",
            hostel="Lookout",
            about="noise",
        ),
        call("read_reviews", "…'slept like a stone' … 'quiet courtyard rooms'", hostel="Independente", about="noise"),
        "**Independente**, if you ask for a room on the courtyard. Reviews of *Lookout* mention noise until two.",
    )
    await story.turn(
        "Then Independente, three nights.", "Good choice. I have noted three nights; say *book* to go ahead."
    )

    await story.fork(4, "two-friends", source="hostel")
    await story.turn(
        "Two friends are coming along. Does either have a private room for three?",
        call(
            "search_rooms", [{"hostel": "Independente", "room": "suite", "beds": 3, "price": 112}], beds=3, private=True
        ),
        "*Independente* has one suite with three beds for **112 €** a night, which is 37 € each.",
    )

    await story.fork(2, "porto")
    await story.turn(
        "Forget Lisbon. Would Porto be better in March?",
        _reasoning("Porto is wetter and cooler in March. Compare the figures before advising."),
        call("get_climate", {"high_c": 16, "low_c": 8, "rain_days": 12, "sun_h": 5.4}, city="Porto", month="March"),
        "For weather, no: Porto is two degrees cooler and has about three more rainy days. For *port lodges* and a "
        "smaller, cheaper city, yes.",
    )

    await story.fork(1, "서울")
    await story.turn(
        "3월 말에 서울에서 나흘을 보내요. 벚꽃 🌸 은 언제 피나요?",
        call("get_bloom", {"도시": "서울", "개화": "3월 31일", "만개": "4월 6일"}, city="서울"),
        "올해 서울의 벚꽃은 **3월 31일** 무렵에 피기 시작해 **4월 6일**쯤 활짝 필 것으로 보여요. 🌸\n\n"
        "- 여의도 윤중로\n- 석촌호수\n- 남산 둘레길",
    )
    await story.turn("여의도는 사람이 많나요? 👀", "주말에는 아주 많아요. 평일 아침 8시 이전을 추천해요. ☕")

    await story.session.switch_to_branch("main")
    await story.turn("And which of those days should I keep for Sintra if it rains?", _SINTRA)


_SINTRA: Final = """\
Keep **Saturday** for Sintra, and swap it with Friday if the forecast says rain:

```python
def plan(forecast):
    days = ["Fri", "Sat"]
    sintra = min(days, key=lambda day: forecast[day]["rain_mm"])
    return {"Sintra": sintra, "Belém": (set(days) - {sintra}).pop()}
```

> The palace sits in cloud more often than the city does. Look at the webcam before you leave.
"""


async def _changelog(story: _Story) -> None:
    await story.session.add_items(
        [{"role": "system", "content": "You write changelogs. One sentence for each change."}]
    )
    await story.turn(
        "What changed since v1.3.0?",
        [
            {
                "type": "shell_call",
                "call_id": "sh_1",
                "action": {"commands": ["git log --oneline v1.3.0..HEAD"], "timeout_ms": 10000},
                "status": "completed",
            },
            {
                "type": "shell_call_output",
                "call_id": "sh_1",
                "output": [
                    {
                        "stdout": "9f2c1aa Retry uploads that time out\n51be0c4 Show the size of an attachment\n",
                        "stderr": "",
                        "outcome": {"type": "exit", "exit_code": 0},
                    }
                ],
            },
        ],
        "Two changes:\n\n- Uploads that time out are tried again.\n- Attachments show their size.",
    )
    await story.turn(
        "Put that into CHANGELOG.md.",
        [
            {
                "type": "apply_patch_call",
                "call_id": "ap_1",
                "status": "completed",
                "operation": {
                    "type": "update_file",
                    "path": "CHANGELOG.md",
                    "diff": "@@\n # Changelog\n+\n+## Unreleased\n+- Uploads that time out are tried again.\n"
                    "+- Attachments show their size.\n",
                },
            },
            {"type": "apply_patch_call_output", "call_id": "ap_1", "status": "completed", "output": "1 file changed"},
        ],
        "Written, under **Unreleased**.",
    )
    await story.turn(
        "Is there an issue for the upload problem?",
        [
            {
                "type": "mcp_call",
                "id": "mcp_1",
                "server_label": "tracker",
                "name": "search",
                "arguments": '{"query": "upload timeout"}',
                "error": "tracker did not answer within 30 s",
            }
        ],
        "I could not reach the tracker, so I do not know. I left the reference out.",
    )
    await story.turn(
        [
            {"type": "input_text", "text": "Does this screenshot show the new size label?"},
            {
                "type": "input_image",
                "image_url": "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlE",
            },
        ],
        "Yes: *2.4 MB*, to the right of the file's name.",
    )


async def _support(story: _Story) -> None:
    await story.turn(
        "안녕하세요! 👋 지난주에 주문한 이어폰이 아직 안 왔어요. 주문번호는 A-20391입니다.",
        story.call("find_order", {"상태": "배송 중", "위치": "대전 허브", "도착 예정": "내일"}, order="A-20391"),
        "불편을 드려 죄송합니다. 🙇 현재 **대전 허브**에 있고, **내일** 도착할 예정입니다.",
    )
    await story.turn(
        "내일은 집에 없어요. 다른 날로 바꿀 수 있을까요? 🗓️",
        story.call("reschedule", {"결과": "완료", "날짜": "금요일"}, order="A-20391", day="금요일"),
        "네, **금요일**로 바꾸었습니다. 오전 10시에서 12시 사이에 도착합니다. 📦",
    )
    await story.fork(2, "환불")
    await story.turn(
        "그냥 환불해 주세요. 😕",
        _reasoning("규정: 배송 중인 주문은 받은 뒤에 환불할 수 있다."),
        "이해합니다. 상품을 받으신 뒤 **7일 안에** 무료로 반품하실 수 있어요.",
    )


async def _marathon(story: _Story) -> None:
    for number in range(1, 121):
        left, right = 7 * number + 5, 3 * number + 11
        answer = f"{left} × {right} = **{left * right:,}**"
        if number % 10 == 0:
            work = f"{left} × {right} is {left} × {right // 10 * 10} plus {left} × {right % 10}."
            await story.turn(f"And now {left} times {right}?", _reasoning(work), answer)
        elif number % 4 == 0:
            product = story.call("multiply", left * right, left=left, right=right)
            await story.turn(f"What is {left} times {right}? Use the calculator.", product, answer)
        else:
            await story.turn(f"What is {left} times {right}?", answer)
    await story.fork(61, "halfway")
    await story.turn("Stop here. Which product was the largest so far?", "The last one, as both factors only grow.")

"""Search in a file: its hits, their branches, and how few items it decodes."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import aclosing, closing
from itertools import pairwise, product
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias
from unicodedata import normalize

import psycopg
import pytest
from agents import SQLiteSession
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conversations import assistant_message, open_sdk, turn
from tests.databases import Place, editor_of, on_file, open_other, plain_session, rows
from tests.postgres_server import new_schema
from tui.errors import QueryError
from tui.items.text import searchable_texts
from tui.model import Session
from tui.model.query import Query, parse_query, passage_query
from tui.model.search import Hit, SearchResults, SearchScope, SearchTarget
from tui.storage.dialect import Dialect
from tui.storage.postgres.dialect import POSTGRES
from tui.storage.postgres.engine import PostgresTransaction
from tui.storage.postgres.schema import SchemaInfo
from tui.storage.search_filter import required_literal
from tui.storage.search_prefilter import may_contain
from tui.storage.sql import NamedValues
from tui.storage.sqlite.dialect import SQLITE
from tui.storage.store import Store
from tui.storage.tables import Tables

Holds: TypeAlias = Callable[[Callable[[Dialect], str], NamedValues], bool]

SUPPORT = Session("support")
CALL, OUTPUT = "function_call", "function_call_output"


def user(text: str) -> Any:
    return {"role": "user", "content": text}


def reasoning(text: str) -> Any:
    return {"type": "reasoning", "id": "r", "summary": [{"type": "summary_text", "text": text}]}


def call(name: str, arguments: Any, call_id: str = "c9") -> Any:
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": text}


def output(text: Any, call_id: str = "c9") -> Any:
    return {"type": "function_call_output", "call_id": call_id, "output": text}


@pytest.fixture
async def both(place: Place) -> Place:
    """Write the two sessions of `converse` to a database."""
    await converse(place)
    return place


async def converse(place: Place) -> None:
    """Fill two sessions: support with main (turns 1 to 4) and alt (forked at turn 3), billing with one turn."""
    billing = open_other(place, "billing")
    await billing.add_items(turn("Send me the invoice for Oslo", "Sent."))
    billing.close()
    support = open_other(place)
    await support.add_items(turn("Hello, can you help me?"))
    await support.add_items(turn("What is the weather in Oslo?", "Rain in OSLO.", tool="get_weather"))
    await support.add_items(turn("And tomorrow?", "Sun."))
    await support.create_branch_from_turn(3, "alt")
    await support.add_items(turn("In Fahrenheit, please", "54 °F in oslo"))
    await support.switch_to_branch("main")
    await support.add_items([user("Plot it"), call("plot", {"title": "Straße in İzmir"})])
    await support.add_items([output("An error occurred while running the tool. No such file: Ölstand.csv")])
    await support.add_items([reasoning("Why Oslo?")])
    support.close()


async def find(
    place: Place,
    query: str | Query,
    scope: str = "session",
    branch: str = "main",
    session: Session = SUPPORT,
    **limit: int,
) -> SearchResults:
    store = Store(place)
    results = SearchResults()
    try:
        asked = parse_query(query) if isinstance(query, str) else query
        async for found in store.search(asked, SearchTarget(SearchScope(scope), session, branch), **limit):
            results.add(found)
    finally:
        store.close()
    assert results.progress == pytest.approx(1)
    return results


async def contexts(place: Place, query: str, scope: str = "session", branch: str = "main") -> list[str]:
    return [hit.context for hit in await find(place, query, scope, branch)]


def marked(hit: Hit) -> str:
    return hit.context[hit.start : hit.end]


async def test_all_texts_are_found_in_any_case_the_newest_first(both: Place) -> None:
    results = await find(both, "oslo")
    assert [(hit.turn, hit.type, hit.tool_name, marked(hit)) for hit in results] == [
        (4, "reasoning", None, "Oslo"),
        (3, "assistant", None, "oslo"),
        (2, "user", None, "Oslo"),
        (2, "function_call", "get_weather", "Oslo"),
        (2, "assistant", None, "OSLO"),
    ]


async def test_an_item_that_branches_share_is_one_hit_with_all_of_them(both: Place) -> None:
    results = await find(both, "weather in oslo")
    assert [results.branches(hit) for hit in results] == [("main", "alt")]
    assert results.decoded == 1


async def test_the_open_session_comes_before_others(both: Place) -> None:
    results = await find(both, "OSLO", "file")
    assert [hit.session_id for hit in results] == ["support"] * 5 + ["billing"]
    assert await contexts(both, "invoice", "session") == []


async def test_a_branch_is_searched_alone(both: Place) -> None:
    assert [hit.turn for hit in await find(both, "oslo", "branch", "alt")] == [3, 2, 2, 2]


async def test_the_structure_of_an_item_is_not_found_and_not_decoded(both: Place) -> None:
    for word in ("function_call", "output_text", "summary_text", "completed", '"content"', "annotations"):
        results = await find(both, word, "file")
        assert (list(results), results.decoded) == ([], 0)


FILTERS: Final[tuple[tuple[str, list[tuple[int, str]]], ...]] = (
    ("tool:get_weather", [(2, CALL), (2, OUTPUT)]),
    ("tool:GET_* rain", [(2, OUTPUT)]),
    ("tool:p*", [(4, CALL), (4, OUTPUT)]),
    ("type:function_call", [(4, CALL), (2, CALL)]),
    ("type:function_call*", [(4, CALL), (4, OUTPUT), (2, CALL), (2, OUTPUT)]),
    ("role:user oslo", [(2, "user")]),
    ("role:assistant oslo", [(3, "assistant"), (2, "assistant")]),
    ("role:tool oslo", [(2, CALL)]),
    ("role:US* oslo", [(2, "user")]),
    ("role:t* oslo", [(2, CALL)]),
    ("branch:alt turn:3", [(3, "user"), (3, "assistant")]),
    ("branch:a* oslo role:assistant", [(3, "assistant"), (2, "assistant")]),
    ("turn:1", [(1, "user"), (1, "assistant")]),
    ("turn:2-3 role:user", [(3, "user"), (3, "user"), (2, "user")]),
    ("turn:4- role:user turn:1", [(4, "user"), (1, "user")]),
    ("error:yes", [(4, OUTPUT)]),
    ("error:no turn:4", [(4, "user"), (4, CALL), (4, "reasoning")]),
    ('"weather in" "oslo?"', [(2, "user")]),
    ('"12" rain', [(2, OUTPUT)]),
    ("session:bill*", []),
)


async def test_filters(both: Place) -> None:
    for query, found in FILTERS:
        assert [(hit.turn, hit.type) for hit in await find(both, query)] == found, query


async def test_filters_take_titles(both: Place) -> None:
    editor = editor_of(both)
    await editor.label("support", "alt", title="Other units", description="Named")
    await editor.label("billing", None, title="Paid", description="Named")
    # A branch of this name in another session has no title.
    await editor.fork("billing", "main", 2, "alt")
    alt = [(3, "user"), (3, "assistant")]
    for query, scope, found in (
        ('branch:"other UNITS" turn:3', "session", alt),
        ("branch:other* turn:3", "file", alt),
        ("branch:other* branch:main role:user turn:3-", "session", [(4, "user"), (3, "user"), (3, "user")]),
        ("session:paid", "file", [(1, "user"), (1, "assistant")]),
        ("session:paid branch:other*", "file", []),
    ):
        results = await find(both, query, scope)
        assert [(hit.turn, hit.type) for hit in results] == found, query


@pytest.mark.parametrize(
    ("query", "message"),
    [
        *(
            (f"oslo turn:{value}", "turn: takes a number, or a range such as 3-5.")
            for value in ("x", "-", "3-x", '"3"')
        ),
        ("turn:5-3", "turn:5-3 is reversed: write turn:3-5."),
        ("error:maybe oslo", "error: takes yes or no."),
        *(
            (f'{name}:"my branch', f"{name}: takes a name, in quotes if it has blanks.")
            for name in ("tool", "type", "role", "branch", "session")
        ),
    ],
)
def test_a_filter_with_an_invalid_value_is_an_error(query: str, message: str) -> None:
    with pytest.raises(QueryError) as raised:
        parse_query(query)
    assert str(raised.value) == message


@pytest.mark.parametrize("text", ["error: no such file", "https://x.org", "return:x", "Turn:x", "a turn:", "x.turn:x"])
def test_words_before_a_colon_that_are_no_filter_are_text(text: str) -> None:
    assert parse_query(text).needles == (text,)


async def test_a_session_filter_in_the_file(both: Place) -> None:
    assert [hit.session_id for hit in await find(both, "oslo session:bill*", "file")] == ["billing"]


async def test_roles_other_than_user_and_assistant(place: Place) -> None:
    sdk = open_other(place)
    contents = {"system": "Be brief", "developer": "Be brave", "critic": "Be bold"}
    await sdk.add_items([{"role": role, "content": content} for role, content in contents.items()])  # type: ignore[misc]
    sdk.close()
    assert await contexts(place, "role:system") == ["Be brief"]
    assert await contexts(place, "be role:DEVELOPER") == ["Be brave"]
    # Also one that is not known today, which is explained only where there is none.
    assert await contexts(place, "role:critic") == ["Be bold"]
    known = "user, assistant, system, developer, tool"
    assert parse_query("role:critic").mistake_hint == f"no such role; known: {known}"
    suggested = "reasoning, user, assistant, message, other, function_call, function_call_output, …"
    assert parse_query("type:reasonning").mistake_hint == f"no such type; known: {suggested}"
    assert not parse_query("role:Dev* type:function_* tool:critic").mistake_hint
    assert (
        parse_query("oslo role: bob").mistake_hint
        == f"no value right after role:, so it was searched as text; values: {known}"
    )
    assert parse_query("branch:'By car'").mistake_hint == 'quotation marks hold words together: branch:"two words"'
    assert parse_query("turn: 3").mistake_hint.endswith("; values: a number, or a range such as 3-5")
    assert not parse_query("https://x.org a:b xrole: Role:").mistake_hint


SCRIPTS: Final = (
    ("Die Straße ist lang", "STRASSE", "Straße"),
    ("STRASSE", "straße", "STRASSE"),
    ("istanbul, İSTANBUL", "İstanbul", "istanbul"),
    ("İSTANBUL", "istanbul", "İSTANBUL"),
    ("ΣΊΣΥΦΟΣ", "σίσυφος", "ΣΊΣΥΦΟΣ"),
    ("ПРИВЕТ", "привет", "ПРИВЕТ"),
    ("the \ufb01le", "FILE", "\ufb01le"),
    ("273 \u212a", "273 k", "273 \u212a"),
    ("데이터베이스 연결은", "이터베이", "이터베이"),
    ("数据库连接", "库连", "库连"),
    ("エラーが発生しました", "エラー", "エラー"),
    ("well 😀 done", "😀 DONE", "😀 done"),
    ('say "hi" twice', '"say ""hi"" twice"', ""),
    ('say "hi" twice', 'say "hi" twice', ""),
    ("C:\\temp\\new", "c:\\TEMP\\new", "C:\\temp\\new"),
    ("100 % of_it", "0 % of_", "0 % of_"),
    ("a\nb", '"a\nb"', "a b"),
)
"""A text that is stored, what is searched for, and what is found; nothing for a part of a JSON text."""


async def test_scripts_and_escapes(place: Place) -> None:
    for number, (stored, _, _) in enumerate(SCRIPTS):
        sdk = open_other(place, f"{number}")
        in_json = output(json.dumps([{"text": stored}]))
        await sdk.add_items([user(stored), output(stored), call("note", {"text": stored}), in_json, user("Nothing.")])
        sdk.close()
    for number, (_, query, shown) in enumerate(SCRIPTS):
        asked = query if shown else passage_query('"hi" TWICE')
        results = await find(place, asked, session=Session(f"{number}"))
        assert [marked(hit) for hit in results] == [shown or '"hi" twice'] * 4
        assert results.decoded == 4


@pytest.fixture(params=["sqlite", "postgres"])
def holds(request: pytest.FixtureRequest) -> Iterator[Holds]:
    """True if a condition, which a function returns, holds in a database for the text `stored`."""
    if request.param == "sqlite":
        with closing(sqlite3.connect(":memory:")) as file:
            yield lambda condition, values: bool(
                file.execute(f"SELECT {condition(SQLITE)} FROM (SELECT :stored AS d)", values).fetchone()[0]
            )
        return
    info = SchemaInfo(Tables(), "", "", frozenset())
    with psycopg.connect(request.getfixturevalue("postgres_server")) as server:
        tx = PostgresTransaction(server, info, None, is_read_only=True)
        source = "FROM (SELECT CAST(:stored AS TEXT) AS d) AS t"
        yield lambda condition, values: bool(
            tx.execute(f"SELECT {condition(POSTGRES)} {source}", **values).fetchall()[0][0]
        )


@pytest.mark.parametrize("ascii_escapes", [True, False])
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_row_that_contains_a_text_is_left_out(holds: Holds, data: st.DataObject, ascii_escapes: bool) -> None:
    """Compare the condition on the stored item with a search in its texts."""
    letters = st.sampled_from('abkKsSßẞſfiﬁﬃtliİıéÉσςΣΐ데터数😀𐐀𐐨ŉ"\\/%_ \n\t\x00')
    text = data.draw(st.text(letters, max_size=12))
    nested = data.draw(st.booleans())
    start = data.draw(st.integers(0, len(text)))
    needle = data.draw(st.one_of(st.just(text[start : start + 4]), st.text(letters, min_size=1, max_size=3)))
    needle = data.draw(st.sampled_from([needle, needle.upper(), needle.lower(), needle.casefold()]))
    inner = json.dumps({"k": text}, ensure_ascii=ascii_escapes) if nested else text
    stored = json.dumps({"role": "user", "content": inner}, ensure_ascii=ascii_escapes)
    texts = list(searchable_texts(json.loads(stored)))
    if needle and any(Query((needle,)).spans(text) for text in texts):
        values = NamedValues(stored=stored)
        assert holds(lambda dialect: may_contain(needle, "d", dialect, values.bind), values)


@given(st.text("aAsSßſiİfﬁkσς ", max_size=14), st.text("asßiİfﬁkσ ", min_size=1, max_size=4))
def test_matches_begin_and_end_between_characters(text: str, needle: str) -> None:
    def folded(piece: str) -> str:
        return piece.replace("İ", "i").casefold()

    spans = [
        (start, end)
        for start in range(len(text))
        for end in range(start + 1, len(text) + 1)
        if folded(text[start:end]) == folded(needle)
    ]
    found = Query((needle,)).spans(text)
    assert set(found) <= set(spans)
    assert bool(found) == bool(spans)
    assert all(before[1] <= after[0] for before, after in pairwise(found))


LIGATURE_WITH_MARK = re.compile("[ﬁﬃßẞŉ][\u0300-\u036f]")
"""A text that the condition misses: the mark is composed with the last letter of the ligature alone."""

Form: TypeAlias = Literal["NFC", "NFD"]

FORMS: Final[tuple[Form, ...]] = ("NFC", "NFD")


async def test_a_text_is_found_in_any_normal_form(place: Place) -> None:
    texts = ("café", "한국", "ệ", "が", "CAFÉ", "ἂ")
    for text in texts:
        sdk = open_other(place, text)
        await sdk.add_items([user(f"a {normalize(form, text)} b") for form in FORMS])
        sdk.close()
    for text, form in product(texts, FORMS):
        for asked in (normalize(form, text), f"/a {normalize(form, text)}/"):
            assert len(await find(place, asked, session=Session(text))) == len(FORMS)
        spans = [Query((normalize(form, text.lower()),)).spans(f"a {normalize(held, text)} b") for held in FORMS]
        assert spans == [[(2, 2 + len(normalize(held, text)))] for held in FORMS]


@given(
    st.text("eE\u0301\u0302\u0323éệ가각\u1100\u1161\u11a8 ", max_size=10),
    st.text("eé\u0301ệ가\u1161", min_size=1, max_size=3),
)
def test_matches_are_of_the_same_text_in_another_normal_form(text: str, needle: str) -> None:
    for start, end in Query((needle,)).spans(text):
        found = normalize("NFC", text[start:end])
        assert normalize("NFC", found.casefold()) == normalize("NFC", normalize("NFC", needle).casefold())


words = st.sampled_from(["rain", "Regen", "straße", "비", "雨", 'a "b" c', "x\\y", "line\nend", "{}", "📈", "Ärger"])
content = st.lists(words, min_size=1, max_size=4).map(" ".join)
items = st.one_of(
    content.map(lambda text: {"role": "user", "content": text}),
    content.map(lambda text: {"role": "user", "content": [{"type": "input_text", "text": text}]}),
    content.map(assistant_message),
    content.map(lambda text: call("search", {"q": text, "n": 3})),
    content.map(output),
    content.map(lambda text: output([{"type": "input_text", "text": text}, {"type": "input_image", "image_url": "data:image/png;base64,rain"}])),  # noqa: E501
    content.map(lambda text: {"type": "local_shell_call", "action": {"command": ["echo", *text.split()]}, "call_id": "rain"}),  # noqa: E501
    content.map(lambda text: {"type": "something", "deep": [{"er": {"text": text}}]}),
)  # fmt: skip

some = st.lists(items, max_size=5)


conversations = given(
    first=st.lists(items, max_size=5), other=st.lists(items, max_size=5), asked=st.lists(words, min_size=1, max_size=2)
)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@conversations
async def test_a_search_finds_the_same_as_looking_at_every_item(
    tmp_path_factory: pytest.TempPathFactory, first: list[Any], other: list[Any], asked: list[str]
) -> None:
    await search_and_look(tmp_path_factory.mktemp("oracle") / "oracle.sqlite", first, other, " ".join(asked))


@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@conversations
async def test_a_search_of_a_server_finds_the_same_as_looking_at_every_item(
    postgres_server: str, first: list[Any], other: list[Any], asked: list[str]
) -> None:
    await search_and_look(new_schema(postgres_server), first, other, " ".join(asked))


async def search_and_look(place: Place, first: list[Any], other: list[Any], needle: str) -> None:
    sdk = open_other(place)
    await sdk.add_items([{"role": "user", "content": "begin"}, *first])
    await sdk.add_items([{"role": "user", "content": "on"}])
    await sdk.create_branch_from_turn(2, "alt")
    await sdk.add_items([{"role": "user", "content": "else"}, *other])
    held = {name: await sdk.get_items(branch_id=name) for name in ("main", "alt")}
    sdk.close()
    store = Store(place)
    stored = {item.message_id: item.data for name in held for item in (await store.page(SUPPORT, name, 0, 99)).items}
    store.close()

    def readable(item: Any) -> str:
        parts: list[str] = []
        for key in ("content", "arguments", "output", "action", "deep"):
            value = item.get(key)
            if isinstance(value, str):
                parts.append(" ".join(json.loads(value)["q"].split("\0")) if key == "arguments" else value)
            elif isinstance(value, dict):
                parts.append(" ".join(value["command"]))
            elif value:
                parts += [each.get("text", "") if "er" not in each else each["er"]["text"] for each in value]
        return "\0".join(parts).casefold()

    for scope, branches in (("branch", ["main"]), ("session", ["main", "alt"])):
        results = await find(place, Query((needle,)), scope)
        expected = {canonical(item) for name in branches for item in held[name] if needle.casefold() in readable(item)}
        assert len({hit.message_id for hit in results}) == len(results.hits)
        assert {canonical(stored[hit.message_id]) for hit in results} == expected


def canonical(item: Any) -> str:
    return json.dumps(item, sort_keys=True)


async def test_regular_expressions(both: Place) -> None:
    assert [marked(hit) for hit in await find(both, "/r(ai|ui)n/")] == ["rain", "Rain"]
    assert [marked(hit) for hit in await find(both, r"/^in \w+,/")] == ["In Fahrenheit,"]
    assert [hit.turn for hit in await find(both, "/x*/")] == []
    with pytest.raises(QueryError, match="missing"):
        parse_query("/(a/")


async def test_only_items_that_can_match_a_regular_expression_are_decoded(both: Place) -> None:
    assert (await find(both, r"/weather in (oslo|bergen)\?/")).decoded == 1


async def test_a_regular_expression_that_takes_too_long_is_given_up(path: Path) -> None:
    sdk = open_sdk(path, "slow")
    numbers = ",".join(map(str, range(60)))
    await sdk.add_items([user("P," + numbers), user("1,2,P")])
    sdk.close()
    results = await find(path, "/(.*?,){25}P/", session=Session("slow"))
    assert (list(results), results.timed_out) == ([], 1)


@given(st.data())
def test_the_required_literal_of_a_pattern_is_in_all_that_it_matches(data: st.DataObject) -> None:
    pieces = ["ab+c?", r"x\.y", "[a-c]+", "[]x]", "(d|e)f*", r"\(gh\)", "z{2,3}", "klm", r"\d\s", "n?", "^", "o.p$"]
    pattern = "".join(data.draw(st.lists(st.sampled_from(pieces), min_size=1, max_size=4)))
    literal = required_literal(pattern)
    matched = data.draw(st.from_regex(pattern))
    assert literal.casefold() in matched.casefold()
    assert required_literal("klm|no") == required_literal(r"\x41bc") == required_literal("(?x) a b") == ""


async def test_a_limit_applies_to_hits_and_not_to_their_branches(both: Place) -> None:
    results = await find(both, "?", limit=2)
    assert len(results) == 2
    assert results.truncated
    results = await find(both, "turn:1", limit=1)
    assert [results.branches(hit) for hit in results] == [("main", "alt")]


async def test_a_search_that_is_left_stops_reading(place: Place) -> None:
    sdk = open_other(place)
    await sdk.add_items([item for number in range(4000) for item in turn(f"Question {number % 100}")])
    sdk.close()
    store = Store(place)
    where = SearchTarget(SearchScope.SESSION, SUPPORT)
    async with aclosing(store.search(parse_query("question"), where)) as updates:
        first = await anext(updates)
    assert first.hits
    assert first.progress < 0.1
    everything = SearchResults()
    async for found in store.search(parse_query("question"), where):
        everything.add(found)
    store.close()
    assert (len(everything), everything.decoded) == (4000, 4000)


@on_file
async def test_a_file_is_searched_while_a_writer_has_locked_it(both: Path) -> None:
    with closing(sqlite3.connect(both)) as db:
        db.execute("BEGIN IMMEDIATE")
        db.execute("DELETE FROM message_structure")
        assert len(await find(both, "oslo")) == 5
        db.rollback()


@on_file
async def test_searching_writes_nothing(both: Path) -> None:
    def dump() -> list[str]:
        with closing(sqlite3.connect(both)) as db:
            return list(db.iterdump())

    before = dump()
    await find(both, "oslo", "file")
    assert dump() == before


async def test_plain_sessions_are_searched(place: Place) -> None:
    for name in ("a", "b", "support"):
        async with plain_session(place, name) as plain:
            await plain.add_items(turn(f"Hello {name}", tool="get_weather") + turn(f"Bye {name}"))
    where = SearchTarget(SearchScope.FILE, Session("support", plain=isinstance(place, Path)))
    store = Store(place)
    found = [hit async for update in store.search(parse_query("bye"), where) for hit in update.hits]
    store.close()
    assert next((hit.session_id, hit.branch_id, hit.turn) for hit in found) == ("support", "main", 2)
    assert sorted(hit.session_id for hit in found) == ["a", "b", "support"]


@on_file
async def test_messages_that_are_in_no_branch_are_found(both: Path) -> None:
    plain = SQLiteSession("support", both)
    await plain.add_items([user("Lost in Oslo"), call("get_weather", {"city": "Oslo"}), output("Sleet in Oslo")])
    plain.close()
    for scope in ("session", "file"):
        results = await find(both, "oslo", scope)
        without_branch = [hit for hit in results if not hit.branch_id]
        assert {hit.context for hit in without_branch} == {'{"city": "Oslo"}', "Lost in Oslo", "Sleet in Oslo"}
        assert [(results.branches(hit), hit.turn) for hit in without_branch] == [(("",), 0)] * 3
        assert len(results) > len(without_branch)
        assert await contexts(both, "type:user lost", scope) == ["Lost in Oslo"]
        await editor_of(both).label("support", None, title="Found", description="Named")
        assert await contexts(both, "lost session:found", scope) == ["Lost in Oslo"]
        for filters in ("type:function_call", "turn:1", "branch:main", "session:billing"):
            assert await contexts(both, f"lost {filters}", scope) == []
    assert await contexts(both, "lost", "branch") == []


async def test_items_that_cannot_be_decoded_are_searched_as_text(both: Place) -> None:
    broken = "UPDATE {} SET message_data = '{{\"broken Oslo' WHERE strpos(message_data, 'Fahrenheit') > 0"
    if isinstance(both, Path):
        broken = broken.replace("strpos", "instr")
        rows(both, "UPDATE agent_messages SET message_data = CAST(x'22ff6f736c6f22' AS TEXT) WHERE id = 1")
    rows(both, broken.format("agent_messages" if isinstance(both, Path) else "convo_messages"))
    assert [hit.context for hit in await find(both, "oslo", "file") if hit.failed] == ['{"broken Oslo']


async def test_the_position_of_a_hit_in_a_branch(both: Place) -> None:
    store = Store(both)
    (hit,) = await find(both, "54")
    assert await store.item_position(SUPPORT, "alt", hit.turn, hit.message_id) == 7
    assert await store.item_position(SUPPORT, "main", hit.turn, hit.message_id) is None
    page = await store.page(SUPPORT, "alt", 7, 8)
    assert page.items[0].message_id == hit.message_id
    store.close()


async def test_outputs_that_report_a_failure_are_found(place: Place) -> None:
    texts = ("Error: no forecast", "Traceback (most recent call last)", "Tool 'f' timed out after 3 seconds.")
    sdk = open_other(place)
    for text in texts:
        await sdk.add_items([user("Again"), call("plot", {}), output(text), output("No Errors: it ran")])
    sdk.close()
    hits = (await find(place, "error:yes")).hits
    assert [(hit.turn, hit.type, hit.context) for hit in hits] == [
        (turn, OUTPUT, text) for turn, text in reversed([*enumerate(texts, 1)])
    ]

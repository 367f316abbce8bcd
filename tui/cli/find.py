"""`convo-tui find`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import aclosing
from itertools import groupby
from operator import attrgetter
from typing import Final

from tui.cli.json_objects import hit_object
from tui.cli.open import OpenSession, open_session
from tui.cli.output import Output, print_json, session_title
from tui.model.query import parse_query
from tui.model.search import Hit, SearchResults, SearchScope, SearchTarget
from tui.printable import printable_line
from tui.widgets.format import format_time_and_zone
from tui.words import plural

__all__ = ["run"]

_NOTHING_FOUND: Final = 1


async def run(options: argparse.Namespace) -> int:
    """Print the items that contain a text."""
    query, results = parse_query(" ".join(options.text)), SearchResults()
    async with open_session(options.file, options.session) as found:
        target = await _target(found, options)
        async with aclosing(found.store.search(query, target, options.limit)) as updates:
            async for update in updates:
                results.add(update)
        titles = {} if options.json else await _titles(found, results)
    if options.json:
        hits = [hit_object(hit, results.branches(hit)) for hit in results]
        print_json({"hits": hits, "truncated": results.truncated, "timed_out_items": results.timed_out})
    else:
        out = Output()
        for session_id, found_there in groupby(results, attrgetter("session_id")):
            title = titles.get(session_id, "")
            out.line((f"session {printable_line(session_id)}{f' · {title}' if title else ''}", "bold"))
            for hit in found_there:
                _print_hit(out, hit, results.branches(hit))
        if results.truncated:
            verb = "is" if options.limit == 1 else "are"
            out.line(f"There {verb} more than {plural(options.limit, 'hit')}; --limit shows more.")
        if results.timed_out:
            out.line(f"The regular expression timed out on {plural(results.timed_out, 'item')}.")
    if len(results):
        return 0
    print(f"No match in {_place(target)}.", file=sys.stderr)
    if query.mistake_hint:
        print(f"  {query.mistake_hint.capitalize()}.", file=sys.stderr)
    return _NOTHING_FOUND


def _place(target: SearchTarget) -> str:
    """Return in words where was searched."""
    if target.scope is SearchScope.FILE or target.session is None:
        return "any session of the file"
    session = f"session '{printable_line(target.session.session_id)}'"
    if target.scope is SearchScope.BRANCH:
        return f"branch '{printable_line(target.branch_id)}' of {session}"
    return f"any branch of {session}; --everywhere searches all sessions"


async def _target(found: OpenSession, options: argparse.Namespace) -> SearchTarget:
    if options.everywhere:
        return SearchTarget(SearchScope.FILE, found.session)
    if options.branch is not None:
        return SearchTarget(SearchScope.BRANCH, found.session, (await found.branch(options.branch)).branch_id)
    return SearchTarget(SearchScope.SESSION, found.session)


async def _titles(found: OpenSession, results: SearchResults) -> dict[str, str]:
    """Return the titles of the sessions of hits, or their first words."""
    named = await found.store.with_first_words(await found.store.sessions_with_ids({hit.session_id for hit in results}))
    return {session.session_id: session_title(session) for session in named}


def _print_hit(out: Output, hit: Hit, branches: Sequence[str]) -> None:
    name = f"{hit.type} {hit.tool_name}" if hit.tool_name else hit.type
    place = f"turn {hit.turn}, {', '.join(branches)}" if hit.branch_id else "in no branch"
    time = f", {format_time_and_zone(hit.created_at)}" if hit.created_at else ""
    out.line((f"{place}, {name}{time}:", "cyan"), " failed" if hit.failed else "")
    context = hit.context
    out.line("  ", context[: hit.start], (context[hit.start : hit.end], "bold"), context[hit.end :])

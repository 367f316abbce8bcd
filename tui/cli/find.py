"""`convo-tui find`."""

from __future__ import annotations

import argparse
import asyncio
from contextlib import aclosing
from typing import Any

from tui.cli.open import opened
from tui.cli.output import Output
from tui.model.query import parse_query
from tui.model.search import Hit, SearchOrigin, SearchResults, SearchScope

__all__ = ["run_find"]

_NOTHING_FOUND = 1


def run_find(options: argparse.Namespace) -> int:
    """Print the items that hold a text."""
    return asyncio.run(_find(options))


async def _find(options: argparse.Namespace) -> int:
    query, results = parse_query(" ".join(options.text)), SearchResults()
    async with opened(options.file, options.session) as found:
        if options.everywhere:
            where = SearchOrigin(SearchScope.FILE, found.session)
        elif options.branch is not None:
            where = SearchOrigin(SearchScope.BRANCH, found.session, (await found.branch(options.branch)).branch_id)
        else:
            where = SearchOrigin(SearchScope.SESSION, found.session)
        async with aclosing(found.store.search(query, where, options.most)) as told:
            async for part in told:
                results.add(part)
    out = Output()
    if options.json:
        hits = [_as_object(hit, results.branches(hit)) for hit in results]
        out.json({"hits": hits, "full": results.truncated, "passed_over": results.timed_out})
    else:
        for hit in results:
            _print(out, hit, results.branches(hit), everywhere=options.everywhere)
        if results.truncated:
            out.line(f"More than {options.most} hits; --most shows more.")
        if results.timed_out:
            out.line(f"{results.timed_out} items were passed over: the regular expression took too long on them.")
    return 0 if len(results) else _NOTHING_FOUND


def _print(out: Output, hit: Hit, branches: tuple[str, ...], *, everywhere: bool) -> None:
    session = f"{hit.session_id} " if everywhere else ""
    who = f"{hit.type} {hit.tool_name}" if hit.tool_name else hit.type
    out.line((f"{session}turn {hit.turn}, {', '.join(branches)}, {who}:", "cyan"), " failed" * hit.failed)
    context = hit.context
    out.line("  ", context[: hit.start], (context[hit.start : hit.end], "bold"), context[hit.end :])


def _as_object(hit: Hit, branches: tuple[str, ...]) -> dict[str, Any]:
    return {
        "session_id": hit.session_id,
        "branches": branches,
        "turn": hit.turn,
        "message_id": hit.message_id,
        "type": hit.type,
        "tool_name": hit.tool_name,
        "created_at": hit.created_at,
        "failed": hit.failed,
        "count": hit.count,
        "context": hit.context,
        "start": hit.start,
        "end": hit.end,
    }

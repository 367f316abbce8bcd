"""`convo-tui runs`, `approve` and `reject`: the runs that wait for the approval of a tool call."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any, Final

from tui.cli.command_line import command_line
from tui.cli.json_objects import paused_run_object
from tui.cli.locks import reported_lock
from tui.cli.output import Output, print_json
from tui.errors import ConfigError, ConvoError, NotFoundError
from tui.items.sealed import missing_key
from tui.items.text import item_text
from tui.items.types import message_type
from tui.model import Approval, ApprovalDecision, Outcome, PausedRun, RunState
from tui.runs.manager import BranchRef, Runs
from tui.runs.protocol import Runner, RunResult
from tui.runs.sessions import open_run_session
from tui.storage.editor import Editor
from tui.storage.open import Target
from tui.storage.store import Store
from tui.tty.descriptors import stdout_to_stderr
from tui.widgets.format import format_time_and_zone
from tui.words import plural, shorten, unreadable_runs_words

__all__ = ["run"]

_MAX_ARGUMENTS: Final = 80
"""Characters of a call's arguments in a table."""

_ENCRYPTED: Final = (Approval("", "encrypted", ""),)
"""The calls that are shown of a run that cannot be decrypted."""


async def run(options: argparse.Namespace) -> int:
    """List the paused runs of a file, or answer one of them."""
    if options.command == "runs":
        async with _open_store(options.file) as store:
            _print_runs(options, await store.paused_runs())
            if count := await store.unreadable_runs():
                print(unreadable_runs_words(count), file=sys.stderr)
        return 0
    stops = options.command == "reject" and options.stop
    if stops and options.call is not None:
        raise ConfigError("--stop rejects all calls of a run, --call one of them.", "Give one of these options.")
    async with AsyncExitStack() as opened:
        async with reported_lock(options.file):
            store = await opened.enter_async_context(_open_store(options.file))
            found = await _find(store, options.run)
            # An answer takes several transactions: a locked file is waited for only once.
            await _editor(store).change(lambda _: None)
        await (_stop if stops else _answer)(options, store, found)
    return 0


@asynccontextmanager
async def _open_store(target: Target) -> AsyncIterator[Store]:
    store = await asyncio.to_thread(Store, target)
    try:
        yield store
    finally:
        await asyncio.to_thread(store.close)


async def _find(store: Store, run_id: int) -> PausedRun:
    found = next((paused for paused in await store.paused_runs() if paused.id == run_id), None)
    if found is None:
        raise NotFoundError(
            f"No run {run_id} waits for approval: it was answered, or its branch deleted.", _runs_hint(store)
        )
    if found.is_sealed:
        raise missing_key(found.session_id)
    return found


def _runs_hint(store: Store) -> str:
    return f"`{command_line('runs', store.path)}` lists the runs that wait."


def _print_runs(options: argparse.Namespace, runs: Sequence[PausedRun]) -> None:
    if options.json:
        print_json({"runs": [paused_run_object(paused) for paused in runs]})
        return
    out = Output()
    if not runs:
        out.line("No run waits for approval.")
        return
    out.line((f"{plural(len(runs), 'run')} waiting for approval", "bold"))
    out.table([("run", "session", "branch", "since", "agent", "call", "tool", "arguments"), *_rows(runs)])


def _rows(runs: Sequence[PausedRun]) -> list[tuple[str, ...]]:
    return [
        (
            str(paused.id),
            paused.session_id,
            f"{paused.branch_id}{' (changed: cannot go on)' if paused.is_outdated else ''}",
            format_time_and_zone(paused.paused_at),
            call.agent or paused.agent or "",
            call.call_id,
            call.tool_name,
            shorten(call.arguments, _MAX_ARGUMENTS),
        )
        for paused in runs
        for call in (_ENCRYPTED if paused.is_sealed else paused.approvals)
    ]


def _decisions(options: argparse.Namespace, found: PausedRun) -> list[ApprovalDecision | None]:
    """Return the decision on each call of a run; None for calls that are not meant."""
    if options.command == "approve":
        decision = ApprovalDecision(approved=True, always=options.always)
    else:
        decision = ApprovalDecision(approved=False, reason=options.reason or "")
    calls = [call.call_id for call in found.approvals]
    if options.call is not None and options.call not in calls:
        raise NotFoundError(f"Run {found.id} has no call '{options.call}'.", f"It waits for: {', '.join(calls)}.")
    return [decision if options.call in (None, call_id) else None for call_id in calls]


async def _stop(options: argparse.Namespace, store: Store, found: PausedRun) -> None:
    stopped = await _editor(store).stop_paused_run(found.id)
    if stopped is None:
        raise ConvoError(f"Run {found.id} was answered in another program meanwhile.", _runs_hint(store))
    if options.json:
        print_json({"outcome": Outcome.STOPPED, "answer": "", "waiting": None})
    else:
        Output().line(f"Stopped run {found.id} on '{found.branch_id}'.")
    if stopped.is_outdated:
        print("Nothing was added to the branch, which has changed since the run paused.", file=sys.stderr)


async def _answer(options: argparse.Namespace, store: Store, found: PausedRun) -> None:
    decisions = _decisions(options, found)
    if found.is_outdated:
        await _editor(store).take_paused_run(found.id)
        raise ConvoError(
            f"Run {found.id} cannot go on: branch '{found.branch_id}' has changed since it paused.",
            "It is not listed any more. Send its message again.",
        )
    runner = _runner(options)
    try:
        # What tools print is no part of the answer.
        with stdout_to_stderr():
            result, waiting, answer = await _go_on(store, runner, found, decisions)
    finally:
        await runner.close()
    if waiting is None and result.left:
        raise ConvoError(result.error or f"Run {found.id} did not go on.", _runs_hint(store))
    if waiting is None and result.outcome is not Outcome.DONE:
        raise ConvoError(result.error or "The run was stopped.", result.hint)
    if options.json:
        outcome = result.outcome if waiting is None else "waiting"
        print_json({"outcome": outcome, "answer": answer, "waiting": waiting and paused_run_object(waiting)})
        return
    out = Output()
    if answer:
        out.line(answer)
    if waiting is not None:
        out.line(f"The run waits for approval again, as run {waiting.id}:")
        out.table(_rows([waiting]))


async def _go_on(
    store: Store, runner: Runner, found: PausedRun, decisions: Sequence[ApprovalDecision | None]
) -> tuple[RunResult, PausedRun | None, str]:
    """Go on with a run until it ends or waits again; return its result, the run that waits, and its answer."""

    async def edit() -> Editor:
        return _editor(store)

    listener = _Listener(BranchRef(found.session_id, found.branch_id))
    runs = listener.runs = Runs(runner, listener, partial(open_run_session, store), edit, store.paused_state)
    task = asyncio.create_task(runs.answer(found, decisions))
    waits = asyncio.create_task(listener.waits_again.wait())
    try:
        await asyncio.wait({task, waits}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waits.cancel()
        await runs.stop_all()
    if listener.error is not None:
        raise listener.error
    result = await task
    waiting = None
    if listener.waits_again.is_set() and result.left:
        waiting = next((paused for paused in await store.paused_runs() if paused.id == listener.paused_id), None)
        if waiting is None:
            raise ConvoError(f"Run {found.id} went on, and was answered again in another program.", _runs_hint(store))
    session = await open_run_session(store, found.session_id)
    try:
        await session.switch_to_branch(found.branch_id)
        items: list[Any] = (await session.get_items())[found.items :]
    finally:
        await session.close()
    answer = "\n\n".join(item_text(item) for item in items if message_type(item) == "assistant")
    return result, waiting, answer


class _Listener:
    """Notices that a run waits for another answer.

    Attributes:
        waits_again: Set when the run waits for the user after its answer.
        paused_id: Its number then; None if it could not be stored.
        error: Reason why the run could not go on with the answer.
    """

    def __init__(self, branch: BranchRef) -> None:
        self.runs: Runs | None = None
        self.waits_again = asyncio.Event()
        self.paused_id: int | None = None
        self.error: ConvoError | None = None
        self._branch = branch
        self._went_on = False

    def runs_changed(self) -> None:
        if self.runs is None:
            return
        active = self.runs.in_session(self._branch.session_id).get(self._branch.branch_id)
        if active is None:
            return
        if active.state is not RunState.WAITING:
            self._went_on = True
        elif self._went_on:
            self.paused_id = active.paused_id
            self.waits_again.set()

    def answer_refused(self, _branch: BranchRef, error: ConvoError) -> None:
        self.error = error

    async def items_stored(self, branch: BranchRef) -> None:
        """Nothing is shown meanwhile."""

    def run_ended(self, branch: BranchRef, text: str, result: RunResult, queued: Sequence[str]) -> None:
        """The result is returned by the run."""


def _runner(options: argparse.Namespace) -> Any:
    from tui.agent.runner import AgentRunner
    from tui.cli.agent_settings import agent_settings
    from tui.config import load_config

    settings = agent_settings(options, load_config())
    if settings is None:
        raise ConfigError(
            "No agent is given to go on with the run.", "Give --agent module:attribute, --model NAME or a profile."
        )
    return AgentRunner(settings)


def _editor(store: Store) -> Editor:
    return Editor(store.path, store.sessions_table, store.messages_table)

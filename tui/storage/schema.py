"""The tables of a database: the SDK's tables, and the tables of this project.

The SDK's tables have the columns and foreign keys that the SDK gives them. The foreign keys record which pair of base
tables owns the file; both session classes check them. The project's tables (`convo_*`) are made by the first write that
needs them, never on opening; a file without them is complete.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from tui.storage.engine import Transaction

__all__ = [
    "CONVO_BRANCHES",
    "CONVO_CLEARED",
    "CONVO_COMPACTIONS",
    "CONVO_COPIES",
    "CONVO_JOURNAL",
    "CONVO_LABELS",
    "CONVO_PAUSED_RUNS",
    "CONVO_REQUESTS",
    "CONVO_REQUEST_INPUTS",
    "CONVO_RUNS",
    "CONVO_SESSIONS",
    "CONVO_TEXTS",
    "CONVO_TRASH",
    "CONVO_USAGE",
    "GENERATIONS",
    "LAST_TURN",
    "MAIN",
    "MESSAGE_INDEX",
    "RESERVATIONS",
    "TRASH_CELLS",
    "TURN_TABLES",
    "Table",
    "create_base_tables",
    "create_other_tables",
    "create_sdk_tables",
    "create_structure_tables",
    "quoted",
    "unquoted",
]

MAIN: Final = "main"
"""The first branch of every session."""

LAST_TURN: Final = 10**7
"""No turn has a greater number; the limit also leaves out texts and blobs, which SQLite sorts after all numbers."""


class Table(NamedTuple):
    """A table that is made by the first write that needs it.

    Attributes:
        name: Its name.
        columns: Its columns and keys, as SQL in which `{identity}` and `{now}` of the dialect are filled in.
        indexes: Name and columns of each index.
    """

    name: str
    columns: str
    indexes: tuple[tuple[str, str], ...] = ()

    def create(self, tx: Transaction, name: str = "") -> None:
        """Make the table with its indexes if it is missing; `name` is its name if it has another one here."""
        name = name or self.name
        if tx.has_table(name):
            return
        tx.create_table(name, self.columns.format(identity=tx.dialect.identity, now=tx.dialect.now))
        for index, of in self.indexes:
            tx.execute(f"CREATE INDEX IF NOT EXISTS {index} ON {name}({of})")


RESERVATIONS: Final = Table(
    "branch_reservations",
    """
        session_id TEXT NOT NULL,
        branch_id TEXT NOT NULL,
        PRIMARY KEY (session_id, branch_id)
    """,
)
"""Every branch id that was ever used. Rows are never deleted, so that no id is used twice."""

GENERATIONS: Final = Table(
    "session_clear_generations",
    """
        session_id TEXT PRIMARY KEY,
        generation INTEGER NOT NULL DEFAULT 0
    """,
)
"""The number of times that each session was cleared; the branch of a session object with a smaller number is gone."""

CONVO_BRANCHES: Final = Table(
    "convo_branches",
    """
        session_id TEXT NOT NULL,
        branch_id TEXT NOT NULL,
        parent_branch_id TEXT,
        fork_turn INTEGER,
        created_at TIMESTAMP DEFAULT {now},
        empty_generation INTEGER,
        PRIMARY KEY (session_id, branch_id)
    """,
)
"""The place where a branch was forked (`parent_branch_id` and `fork_turn`, the first turn that it does not share; both
NULL if that is not known), and whether it is empty.

A branch without rows in `message_structure` exists if, and only if, `empty_generation` is its session's generation in
`session_clear_generations` (0 if that has no row). Any other row without items belonged to a branch that the SDK's
class deleted or cleared, and is ignored; so is a parent that is gone.
"""

CONVO_COMPACTIONS: Final = Table(
    "convo_compactions",
    """
        session_id TEXT NOT NULL,
        kept_branch_id TEXT NOT NULL,
        branch_id TEXT NOT NULL,
        first_turn INTEGER NOT NULL,
        last_turn INTEGER NOT NULL,
        created_at TIMESTAMP DEFAULT {now},
        PRIMARY KEY (session_id, kept_branch_id)
    """,
)
"""Compactions: `kept_branch_id` holds the branch `branch_id` as it was before.

The compaction replaced items from turn `first_turn` on; `last_turn` was the last turn of the branch after it. A row
whose kept branch is gone belonged to a branch that the SDK's class deleted, and is ignored.
"""

CONVO_USAGE: Final = Table(
    "convo_usage",
    """
        session_id TEXT NOT NULL,
        message_id INTEGER NOT NULL,
        branch_id TEXT NOT NULL,
        user_turn_number INTEGER NOT NULL,
        requests INTEGER DEFAULT 0,
        input_tokens INTEGER DEFAULT 0,
        output_tokens INTEGER DEFAULT 0,
        total_tokens INTEGER DEFAULT 0,
        input_tokens_details JSON,
        output_tokens_details JSON,
        created_at TIMESTAMP DEFAULT {now},
        PRIMARY KEY (session_id, message_id)
    """,
)
"""Usage of turns that outlived the branch that ran them, by the turn's first message (`message_id`).

`branch_id` is the branch that ran the turn. A row whose message is gone belonged to a turn that the SDK's class
deleted, and is ignored; so is a row whose branch holds the message again in that turn and has a row for it in
`turn_usage`.
"""

CONVO_RUNS: Final = Table(
    "convo_runs",
    """
        id {identity},
        session_id TEXT NOT NULL,
        branch_id TEXT NOT NULL,
        user_turn_number INTEGER NOT NULL,
        message_id INTEGER NOT NULL,
        outcome TEXT NOT NULL,
        model TEXT,
        agent TEXT,
        started_at TIMESTAMP,
        seconds REAL,
        error TEXT,
        estimated INTEGER NOT NULL DEFAULT 0,
        reported INTEGER NOT NULL DEFAULT 1,
        created_at TIMESTAMP DEFAULT {now}
    """,
    # Finds the runs of a session and of a turn.
    (("convo_runs_message", "session_id, message_id"),),
)
"""Runs that ended or paused, oldest first, by the first message (`message_id`) of their turn, on any branch.

`branch_id` is the branch that ran the turn; it may be gone. A row whose message is gone belonged to a turn that the
SDK's class deleted, and is ignored.
"""

CONVO_REQUESTS: Final = Table(
    "convo_requests",
    """
        id {identity},
        session_id TEXT NOT NULL,
        branch_id TEXT NOT NULL,
        user_turn_number INTEGER NOT NULL,
        message_id INTEGER NOT NULL,
        number INTEGER NOT NULL,
        agent TEXT,
        model TEXT,
        started_at TIMESTAMP,
        seconds REAL,
        first_token_seconds REAL,
        input_tokens INTEGER,
        cached_tokens INTEGER,
        cache_write_tokens INTEGER,
        output_tokens INTEGER,
        reasoning_tokens INTEGER
    """,
    # Finds the requests of a session and of a turn.
    (("convo_requests_message", "session_id, message_id"),),
)
"""The requests of a turn, numbered from 1, by the turn's first message (`message_id`), whichever branches hold it.

`branch_id` is the branch that ran the turn; it may be gone. The sums of the rows of a branch and turn are the row of
`turn_usage`, or of `convo_usage`. Rows with other sums belong to usage that the SDK's class has replaced, and are
ignored; so are rows whose message is gone. A row without tokens is a request of which none were reported, as it was not
answered; it does not count.
"""

CONVO_REQUEST_INPUTS: Final = Table(
    "convo_request_inputs",
    """
        id INTEGER PRIMARY KEY,
        session_id TEXT NOT NULL,
        response_id TEXT,
        instructions TEXT,
        tools TEXT,
        settings TEXT,
        input_items INTEGER,
        input JSON,
        last_message_id INTEGER
    """,
    # Finds the rows of a session.
    (("convo_request_inputs_session", "session_id"),),
)
"""The recorded input of the request of `convo_requests` with the same id.

`instructions`, `tools` and `settings` are hashes of texts in `convo_texts`; NULL if not known. `input_items` is the
number of items that were sent, and `input` describes them, in order, as a list:

- `[first, last]` are the items at these positions of the branch, from 0,
- a text is the hash of an item that is not stored in the branch as it was sent,
- `[hash]` is the hash of a list of such elements.

`last_message_id` is the message at the greatest of the positions, NULL if there is none. Any branch that holds it has
the same items up to it. If none does, the items are not known any more.
"""

CONVO_TEXTS: Final = Table(
    "convo_texts",
    """
        session_id TEXT NOT NULL,
        hash TEXT NOT NULL,
        text TEXT NOT NULL,
        PRIMARY KEY (session_id, hash)
    """,
)
"""The texts of inputs, each once in a session: instructions, lists of tools, settings and items, all as JSON.

A text is deleted with the last row of `convo_request_inputs` that refers to it.
"""

CONVO_PAUSED_RUNS: Final = Table(
    "convo_paused_runs",
    """
        id {identity},
        session_id TEXT NOT NULL,
        branch_id TEXT NOT NULL,
        message TEXT NOT NULL,
        agent TEXT,
        model TEXT,
        approvals JSON NOT NULL,
        run JSON NOT NULL,
        state JSON NOT NULL,
        items INTEGER NOT NULL,
        last_item INTEGER NOT NULL,
        generation INTEGER NOT NULL,
        created_at TIMESTAMP DEFAULT {now}
    """,
)
"""Runs that wait for the approval of tool calls; a run is removed by whoever takes up the answer.

`state` is for the agent alone, `run` has the other fields of `tui.model.PausedRun`. `items`, `last_item` and
`generation` are the number and the greatest id of the branch's rows in `message_structure` and the clear generation of
its session. If they are others now, the branch has changed, and the run cannot go on.
"""

CONVO_LABELS: Final = Table(
    "convo_labels",
    """
        session_id TEXT NOT NULL,
        kind TEXT NOT NULL,
        branch_id TEXT NOT NULL DEFAULT '',
        title TEXT NOT NULL DEFAULT '',
        note TEXT NOT NULL DEFAULT '',
        pinned INTEGER NOT NULL DEFAULT 0,
        archived INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (session_id, kind, branch_id)
    """,
)
"""Title, note, pin and archive mark of a session (`kind` is `session`, `branch_id` empty) or of a branch (`branch`).

A row whose branch is gone belonged to a branch that the SDK's class deleted, and is ignored.
"""

CONVO_SESSIONS: Final = Table(
    "convo_sessions",
    """
        session_id TEXT PRIMARY KEY,
        last_message INTEGER NOT NULL
    """,
)
"""The greatest id that a message of a session had, where it was deleted with a branch: sessions are listed by it."""

CONVO_COPIES: Final = Table(
    "convo_copies",
    """
        session_id TEXT PRIMARY KEY,
        source TEXT NOT NULL,
        state TEXT NOT NULL,
        created_at TIMESTAMP DEFAULT {now}
    """,
)
"""Sessions that were copied from another database, which `source` names without a password.

`state` tells the session as the copy has written it from one that was changed since.
"""

CONVO_JOURNAL: Final = Table(
    "convo_journal",
    """
        id {identity},
        session_id TEXT NOT NULL,
        branch_id TEXT,
        op TEXT NOT NULL,
        words TEXT NOT NULL,
        state TEXT NOT NULL DEFAULT 'done',
        changes JSON NOT NULL DEFAULT '{{}}',
        bytes INTEGER NOT NULL DEFAULT 0,
        created_at TIMESTAMP DEFAULT {now},
        place REAL
    """,
)
"""The changes that the explorer made, with the data to undo them (`changes`, and rows of `convo_trash`).

`state` is `done`, `undone` or `kept` (it cannot be undone any more). Entries are in the order of `place`, or of their
id where that is NULL or the column is missing: done entries first, then those that can be redone.
"""

TRASH_CELLS: Final = tuple(f"c{column}" for column in range(16))
"""Columns of the trash for the cells of a row; no recorded table has more columns."""

CONVO_TRASH: Final = Table(
    "convo_trash",
    f"""
        entry_id INTEGER NOT NULL,
        table_name TEXT NOT NULL,
        side INTEGER NOT NULL,
        {", ".join(TRASH_CELLS)}
    """,
    # Finds the rows of an entry.
    (("convo_trash_entry", "entry_id, table_name, side"),),
)
"""Rows that are restored (`side` 0) or removed (1) when an entry of `convo_journal` is undone.

The cells are in the order of the columns in the entry's `changes`. The columns have no type, so that values stay as
they are.
"""

CONVO_CLEARED: Final = Table(
    "convo_cleared",
    f"""
        id {{identity}},
        table_name TEXT NOT NULL,
        {", ".join(TRASH_CELLS)}
    """,
)
"""Rows of the trash of sessions that programs cleared, until that is undone; an entry has rows with consecutive ids.

A clear is fast because there is no index.
"""

TURN_TABLES: Final = ("turn_usage", "convo_runs", "convo_requests")
"""Tables whose rows belong to a turn of a branch: `session_id`, `branch_id`, `user_turn_number`."""

MESSAGE_INDEX: Final = "CREATE INDEX IF NOT EXISTS convo_structure_message ON message_structure(message_id)"
"""Finds the branches that hold a message. It makes forks slower, so it is made by the first pop or deletion."""

_INDEXES: Final = (
    "CREATE INDEX IF NOT EXISTS idx_structure_session_seq ON message_structure(session_id, sequence_number)",
    "CREATE INDEX IF NOT EXISTS idx_structure_branch ON message_structure(session_id, branch_id)",
    "CREATE INDEX IF NOT EXISTS idx_structure_turn ON message_structure(session_id, branch_id, user_turn_number)",
    "CREATE INDEX IF NOT EXISTS idx_structure_branch_seq ON message_structure(session_id, branch_id, sequence_number)",
    "CREATE INDEX IF NOT EXISTS idx_turn_usage_session_turn ON turn_usage(session_id, branch_id, user_turn_number)",
)


def create_base_tables(tx: Transaction) -> None:
    """Make missing tables of the SDK's plain `SQLiteSession`."""
    sessions, messages = tx.tables.sessions, tx.tables.messages
    tx.execute(f"""
        CREATE TABLE IF NOT EXISTS {sessions} (
            session_id TEXT PRIMARY KEY,
            created_at TIMESTAMP DEFAULT {tx.dialect.now},
            updated_at TIMESTAMP DEFAULT {tx.dialect.now}
        )
    """)
    tx.execute(f"""
        CREATE TABLE IF NOT EXISTS {messages} (
            id {tx.dialect.identity},
            session_id TEXT NOT NULL,
            message_data TEXT NOT NULL,
            created_at TIMESTAMP DEFAULT {tx.dialect.now},
            FOREIGN KEY (session_id) REFERENCES {sessions} (session_id) ON DELETE CASCADE
        )
    """)
    tx.execute(f"CREATE INDEX IF NOT EXISTS idx_{messages}_session_id ON {messages} (session_id, id)")


def create_structure_tables(tx: Transaction) -> None:
    """Make `message_structure` and `turn_usage` if they are missing; their foreign keys refer to the base tables."""
    sessions, messages = tx.tables.sessions, tx.tables.messages
    tx.execute(f"""
        CREATE TABLE IF NOT EXISTS message_structure (
            id {tx.dialect.identity},
            session_id TEXT NOT NULL,
            message_id INTEGER NOT NULL,
            branch_id TEXT NOT NULL DEFAULT 'main',
            message_type TEXT NOT NULL,
            sequence_number INTEGER NOT NULL,
            user_turn_number INTEGER,
            branch_turn_number INTEGER,
            tool_name TEXT,
            created_at TIMESTAMP DEFAULT {tx.dialect.now},
            FOREIGN KEY (session_id) REFERENCES {sessions}(session_id) ON DELETE CASCADE,
            FOREIGN KEY (message_id) REFERENCES {messages}(id) ON DELETE CASCADE
        )
    """)
    tx.execute(f"""
        CREATE TABLE IF NOT EXISTS turn_usage (
            id {tx.dialect.identity},
            session_id TEXT NOT NULL,
            branch_id TEXT NOT NULL DEFAULT 'main',
            user_turn_number INTEGER NOT NULL,
            requests INTEGER DEFAULT 0,
            input_tokens INTEGER DEFAULT 0,
            output_tokens INTEGER DEFAULT 0,
            total_tokens INTEGER DEFAULT 0,
            input_tokens_details JSON,
            output_tokens_details JSON,
            created_at TIMESTAMP DEFAULT {tx.dialect.now},
            FOREIGN KEY (session_id) REFERENCES {sessions}(session_id) ON DELETE CASCADE,
            UNIQUE(session_id, branch_id, user_turn_number)
        )
    """)


def create_other_tables(tx: Transaction) -> None:
    """Make missing tables and indexes of the SDK that do not refer to the base tables."""
    RESERVATIONS.create(tx)
    GENERATIONS.create(tx)
    for statement in _INDEXES:
        tx.execute(statement)


def create_branch_tables(tx: Transaction) -> None:
    """Make the SDK's tables for branches and usage, where they are missing; those of a server are made at once."""
    if tx.layout.derives_main:
        return
    create_structure_tables(tx)
    create_other_tables(tx)


def create_sdk_tables(tx: Transaction) -> None:
    """Make all missing tables of the SDK."""
    create_base_tables(tx)
    create_branch_tables(tx)


def quoted(name: str) -> str:
    """Return a name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def unquoted(identifier: str) -> str:
    """Return the name in an SQL identifier."""
    return identifier[1:-1].replace('""', '"') if identifier.startswith('"') else identifier

"""A SQLite file and what lies beside it, as the file system shows them.

The write-ahead log FILE-wal holds what was committed and is not in the file yet; its index FILE-shm is shared by all
programs that have the file open. The program that closes the file last moves the log into the file and removes both.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import threading
import weakref
from collections.abc import Hashable
from contextlib import closing, suppress
from pathlib import Path
from typing import Final, NamedTuple
from weakref import WeakValueDictionary

from tui.errors import FileError
from tui.storage.sqlite.connection import connect

__all__ = ["DatabaseFiles", "FileStamp", "FileState", "PrivateCopy"]

_LOG_HEADER: Final = 32
_FRAME_HEADER: Final = 24
_INDEX_HEADER: Final = 96
_COPY_ATTEMPTS: Final = 5
_LOCKS: Final = Path("/proc/locks")


class FileStamp(NamedTuple):
    """Properties of a file of which at least one changes when it is written.

    Attributes:
        identity: Its device and inode.
        size: Its size in bytes.
        written_at: Time at which its content changed, in nanoseconds.
        changed_at: Time at which its content or its inode changed, in nanoseconds.
    """

    identity: tuple[int, int]
    size: int
    written_at: int
    changed_at: int


class FileState(NamedTuple):
    """A file and its write-ahead log at one moment.

    Attributes:
        main: The file; None where it is missing.
        log: The write-ahead log; None where it is missing.
        has_index: Whether the index of the log is there.
    """

    main: FileStamp | None
    log: FileStamp | None
    has_index: bool

    @property
    def log_is_empty(self) -> bool:
        """True if the file itself holds all that was committed."""
        return self.log is None or not self.log.size


class PrivateCopy:
    """A copy of a file and its log in a temporary folder, which is removed with this object.

    Attributes:
        path: The copied file.
    """

    def __init__(self, name: str) -> None:
        folder = tempfile.mkdtemp(prefix="convo-tui-")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self.path = Path(folder) / name


class _OpenIndexes:
    """The index files that this process has opened to read their headers.

    A file stays open until it is deleted. To close it would release the locks that SQLite holds on it in this process.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._opened: dict[tuple[int, int], int] = {}

    def header(self, path: Path) -> bytes:
        """Return the header of an index, which each commit changes; empty if it cannot be read."""
        if not hasattr(os, "pread"):
            return b""
        try:
            with self._guard:
                found = path.stat()
                index = self._opened.get((found.st_dev, found.st_ino))
                if index is None:
                    self._close_removed()
                    index = os.open(path, os.O_RDONLY)
                    found = os.fstat(index)
                    self._opened[found.st_dev, found.st_ino] = index
                return os.pread(index, _INDEX_HEADER, 0)
        except OSError:
            return b""

    def _close_removed(self) -> None:
        for identity, index in tuple(self._opened.items()):
            if not os.fstat(index).st_nlink:
                os.close(self._opened.pop(identity))


_indexes: Final = _OpenIndexes()

_copies: WeakValueDictionary[tuple[Path, FileState], PrivateCopy] = WeakValueDictionary()
_copies_guard = threading.Lock()


class DatabaseFiles:
    """A file, its write-ahead log, and the index of the log.

    Attributes:
        path: The file.
        log: The log.
        index: The index of the log.
    """

    def __init__(self, path: Path) -> None:
        # SQLite follows links, too.
        self.path = path.resolve()
        self.log, self.index = (self.path.with_name(self.path.name + end) for end in ("-wal", "-shm"))

    def state(self) -> FileState:
        """Return the state of the files now."""
        return FileState(self.file_stamp(), _stamp(self.log), self.index.is_file())

    def file_stamp(self) -> FileStamp | None:
        """Return the stamp of the file itself."""
        return _stamp(self.path)

    def last_commit_id(self) -> Hashable:
        """Return an identifier of the last commit.

        SQLite writes a commit to the log first, and enters it in the index of the log some time later. Until then a
        read finds the content before that commit. So the index is read; without an index, the end of the log is.
        Neither size nor time of the log would do: a commit may change the one not at all, the other not measurably.
        """
        return _indexes.header(self.index) or self._log_end()

    def _log_end(self) -> tuple[bytes, int, bytes]:
        """Return the salt of the log, the number of its frames, and their checksum."""
        try:
            with self.log.open("rb", buffering=0) as log:
                header = log.read(_LOG_HEADER)
                page = int.from_bytes(header[8:12], "big")
                stride = _FRAME_HEADER + (1 << 16 if page == 1 else page)
                salt, checksum, low, high = header[16:24], b"", 0, (os.fstat(log.fileno()).st_size - 32) // stride
                # Frames of this salt come before those of an earlier one.
                while low < high:
                    middle = (low + high + 1) // 2
                    log.seek(_LOG_HEADER + (middle - 1) * stride)
                    frame = log.read(_FRAME_HEADER)
                    if frame[8:16] == salt:
                        low, checksum = middle, frame[16:24]
                    else:
                        high = middle - 1
        except OSError:
            return b"", 0, b""
        return salt, low, checksum

    def is_log_open(self) -> bool | None:
        """Return whether a program has the log open; None where the system does not tell.

        The list of locks is read, as SQLite's own locks of this process end when the process closes the locked file.
        """
        try:
            inode = self.index.stat().st_ino
        except OSError:
            return False
        try:
            locks = _LOCKS.read_bytes()
        except OSError:
            return None
        return b":%d " % inode in locks

    def can_be_settled(self) -> bool:
        """Return whether `settle` may write the file and remove the log."""
        return os.access(self.path, os.W_OK) and os.access(self.path.parent, os.W_OK)

    def settle(self, timeout: float) -> None:
        """Do what the program that closes the file last does, if that is this one."""
        log = _stamp(self.log)
        if log is None or self.is_log_open():
            return
        with suppress(sqlite3.Error, OSError):
            if self.can_be_settled():
                with closing(connect(self.path, "rw", timeout)) as db:
                    db.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
            elif not log.size and self._is_foreign():
                # The log was made by reading just when the owner of the file had closed it, who could not write it.
                self.index.unlink(missing_ok=True)
                self.log.unlink()

    def copy(self, state: FileState) -> PrivateCopy:
        """Return a copy of the file and its log, made once for each state.

        Raises:
            FileError: They cannot be copied, or are written all the time.
        """
        with _copies_guard:
            for _ in range(_COPY_ATTEMPTS):
                if (found := _copies.get((self.path, state))) is not None:
                    return found
                copied = PrivateCopy(self.path.name)
                try:
                    for source, target in ((self.log, "-wal"), (self.path, "")):
                        with suppress(FileNotFoundError):
                            shutil.copyfile(source, f"{copied.path}{target}")
                except OSError as error:
                    raise FileError(
                        f"{self.log} holds the newest turns, and cannot be read in this folder: {error.strerror}.",
                        f"Copy it and {self.path.name} to a folder that you may write, and open the copy.",
                    ) from error
                if (now := self.state()) == state:
                    _copies[self.path, state] = copied
                    return copied
                state = now
        raise FileError(f"{self.path} is being written.", "Try again.")

    def _is_foreign(self) -> bool:
        owner = os.geteuid()
        return self.log.stat().st_uid == owner != self.path.stat().st_uid


def _stamp(path: Path) -> FileStamp | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return FileStamp((found.st_dev, found.st_ino), found.st_size, found.st_mtime_ns, found.st_ctime_ns)

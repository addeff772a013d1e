"""Where the control socket is, and how it is made, reached and removed.

A socket's address has room for 107 bytes, and a store may lie deeper: the folder is opened first, and the address
begins with ``/proc/self/fd``.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pwd
import shutil
import socket
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path

from deploy.errors import CannotStart, CannotSwitch, ServerAway, SwitchBusy

NAME = "control.sock"
_LOCK = "control.lock"
_BACKLOG = 16
_CREDENTIALS = struct.Struct("3i")


def control_path(store: Path) -> Path:
    """Where the socket of the server over a store is."""
    return store / "run" / NAME


def listen(store: Path) -> socket.socket:
    """Make the socket, in place of one that is there; only this user and root may connect.

    It is made in a private folder and moved into place, so that nobody ever finds it open to others, or half made.

    Raises:
        CannotStart: The folder cannot be written to.
    """
    path = control_path(store)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    private = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        private = Path(tempfile.mkdtemp(prefix=".control-", dir=path.parent))
        with _address(private / NAME) as address:
            listening.bind(address)
        (private / NAME).chmod(0o600)
        listening.listen(_BACKLOG)
        with _alone(path.parent):
            (private / NAME).replace(path)
    except OSError as error:
        listening.close()
        raise CannotStart(f"{path} cannot be made: {error}; switching needs it") from error
    finally:
        if private is not None:
            shutil.rmtree(private, ignore_errors=True)
    return listening


def connect(store: Path) -> socket.socket:
    """A connection to the server over a store.

    Raises:
        ServerAway: None runs there.
        CannotSwitch: It runs, and this user may not connect to it.
    """
    path = control_path(store)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _address(path) as address:
            connection.connect(address)
    except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError):
        connection.close()
        raise ServerAway(f"no server over {store} runs ({path}): start it with `python -m deploy serve`") from None
    except OSError as error:
        connection.close()
        raise CannotSwitch(f"{path}: {error.strerror}; run this as the user who runs the server") from None
    return connection


@contextlib.contextmanager
def kept_stopped(store: Path) -> Iterator[None]:
    """Have no server come up over a store; short, as one that is about to waits for it.

    Raises:
        SwitchBusy: One runs, or is being started.
    """
    folder = control_path(store).parent
    folder.mkdir(exist_ok=True)
    with _alone(folder):
        with contextlib.suppress(ServerAway):
            connect(store).close()
            raise SwitchBusy(f"a server over {store} was started meanwhile: ask it, by the same command")
        yield


def identity(path: Path) -> tuple[int, int] | None:
    """What tells a file from another one that took its place; None where there is none."""
    with contextlib.suppress(OSError):
        there = path.lstat()
        return there.st_dev, there.st_ino
    return None


def user_of(connection: socket.socket) -> str:
    """The name of the user at the other end, as the kernel knows it."""
    told = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, uid, _ = _CREDENTIALS.unpack(told)
    return user_name(uid)


def user_name(uid: int) -> str:
    """A user's name, or the number where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep others out who make a socket here, or rely on there being none."""
    with (folder / _LOCK).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _address(path: Path) -> Iterator[str]:
    """A short address of a path, for as long as its folder is held open."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)

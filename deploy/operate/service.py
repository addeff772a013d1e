"""Answers the control socket of a running server, in threads of its own."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from pathlib import Path

from deploy.errors import DeployError
from deploy.events import logger
from deploy.operate.place import connect, control_path, identity, listen
from deploy.operate.talk import Board, Talk

_CLOSE_TIMEOUT_S = 10.0


class ControlSocket:
    """The control socket of one server.

    Args:
        store: The store that is served.
    """

    def __init__(self, store: Path) -> None:
        self._store, self._path = store, control_path(store)
        self._lock = threading.Lock()
        self._board: Board | None = None
        self._open: dict[threading.Thread, socket.socket] = {}
        self._listening: socket.socket | None = None
        self._own: tuple[int, int] | None = None

    def open(self) -> None:
        """Say from now on that the server is being started; to be called before it reads what it is to serve.

        Whoever takes it for stopped would name another release, and it came up without knowing. Another server that
        answers is left alone until ``start``, since this one may not come up.

        Raises:
            CannotStart: The socket cannot be made.
        """
        if self._store.is_dir() and not self._another():
            self._listen()

    def start(self, board: Board) -> None:
        """Answer from now on.

        A file that a killed server left is replaced. Where another server answers, this one takes its place, as its
        ``serve.json`` does.

        Args:
            board: What carries out the commands; threads may share it.

        Raises:
            CannotStart: The socket cannot be made.
        """
        self._board = board
        if self._listening is not None and identity(self._path) == self._own:
            return
        if self._another():
            logger.warning("another server over %s runs: what is switched is switched in this one alone", self._store)
        self._hang_up()
        self._listen()

    def close(self) -> None:
        """Answer no more, and remove the file unless it is another server's; of no effect before ``start``.

        A switch that is being made is waited for, for some seconds: stop the server first, and it ends soon.
        """
        if self._listening is not None and identity(self._path) == self._own:
            self._path.unlink(missing_ok=True)
        self._hang_up()
        with self._lock:
            threads = dict(self._open)
        for connection in threads.values():
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RD)  # who was connected and has not asked yet asks in vain
        ends = time.monotonic() + _CLOSE_TIMEOUT_S
        for thread in threads:
            thread.join(max(0.0, ends - time.monotonic()))

    def _another(self) -> bool:
        """Whether somebody answers at the socket's place."""
        with contextlib.suppress(DeployError):
            connect(self._store).close()
            return True
        return False

    def _listen(self) -> None:
        self._listening = listen(self._store)
        self._own = identity(self._path)
        threading.Thread(target=self._accept, args=(self._listening,), name="control", daemon=True).start()

    def _hang_up(self) -> None:
        listening, self._listening = self._listening, None
        if listening is not None:
            listening.shutdown(socket.SHUT_RDWR)
            listening.close()

    def _accept(self, listening: socket.socket) -> None:
        while self._listening is listening:
            try:
                connection, _ = listening.accept()
            except OSError as error:
                if self._listening is listening:
                    logger.warning("the control socket: %s", error)
                    time.sleep(1.0)  # no file handle is left, which may pass
                continue
            thread = threading.Thread(target=self._serve, args=(connection,), name="control", daemon=True)
            with self._lock:
                self._open[thread] = connection
                thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection:
                Talk(connection, self._board).hold()
        except Exception:
            logger.exception("a command at the control socket was not carried out")
        finally:
            with self._lock:
                self._open.pop(threading.current_thread(), None)

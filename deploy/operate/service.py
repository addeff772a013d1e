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
        self._open: dict[threading.Thread, socket.socket] = {}
        self._listening: socket.socket | None = None
        self._own: tuple[int, int] | None = None

    def start(self, board: Board) -> None:
        """Make the socket, and answer it from now on.

        A file that a killed server left is replaced. Where another server answers, this one takes its place, as its
        ``serve.json`` does.

        Args:
            board: What carries out the commands; threads may share it.

        Raises:
            CannotStart: The socket cannot be made.
        """
        with contextlib.suppress(DeployError):
            connect(self._store).close()
            logger.warning("another server over %s runs: what is switched is switched in this one alone", self._store)
        self._listening = listen(self._store)
        self._own = identity(self._path)
        threading.Thread(target=self._accept, args=(self._listening, board), name="control", daemon=True).start()

    def close(self) -> None:
        """Answer no more, and remove the file unless it is another server's; of no effect before ``start``.

        A switch that is being made is waited for, for some seconds: stop the server first, and it ends soon.
        """
        listening, self._listening = self._listening, None
        if listening is None:
            return
        if identity(self._path) == self._own:
            self._path.unlink(missing_ok=True)
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        with self._lock:
            threads = dict(self._open)
        for connection in threads.values():
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RD)  # who was connected and has not asked yet asks in vain
        ends = time.monotonic() + _CLOSE_TIMEOUT_S
        for thread in threads:
            thread.join(max(0.0, ends - time.monotonic()))

    def _accept(self, listening: socket.socket, board: Board) -> None:
        while self._listening is listening:
            try:
                connection, _ = listening.accept()
            except OSError as error:
                if self._listening is listening:
                    logger.warning("the control socket: %s", error)
                    time.sleep(1.0)  # no file handle is left, which may pass
                continue
            thread = threading.Thread(target=self._serve, args=(connection, board), name="control", daemon=True)
            with self._lock:
                self._open[thread] = connection
            thread.start()

    def _serve(self, connection: socket.socket, board: Board) -> None:
        try:
            with connection:
                Talk(connection, board).hold()
        except Exception:
            logger.exception("a command at the control socket was not carried out")
        finally:
            with self._lock:
                self._open.pop(threading.current_thread(), None)

"""Processes that do one thing for the process that started them, and that end with it, however it ends."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys
import threading
from multiprocessing.connection import Connection
from typing import Any

_CONNECTED = (
    "import sys; from multiprocessing.connection import Connection; connection = Connection(int(sys.argv[1])); "
)


def start_child(program: str) -> tuple[Connection, subprocess.Popen[bytes]]:
    """Start Python with a program, in a process group of its own: Ctrl-C reaches the starting process alone.

    program: has `sys`, and `connection`, whose other end is returned.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        nowhere: Any = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
        words = [sys.executable, "-P", "-c", _CONNECTED + program, str(theirs.fileno())]
        connection = Connection(ours.detach())
        return connection, subprocess.Popen(words, pass_fds=[theirs.fileno()], process_group=0, **nowhere)


def end_with_other_end(connection: Connection, code: int) -> None:
    """Let this process end with an exit code as soon as the other end of a connection closes, whatever it does then."""
    threading.Thread(target=_end_with, args=(connection.fileno(), code), daemon=True).start()


def _end_with(descriptor: int, code: int) -> None:
    closed = select.poll()
    closed.register(descriptor, 0)  # reports nothing but a hang-up
    closed.poll()
    os._exit(code)

"""The process that `WarmProcesses` starts, and the workers that it is forked into.

They answer their command alone. Signals from elsewhere are left pending: job schedulers send them to every process, and
the command tells its workers what to do about it. Their sockets close when the command ends, however it ends.
"""

from __future__ import annotations

import _thread
import importlib
import os
import signal
import sys
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle

import cloudpickle

from ceas_ray.kernel.signals import interrupts
from ceas_ray.runtime.child_process import end_with_other_end
from ceas_ray.runtime.failure import one_line

_LOST = 130


def serve(connection: Connection, module: str) -> None:
    """Import a module, then warm up and fork as the other end asks for it; kill all workers once that end closes."""
    signal.pthread_sigmask(signal.SIG_BLOCK, interrupts())
    importlib.import_module(module)
    workers: list[int] = []
    with suppress(EOFError, ConnectionError):
        while True:
            kind, content = connection.recv()
            if kind == "warm up":
                with suppress(Exception):
                    cloudpickle.loads(content)()
                continue
            handle = recv_handle(connection)
            workers = [worker for worker in workers if os.waitpid(worker, os.WNOHANG)[0] == 0]
            worker = os.fork()
            if worker == 0:
                connection.close()
                _work(Connection(handle))
            os.close(handle)
            workers.append(worker)
    for worker in workers:
        with suppress(ProcessLookupError):
            os.kill(worker, signal.SIGKILL)
    for worker in workers:
        os.waitpid(worker, 0)
    os._exit(0)


def _work(connection: Connection) -> None:
    """Say which process this is; then carry out one task after the other until the other end closes."""
    signal.signal(signal.SIGINT, lambda *_: None)  # one that comes too late for a task
    signal.signal(signal.SIGUSR1, lambda *_: _thread.interrupt_main(signal.SIGINT))
    end_with_other_end(connection, _LOST)
    with suppress(EOFError, ConnectionError):
        connection.send(("began", os.getpid()))
        while True:
            function, item = connection.recv()
            try:
                reply = ("returned", cloudpickle.loads(function)(item, True))
            except Exception as error:
                reply = ("raised", one_line(error))
            connection.send(reply)
    sys.stdout.flush()
    os._exit(0)

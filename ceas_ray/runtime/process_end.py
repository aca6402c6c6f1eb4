"""The wait for the end of a child process, which must be over whatever comes."""

from __future__ import annotations

import subprocess


def interrupted_while_ending(process: subprocess.Popen[bytes]) -> bool:
    """Wait until a process that was told to end has ended; return whether an interrupt came meanwhile, to be raised."""
    interrupted = False
    while process.poll() is None:
        try:
            process.wait()
        except KeyboardInterrupt:
            interrupted = True
    return interrupted

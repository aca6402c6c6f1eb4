"""A disk that takes long to say that something is safe: `fsync` of this process waits, sometimes for seconds.

`python -m tests.runtime.slow_disk SEED WORDS` is `ceas-ray WORDS` on such a disk.
"""

from __future__ import annotations

import os
import random
import sys
import threading

from ceas_ray.cli.run import main

_USUAL_SECONDS, _LONG_SECONDS, _LONG_SHARE = 0.02, 3.0, 0.02


def slow_down(seed: int) -> None:
    """Let every `fsync` of this process take up to 20 ms more, and one in fifty up to 3 s."""
    generator, sync = random.Random(seed), os.fsync

    def late(file: int) -> None:
        longest = _LONG_SECONDS if generator.random() < _LONG_SHARE else _USUAL_SECONDS
        threading.Event().wait(generator.random() * longest)
        sync(file)

    os.fsync = late


if __name__ == "__main__":
    slow_down(int(sys.argv[1]))
    sys.exit(main(sys.argv[2:]))

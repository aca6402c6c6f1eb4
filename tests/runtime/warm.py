"""Everything that a local run loads and compiles, done once: a process that imported this forks drivers at once."""

import contextlib
import os
import tempfile

from ceas_ray.cli.run import main
from tests.small_worlds import SMALL

with tempfile.TemporaryDirectory() as _folder, open(os.devnull, "w") as _nowhere, contextlib.redirect_stdout(_nowhere):
    main([*SMALL, "attacks=alie", "runtime.snapshot_every_rounds=1", f"output={_folder}/run"])

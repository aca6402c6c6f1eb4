"""Where the simulation runs: in one process, or on Ray."""

"""The simulation kernel: time, envelopes, total order, windows, random streams, digest, snapshots."""

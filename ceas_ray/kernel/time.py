"""Simulated time: an integer count of picoseconds."""

PICOSECONDS_PER_SECOND = 10**12

FOREVER = 2**63 - 1
"""Later than everything: the horizon of a host that nobody can disturb."""


def picoseconds(seconds: float) -> int:
    """Return `seconds` as whole picoseconds, rounded half to even."""
    return round(seconds * PICOSECONDS_PER_SECOND)


def seconds(time: int) -> float:
    """Return a time in picoseconds as seconds."""
    return time / PICOSECONDS_PER_SECOND

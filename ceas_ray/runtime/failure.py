"""Failures outside of the simulation."""


class RuntimeFailure(Exception):
    """A machine, a host process or the cluster failed; one line says which."""


class HostLost(RuntimeFailure):
    """A host or its machine died, hangs or cannot be reached: the others can go on from the last cut.

    noticed_within_seconds: seconds since the host's last sign of life, which the fault cannot precede; None if unknown.
    """

    def __init__(self, line: str, noticed_within_seconds: float | None = None) -> None:
        super().__init__(line)
        self.noticed_within_seconds = noticed_within_seconds


class ClusterLost(RuntimeFailure):
    """The cluster itself is lost: its head, the raylet of this machine, or the process here that speaks with them.

    noticed_within_seconds: seconds since the cluster's last sign of life; None if unknown.
    """

    def __init__(self, line: str, noticed_within_seconds: float | None = None) -> None:
        super().__init__(line)
        self.noticed_within_seconds = noticed_within_seconds


def one_line(error: BaseException) -> str:
    """Return what an error says, without line breaks."""
    return " ".join(str(error).split()) or type(error).__name__

"""What goes wrong outside of the simulation."""


class RuntimeFailure(Exception):
    """A machine, a host process or the cluster failed; one line says which."""


class HostLost(RuntimeFailure):
    """A host or its machine died, hangs or cannot be reached: the others can go on from the last cut."""


def one_line(error: BaseException) -> str:
    """What an error says, without line breaks."""
    return " ".join(str(error).split()) or type(error).__name__

"""What goes wrong outside of the simulation."""


class RuntimeFailure(Exception):
    """A machine, a host process or the cluster failed; one line says which."""

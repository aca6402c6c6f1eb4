"""One profile for all property tests: the same examples on every run."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "repeatable", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=False
)
settings.load_profile("repeatable")


def pytest_terminal_summary(terminalreporter) -> None:  # type: ignore[no-untyped-def]
    """Which layer caught which planted bug."""
    from tests.consensus.test_planted_bugs import TABLE

    if TABLE:
        terminalreporter.section("planted bugs: caught by")
        for line in TABLE:
            terminalreporter.write_line(line)

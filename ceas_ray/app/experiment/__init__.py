"""The experiment behind the headline claim: design, runs, statistics, report."""

"""The experiment behind the headline claim: design, training runs, statistics, report."""

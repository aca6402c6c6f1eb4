"""The application: the world, the run, studies and benchmarks."""

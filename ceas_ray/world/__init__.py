"""From settings to the simulated actors of a run, and what is refused on the way."""

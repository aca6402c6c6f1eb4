"""The simulated actors of a run, made from its settings, and what is refused on the way."""

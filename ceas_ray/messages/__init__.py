"""The messages that simulated actors exchange, and what both ends of a conversation must know to understand them."""

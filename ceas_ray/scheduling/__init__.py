"""Stock policies of links: when to generate."""

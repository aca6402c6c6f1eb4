"""Who takes pairs from a route: shots, keys, requests, deliveries, and shots of links that share channels."""

"""Byzantine and unlucky replicas, one per file: actors that wrap a `Replica` and change what leaves it. Ours."""

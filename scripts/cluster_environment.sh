# Sourced by scripts/cluster and scripts/machines: what must be set alike on every machine of a cluster.
# The health checks let the head notice a lost machine within about 8 seconds (Ray's own: 63).
export RAY_AUTH_MODE=token RAY_USAGE_STATS_ENABLED=0
export RAY_health_check_period_ms=1000 RAY_health_check_timeout_ms=2000
export RAY_health_check_failure_threshold=3 RAY_health_check_initial_delay_ms=0
export RAY_ROTATION_MAX_BYTES=16777216 RAY_ROTATION_BACKUP_COUNT=2
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 NUMBA_NUM_THREADS=1

"""The runtime on Ray: the only package that imports it.

Call `prepare_ray_environment` before this package is imported: Ray reads its environment once.
"""

from ceas_ray.runtime.ray_runtime.connection import ray_cluster
from ceas_ray.runtime.ray_runtime.hosts import RayCluster
from ceas_ray.runtime.ray_runtime.tasks import empty_actors, results_as_they_come

__all__ = ["RayCluster", "empty_actors", "ray_cluster", "results_as_they_come"]

"""The runtime on Ray: the only package that imports it."""

from ceas_ray.runtime.ray_environment import prepare_ray_environment

prepare_ray_environment()  # before Ray is imported, which reads its environment then

from ceas_ray.runtime.ray_runtime.cluster import RayCluster  # noqa: E402
from ceas_ray.runtime.ray_runtime.connection import name_of_task, ray_cluster  # noqa: E402
from ceas_ray.runtime.ray_runtime.empty_actors import empty_actors  # noqa: E402
from ceas_ray.runtime.ray_runtime.hosts import RayHosts  # noqa: E402

__all__ = [
    "RayCluster",
    "RayHosts",
    "empty_actors",
    "name_of_task",
    "ray_cluster",
]

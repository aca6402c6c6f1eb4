"""Plug-ins of ceas_ray for Hydra: `hydra/launcher=ray` and `hydra/sweeper=grid`, the defaults of `-m`."""

"""The application: settings, the world, the run. The only package that imports Hydra."""

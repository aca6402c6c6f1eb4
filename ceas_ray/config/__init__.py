"""The settings of a run: schema, validation, and composition with Hydra."""

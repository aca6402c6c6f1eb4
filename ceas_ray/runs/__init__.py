"""One training run: its life, its folder, its results, how it goes on."""

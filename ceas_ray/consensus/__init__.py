"""The consensus group: one instance of single-shot TetraBFT per round, on channels authenticated by quantum keys."""

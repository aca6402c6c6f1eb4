"""The consensus group: single-shot TetraBFT per round, on channels authenticated by quantum keys."""

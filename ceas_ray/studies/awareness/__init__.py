"""Experiment E2: the Bell pairs that schedulers need until training reaches a level, with and without the timetable."""

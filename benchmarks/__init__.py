"""Measurements, as ratios of two things timed in one run. None is a test: machines differ, ratios less so."""

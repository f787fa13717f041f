"""Tierwall: what environments are, whether they are kept apart, and how that is known."""

__version__ = "0.1.0"

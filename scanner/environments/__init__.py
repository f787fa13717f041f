"""Environments: what tierwall.yaml declares, which resource is where, and the thresholds each must keep to."""

from scanner.environments.model import Config, Environment
from scanner.environments.policy import TIERS, Tier

__all__ = ["TIERS", "Config", "Environment", "Tier"]

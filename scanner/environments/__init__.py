"""Environments: what tierwall.yaml declares, which resource is where, and the thresholds each must keep to."""

from scanner.environments.assign import assign
from scanner.environments.infer import infer
from scanner.environments.load import ConfigProblems, Problem, check_names, load_config
from scanner.environments.model import Config, Environment
from scanner.environments.policy import TIERS, Threshold, Tier
from scanner.environments.write import to_yaml

__all__ = [
    "TIERS",
    "Config",
    "ConfigProblems",
    "Environment",
    "Problem",
    "Threshold",
    "Tier",
    "assign",
    "check_names",
    "infer",
    "load_config",
    "to_yaml",
]

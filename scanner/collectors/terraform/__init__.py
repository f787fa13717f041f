"""Terraform and OpenTofu: plans and states, in the tables that live AWS fills. Importing this loads no SDK."""

from scanner.collectors.terraform.collect import FAMILIES, KINDS, Outcome, collect_plan, looks_like_plan

__all__ = ["FAMILIES", "KINDS", "Outcome", "collect_plan", "looks_like_plan"]

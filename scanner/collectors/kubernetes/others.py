"""Objects of which only the presence is kept, and templates of sandboxes, as rows."""

from __future__ import annotations

from collections.abc import Iterable

from scanner.collectors.kubernetes.identity import place
from scanner.collectors.kubernetes.networks import EVERYWHERE
from scanner.collectors.kubernetes.values import dig, mapping, mappings, selector, sequence, text
from scanner.tables import Document, Json
from scanner.tables.base import Placed
from scanner.tables.kubernetes_object import KubernetesObject, KubernetesSandboxTemplate


def shape_object(document: Document, obj: Json) -> Iterable[Placed]:
    """The row of any object."""
    owners = mappings(obj, "metadata", "ownerReferences")
    yield KubernetesObject(
        **place(document),
        api_group=text(obj, "apiVersion").rpartition("/")[0],
        kind=text(obj, "kind"),
        owner_kind=next((text(owner, "kind") for owner in owners if owner.get("controller")), ""),
    )


def shape_sandbox_template(document: Document, obj: Json) -> Iterable[Placed]:
    """The row of a template: https://github.com/kubernetes-sigs/agent-sandbox

    Without a policy of its own the controller gives it one that lets it reach the internet.
    """
    spec = mapping(obj, "spec")
    policy = dig(spec, "networkPolicy")
    rules = mapping(policy).get("egress") if isinstance(policy, dict) else None
    is_formed = (policy is None or isinstance(policy, dict)) and (rules is None or isinstance(rules, list))
    yield KubernetesSandboxTemplate(
        **place(document),
        management=text(spec, "networkPolicyManagement", default="Managed"),
        has_policy=policy is not None and is_formed,
        open_egress_rules=sum(_is_open(rule) for rule in rules) if isinstance(rules, list) else 0,
        runtime_class=text(spec, "podTemplate", "spec", "runtimeClassName"),
    )


def _is_open(rule: Json) -> bool:
    """A rule that leads to everyone, to all pods, or to a range that is all there is but for exceptions."""
    peers = sequence(rule, "to")
    return not peers or any(_is_anyone(peer) for peer in peers)


def _is_anyone(peer: Json) -> bool:
    if dig(peer, "ipBlock") is not None:
        cidr = text(peer, "ipBlock", "cidr")
        return not cidr or cidr in EVERYWHERE
    return selector(dig(peer, "podSelector")) == "" and selector(dig(peer, "namespaceSelector")) == ""

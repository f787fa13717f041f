"""Admission webhooks and policies, priority classes and custom kinds as rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

from scanner.collectors.kubernetes.identity import place
from scanner.collectors.kubernetes.values import dig, flag, mapping, mappings, selector, text, texts, whole
from scanner.tables import Document, Json, numbered
from scanner.tables.base import Placed
from scanner.tables.kubernetes_admission import (
    KubernetesAdmissionPolicy,
    KubernetesAdmissionPolicyBinding,
    KubernetesCustomKind,
    KubernetesPriorityClass,
    KubernetesWebhook,
    KubernetesWebhookConfiguration,
)


def shape_webhook_configuration(document: Document, obj: Json) -> Iterator[Placed]:
    """Rows of a configuration of webhooks."""
    webhooks = mappings(obj, "webhooks")
    yield KubernetesWebhookConfiguration(**place(document), kind=text(obj, "kind"), webhooks=len(webhooks))
    yield from numbered(_webhook(place(document), webhook) for webhook in webhooks)


def _webhook(where: dict[str, Any], webhook: Json) -> KubernetesWebhook:
    service = mapping(webhook, "clientConfig", "service")
    rules = mappings(webhook, "rules")
    taken = [(set(texts(rule, "apiGroups")), set(texts(rule, "resources"))) for rule in rules]
    return KubernetesWebhook(
        **where,
        webhook=text(webhook, "name"),
        fails_closed=text(webhook, "failurePolicy", default="Fail") == "Fail",
        timeout_seconds=whole(webhook, "timeoutSeconds", default=10),
        service=f"{text(service, 'namespace')}/{text(service, 'name')}" if service else "",
        address_host=urlsplit(text(webhook, "clientConfig", "url")).hostname or "",
        is_everywhere=selector(webhook.get("namespaceSelector")) == "",
        asks_about_pods=any(groups & {"", "*"} and kinds & {"pods", "*", "*/*", "pods/*"} for groups, kinds in taken),
        asks_about_everything=any("*" in groups and kinds & {"*", "*/*"} for groups, kinds in taken),
        has_conditions=selector(webhook.get("objectSelector")) != "" or bool(mappings(webhook, "matchConditions")),
    )


def shape_admission_policy(document: Document, obj: Json) -> Iterable[Placed]:
    """The row of a policy, whichever engine's."""
    kind = text(obj, "kind")
    enforces: bool | None = None
    if kind in ("ClusterPolicy", "Policy"):
        enforces = _kyverno_enforces(obj)
    engine = {"ClusterPolicy": "kyverno", "Policy": "kyverno", "ConstraintTemplate": "gatekeeper"}
    yield KubernetesAdmissionPolicy(
        **place(document), kind=kind, engine=engine.get(kind, "kubernetes"), enforces=enforces
    )


def _kyverno_enforces(obj: Json) -> bool:
    """The older setting of the policy, or the newer one of a rule. Not set is Audit.

    https://kyverno.io/docs/policy-types/cluster-policy/policy-settings/
    """
    actions = [text(obj, "spec", "validationFailureAction", default="Audit")]
    actions += [text(rule, "validate", "failureAction") for rule in mappings(obj, "spec", "rules")]
    return any(action.lower() == "enforce" for action in actions)


def shape_admission_policy_binding(document: Document, obj: Json) -> Iterable[Placed]:
    """The row of a binding."""
    yield KubernetesAdmissionPolicyBinding(
        **place(document),
        policy=text(obj, "spec", "policyName"),
        denies="Deny" in texts(obj, "spec", "validationActions"),
    )


def shape_priority_class(document: Document, obj: Json) -> Iterable[Placed]:
    """The row of a priority class."""
    yield KubernetesPriorityClass(
        **place(document),
        value=whole(obj, "value"),
        is_default=flag(obj, "globalDefault"),
        preempts=text(obj, "preemptionPolicy", default="PreemptLowerPriority") != "Never",
    )


def shape_custom_kind(document: Document, obj: Json) -> Iterable[Placed]:
    """The row of a CustomResourceDefinition."""
    served = sorted(text(one, "name") for one in mappings(obj, "spec", "versions") if dig(one, "served") is not False)
    yield KubernetesCustomKind(
        **place(document),
        api_group=text(obj, "spec", "group"),
        kind=text(obj, "spec", "names", "kind"),
        is_namespaced=text(obj, "spec", "scope") == "Namespaced",
        versions=",".join(served),
    )

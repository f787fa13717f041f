"""RBAC roles, bindings and service accounts as rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product

from scanner.collectors.kubernetes.identity import place, uid
from scanner.collectors.kubernetes.values import dig, flag, mapping, mappings, names, selector, sequence, text, texts
from scanner.tables import Document, Json, numbered
from scanner.tables.base import Placed
from scanner.tables.kubernetes_access import (
    KubernetesRole,
    KubernetesRoleAggregation,
    KubernetesRoleBinding,
    KubernetesRoleBindingSubject,
    KubernetesRoleLabel,
    KubernetesRoleRule,
    KubernetesServiceAccount,
)

_BUILT_IN = "kubernetes.io/bootstrapping"
_DEFAULTS = frozenset({"admin", "cluster-admin", "edit", "view"})  # beside those that begin with system:
_EVERYONE = frozenset(
    {("User", "system:anonymous"), ("Group", "system:unauthenticated"), ("Group", "system:authenticated")}
)
_SERVICE_ACCOUNTS = "system:serviceaccounts"


def shape_role(document: Document, obj: Json) -> Iterator[Placed]:
    """Rows of a role: https://kubernetes.io/docs/reference/kubernetes-api/authorization-resources/cluster-role-v1/"""
    rules = mappings(obj, "rules")
    aggregated = dig(obj, "aggregationRule") is not None
    yield KubernetesRole(
        **place(document),
        kind=text(obj, "kind"),
        is_aggregated=aggregated,
        is_built_in=_is_built_in(document, obj),
        # The controller writes the rules of an aggregated role once it is applied.
        grants_everything=None
        if aggregated and document.source == "manifests"
        else any(
            all("*" in texts(rule, part) for part in ("verbs", "apiGroups", "resources"))
            and not texts(rule, "resourceNames")
            for rule in rules
        ),
    )
    rows = [row for rule in rules for row in _grants(document, rule)]
    # Two rules may say the same; a grant is one row.
    yield from numbered({row.values(): row for row in rows}.values())
    where = place(document)
    yield from numbered(
        KubernetesRoleLabel(**where, label=label, value=value) for label, value in names(obj, "metadata", "labels")
    )
    yield from numbered(
        KubernetesRoleAggregation(**where, selector=selector(chosen))
        for chosen in mappings(obj, "aggregationRule", "clusterRoleSelectors")
    )


def _grants(document: Document, rule: Json) -> Iterator[KubernetesRoleRule]:
    verbs = texts(rule, "verbs")
    objects = texts(rule, "resourceNames") or [""]
    for verb, group, resource, name in product(verbs, texts(rule, "apiGroups"), texts(rule, "resources"), objects):
        yield KubernetesRoleRule(
            **place(document), verb=verb, api_group=group, resource=resource, resource_name=name, path=""
        )
    for verb, path in product(verbs, texts(rule, "nonResourceURLs")):
        yield KubernetesRoleRule(**place(document), verb=verb, api_group="", resource="", resource_name="", path=path)


def shape_role_binding(document: Document, obj: Json) -> Iterator[Placed]:
    """Rows of a binding."""
    kind = text(obj, "kind")
    role_kind, role = text(obj, "roleRef", "kind"), text(obj, "roleRef", "name")
    # A RoleBinding may name a ClusterRole, which has no namespace.
    role_namespace = document.namespace if role_kind == "Role" else ""
    yield KubernetesRoleBinding(
        **place(document),
        kind=kind,
        role_kind=role_kind,
        role_name=role,
        role_uid=uid(document.cluster, role_namespace, role_kind, role),
        is_cluster_wide=kind == "ClusterRoleBinding",
        is_built_in=_is_built_in(document, obj),
    )
    yield from numbered(_subject(document, subject) for subject in mappings(obj, "subjects"))


def _subject(document: Document, subject: Json) -> KubernetesRoleBindingSubject:
    kind, name = text(subject, "kind"), text(subject, "name")
    is_account = kind == "ServiceAccount"
    namespace = text(subject, "namespace", default=document.namespace) if is_account else ""
    return KubernetesRoleBindingSubject(
        **place(document),
        kind=kind,
        subject=name,
        subject_namespace=namespace,
        subject_uid=uid(document.cluster, namespace, kind, name) if is_account else "",
        is_everyone=(kind, name) in _EVERYONE,
        is_all_service_accounts=kind == "Group"
        and (name == _SERVICE_ACCOUNTS or name.startswith(f"{_SERVICE_ACCOUNTS}:")),
    )


def shape_service_account(document: Document, obj: Json) -> Iterable[Placed]:
    """The row of a service account."""
    annotations = mapping(obj, "metadata", "annotations")
    yield KubernetesServiceAccount(
        **place(document),
        automounts_token=flag(obj, "automountServiceAccountToken", default=True),
        aws_role_uid=text(annotations, "eks.amazonaws.com/role-arn"),
        gcp_service_account=text(annotations, "iam.gke.io/gcp-service-account"),
        azure_client_id=text(annotations, "azure.workload.identity/client-id"),
        image_pull_secrets=len(sequence(obj, "imagePullSecrets")),
        image_pull_secret_names=",".join(sorted(text(one, "name") for one in mappings(obj, "imagePullSecrets"))),
    )


def _is_built_in(document: Document, obj: Json) -> bool:
    """The API server makes these and keeps them as they are; the label alone anyone can write.

    https://kubernetes.io/docs/reference/access-authn-authz/rbac/#default-roles-and-role-bindings
    """
    name = text(obj, "metadata", "name")
    return (
        document.source != "manifests"
        and text(obj, "metadata", "labels", _BUILT_IN) == "rbac-defaults"
        and (name.startswith("system:") or name in _DEFAULTS)
    )

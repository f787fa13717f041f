"""RBAC worked out: who may do what, and what workloads may do with their tokens.

https://kubernetes.io/docs/reference/access-authn-authz/rbac/
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from scanner.collectors.kubernetes.identity import uid
from scanner.collectors.kubernetes.selectors import matches
from scanner.store import Estate
from scanner.tables import Assignment, Gap, Row
from scanner.tables.base import Derived, Placed
from scanner.tables.kubernetes_access import (
    KubernetesGrant,
    KubernetesRole,
    KubernetesRoleAggregation,
    KubernetesRoleBinding,
    KubernetesRoleBindingSubject,
    KubernetesRoleLabel,
    KubernetesRoleRule,
    KubernetesServiceAccount,
    KubernetesSubject,
    KubernetesWorkloadAccess,
    KubernetesWorkloadGrant,
)
from scanner.tables.kubernetes_cluster import KubernetesCluster
from scanner.tables.kubernetes_workload import KubernetesWorkload

TABLES: tuple[type[Derived], ...] = (
    KubernetesSubject, KubernetesGrant, KubernetesWorkloadGrant, KubernetesWorkloadAccess,
)  # fmt: skip

_EVERYONE = frozenset({"system:anonymous", "system:unauthenticated", "system:authenticated"})
# What is in no namespace, by its resource without subresource. `namespaces` is asked for in the namespace itself, and
# binding a cluster role in a namespace is asked for there.
_NOWHERE = frozenset({
    "nodes", "persistentvolumes", "clusterrolebindings", "storageclasses", "csidrivers", "csinodes",
    "volumeattachments", "priorityclasses", "runtimeclasses", "ingressclasses", "customresourcedefinitions",
    "apiservices", "mutatingwebhookconfigurations", "validatingwebhookconfigurations", "validatingadmissionpolicies",
    "validatingadmissionpolicybindings", "certificatesigningrequests", "signers", "tokenreviews",
    "subjectaccessreviews", "users", "groups", "uids", "componentstatuses", "flowschemas",
    "prioritylevelconfigurations",
})  # fmt: skip
_COMMANDS = frozenset({"pods/exec", "pods/attach", "*/exec", "*/attach", "*"})
_ASKS_FOR_CREATE = 35  # minor version from which a WebSocket to pods/exec needs create, too
_NAMELESS = frozenset({"create", "deletecollection"})  # a request that names no object meets no resourceNames


class Rule(NamedTuple):
    """One line of a role."""

    verb: str
    api_group: str
    resource: str
    resource_name: str
    path: str

    @property
    def grants_nothing(self) -> bool:
        return bool(self.resource_name) and self.verb in _NAMELESS and "/" not in self.resource

    def is_effective_in(self, namespace: str) -> bool:
        """Whether the API server can ask for it where it is bound."""
        return not namespace or (not self.path and self.resource.partition("/")[0] not in _NOWHERE)


_ADMIN = (Rule("*", "*", "*", "", ""), Rule("*", "", "", "", "*"))


@dataclass(slots=True)
class _Lost:
    """What was not read and now leaves something open."""

    scopes: dict[str, Gap] = field(default_factory=dict)  # bindings or roles of a scope
    accounts: dict[str, Gap] = field(default_factory=dict)  # service accounts of a scope
    roles: dict[str, Gap] = field(default_factory=dict)  # by uid
    workloads: dict[str, Gap] = field(default_factory=dict)  # by uid

    @classmethod
    def of(cls, estate: Estate) -> _Lost:
        out = cls()
        for gap in estate.rows(Gap):
            table = gap.table_name
            if table in _BINDING_TABLES or (table in _ROLE_TABLES and not gap.uid):
                out.scopes.setdefault(gap.scope, gap)
            elif table in _ROLE_TABLES and gap.column_name != "grants_everything":
                out.roles.setdefault(gap.uid, gap)
            elif table == KubernetesServiceAccount.table:
                out.accounts.setdefault(gap.scope, gap)
            elif table == KubernetesWorkload.table and gap.uid and gap.column_name in ("", "service_account"):
                out.workloads.setdefault(gap.uid, gap)
        return out


_BINDING_TABLES = frozenset({KubernetesRoleBinding.table, KubernetesRoleBindingSubject.table})
_ROLE_TABLES = frozenset({
    KubernetesRole.table, KubernetesRoleRule.table, KubernetesRoleLabel.table, KubernetesRoleAggregation.table,
})  # fmt: skip


@dataclass(slots=True)
class _Subject:
    """A subject with all that names it."""

    uid: str
    kind: str
    name: str
    namespace: str
    bindings: list[KubernetesRoleBinding] = field(default_factory=list)
    through: list[tuple[str, KubernetesRoleBinding]] = field(default_factory=list)  # group, binding

    @property
    def is_system(self) -> bool:
        """Of the cluster's own doing: nobody of the organisation gave it what it has."""
        own = self.namespace == "kube-system" if self.kind == "ServiceAccount" else self.name.startswith("system:")
        return own and all(binding.is_built_in for binding in self.bindings)


def rows(estate: Estate) -> Iterator[Row]:
    """Rows of the derived tables, the gaps of these rows, and the environments of subjects that are no objects."""
    lost = _Lost.of(estate)
    roles = _Roles(estate, lost)
    minors = {row.cluster: row.minor for row in estate.rows(KubernetesCluster)}
    bindings = {row.uid: row for row in estate.rows(KubernetesRoleBinding)}
    accounts = estate.rows(KubernetesServiceAccount)
    subjects = _subjects(estate, bindings, accounts)
    for subject in subjects.values():
        first = (subject.bindings or [binding for _, binding in subject.through])[0]
        if subject.bindings:
            yield _subject_row(subject, first)
        yield from _numbered(_grants(subject, first, roles, minors))
        for gap in _role_gaps(subject, roles):
            yield from _gaps((KubernetesGrant,), gap, first.scope, subject.uid)
    yield from _scope_gaps(lost)
    yield from _workloads(estate, subjects, {a.uid for a in accounts}, roles, lost)
    yield from _assignments(estate, subjects)


# --- roles ------------------------------------------------------------------------------------------------------------


class _Roles:
    """What each role allows, and which roles leave that open."""

    def __init__(self, estate: Estate, lost: _Lost) -> None:
        self._rules: defaultdict[str, list[Rule]] = defaultdict(list)
        for row in estate.rows(KubernetesRoleRule):
            rule = Rule(
                row.verb or "", row.api_group or "", row.resource or "", row.resource_name or "", row.path or ""
            )
            if not rule.grants_nothing:
                self._rules[row.uid].append(rule)
        self._known = {row.uid: row for row in estate.rows(KubernetesRole)}
        self._lost = lost
        self._aggregate(estate)

    def _aggregate(self, estate: Estate) -> None:
        """Give an aggregated role of a manifest the rules that it will get. A cluster has done that itself."""
        labels: defaultdict[str, dict[str, str]] = defaultdict(dict)
        for row in estate.rows(KubernetesRoleLabel):
            labels[row.uid][row.label or ""] = row.value or ""
        chosen: defaultdict[str, list[str]] = defaultdict(list)
        for one in estate.rows(KubernetesRoleAggregation):
            if one.source == "manifests":
                chosen[one.uid].append(one.selector or "")
        own = {name: list(rules) for name, rules in self._rules.items()}
        for target, selectors in chosen.items():
            cluster = self._known[target].cluster if target in self._known else None
            for name, role in self._known.items():
                fits = role.cluster == cluster and role.kind == "ClusterRole" and name != target
                if fits and any(matches(selector, labels[name]) for selector in selectors):
                    self._rules[target] += own.get(name, ())

    def rules(self, binding: KubernetesRoleBinding) -> Iterable[Rule]:
        """What a binding's role allows; each once."""
        found = self._rules.get(binding.role_uid or "")
        if found is None and self._is_cluster_admin(binding):
            return _ADMIN
        return dict.fromkeys(found or ())

    def gap(self, binding: KubernetesRoleBinding) -> Gap | None:
        """Why it is not known what the binding's role allows; None if it is."""
        role = binding.role_uid or ""
        if role in self._lost.roles:
            return self._lost.roles[role]
        if role in self._known or binding.source != "manifests" or self._is_cluster_admin(binding):
            return None
        detail = f"{binding.role_kind} {binding.role_name} is not in the manifests"
        return Gap(scope=binding.scope, table_name=KubernetesRole.table, reason="after_apply", detail=detail)

    @staticmethod
    def _is_cluster_admin(binding: KubernetesRoleBinding) -> bool:
        """The role that every cluster has, and that nobody needs to write down."""
        return binding.role_kind == "ClusterRole" and binding.role_name == "cluster-admin"


# --- subjects ---------------------------------------------------------------------------------------------------------


def _subjects(
    estate: Estate, bindings: Mapping[str, KubernetesRoleBinding], accounts: Iterable[KubernetesServiceAccount]
) -> dict[str, _Subject]:
    """Everyone whom a binding names, and service accounts that have something through their groups."""
    found: dict[str, _Subject] = {}
    of_groups: defaultdict[tuple[str, str], list[KubernetesRoleBinding]] = defaultdict(list)
    seen: set[tuple[str, str]] = set()
    for row in estate.rows(KubernetesRoleBindingSubject):
        binding = bindings.get(row.uid)
        if binding is None or row.kind is None or row.subject is None:
            continue
        name, space = row.subject, row.subject_namespace or ""
        key = row.subject_uid or uid(row.cluster or "", "", row.kind, name)
        subject = found.setdefault(key, _Subject(key, row.kind, name, space))
        if (key, binding.uid) in seen:  # a binding may name a subject twice
            continue
        seen.add((key, binding.uid))
        subject.bindings.append(binding)
        if row.kind == "Group":
            of_groups[row.cluster or "", name].append(binding)
    for account in accounts:
        for group in account_groups(account.namespace or ""):
            for binding in of_groups.get((account.cluster or "", group), ()):
                made = _Subject(account.uid, "ServiceAccount", account.name or "", account.namespace or "")
                found.setdefault(account.uid, made).through.append((group, binding))
    return found


def account_groups(namespace: str) -> tuple[str, ...]:
    """The groups that every service account of a namespace is in."""
    return ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated")


def _subject_row(subject: _Subject, first: KubernetesRoleBinding) -> KubernetesSubject:
    return KubernetesSubject(
        **_place(first, subject.uid, subject.name, subject.namespace),
        kind=subject.kind,
        bindings=",".join(sorted({binding.name or "" for binding in subject.bindings})),
        is_system=subject.is_system,
        is_everyone=subject.name in _EVERYONE and subject.kind in ("User", "Group"),
    )


def _grants(
    subject: _Subject, first: KubernetesRoleBinding, roles: _Roles, minors: Mapping[str | None, int | None]
) -> Iterator[KubernetesGrant]:
    for through, binding in [*(("", binding) for binding in subject.bindings), *subject.through]:
        space = "" if binding.is_cluster_wide else binding.namespace or ""
        for rule in roles.rules(binding):
            yield KubernetesGrant(
                **_place(first, subject.uid, subject.name, subject.namespace),
                **rule._asdict(),
                through=through,
                in_namespace=space,
                binding_uid=binding.uid,
                role_uid=binding.role_uid,
                runs_commands=_runs_commands(rule, minors.get(binding.cluster)),
                is_given=None if binding.is_built_in is None else not through and not binding.is_built_in,
                is_effective=rule.is_effective_in(space),
            )


def _runs_commands(rule: Rule, minor: int | None) -> bool | None:
    """https://github.com/kubernetes/kubernetes/pull/134577"""
    if rule.api_group not in ("", "*") or rule.resource not in _COMMANDS:
        return False
    if rule.verb in ("create", "*"):
        return True
    if rule.verb != "get":
        return False
    return None if minor is None else minor < _ASKS_FOR_CREATE


def _place(of: Placed, of_uid: str, name: str, namespace: str | None) -> dict[str, Any]:
    return {
        "scope": of.scope, "uid": of_uid, "name": name, "cluster": of.cluster, "namespace": namespace,
        "source": of.source, "file": of.file, "line": of.line,
    }  # fmt: skip


def _role_gaps(subject: _Subject, roles: _Roles) -> Iterator[Gap]:
    seen = set()
    for binding in [*subject.bindings, *(binding for _, binding in subject.through)]:
        gap = roles.gap(binding)
        if gap and (key := (gap.reason, gap.call, gap.detail)) not in seen:
            seen.add(key)
            yield gap


def _scope_gaps(lost: _Lost) -> Iterator[Gap]:
    for scope, gap in lost.scopes.items():
        yield from _gaps(TABLES, gap, scope)
    for scope, gap in lost.accounts.items():
        # An account that was not seen may have rights through its groups.
        yield from _gaps((KubernetesSubject, KubernetesGrant), gap, scope)
        yield from _gaps((KubernetesWorkloadAccess,), gap, scope, column="account_is_there")


def _gaps(tables: Iterable[type[Row]], of: Gap, scope: str, of_uid: str = "", column: str = "") -> Iterator[Gap]:
    for table in tables:
        yield replace(of, scope=scope, uid=of_uid, table_name=table.table, column_name=column)


def _numbered(found: Iterable[KubernetesGrant]) -> Iterator[KubernetesGrant]:
    order = sorted(found, key=lambda row: [str(value) for value in row.values()])
    for number, row in enumerate(order):
        row.ordinal = number
        yield row


# --- workloads --------------------------------------------------------------------------------------------------------


def _workloads(
    estate: Estate, subjects: Mapping[str, _Subject], accounts: set[str], roles: _Roles, lost: _Lost
) -> Iterator[Row]:
    """What each workload's service account gives it: worked out once for an account."""
    groups: defaultdict[tuple[str, str], list[KubernetesRoleBinding]] = defaultdict(list)
    for subject in subjects.values():
        if subject.kind == "Group":
            for binding in subject.bindings:
                groups[binding.cluster or "", subject.name].append(binding)
    kept: dict[str, tuple[list[tuple[Rule, str, str]], list[Gap]]] = {}
    for workload in estate.rows(KubernetesWorkload):
        account = workload.service_account_uid
        place = _place(workload, workload.uid, workload.name or "", workload.namespace)
        if account is None:
            gap = lost.workloads.get(workload.uid)
            if gap:
                yield from _gaps((KubernetesWorkloadGrant, KubernetesWorkloadAccess), gap, workload.scope, workload.uid)
            continue
        own = subjects[account].bindings if account in subjects else []
        yield KubernetesWorkloadAccess(
            **place,
            bindings=len(own),
            account_is_there=_is_there(workload, account, accounts, lost),
        )
        if account not in kept:
            shared = [
                binding
                for group in account_groups(workload.namespace or "")
                for binding in groups.get((workload.cluster or "", group), ())
            ]
            kept[account] = _effective([*own, *shared], roles)
        grants, gaps = kept[account]
        for number, (rule, space, binding_uid) in enumerate(grants):
            yield KubernetesWorkloadGrant(
                **place, ordinal=number, verb=rule.verb, api_group=rule.api_group, resource=rule.resource,
                resource_name=rule.resource_name, in_namespace=space, binding_uid=binding_uid,
            )  # fmt: skip
        for gap in gaps:
            yield from _gaps((KubernetesWorkloadGrant,), gap, workload.scope, workload.uid)


def _is_there(workload: KubernetesWorkload, account: str, accounts: set[str], lost: _Lost) -> bool | None:
    if account in accounts or workload.service_account == "default":
        return True
    return None if workload.scope in lost.accounts else False


def _effective(
    bindings: Iterable[KubernetesRoleBinding], roles: _Roles
) -> tuple[list[tuple[Rule, str, str]], list[Gap]]:
    grants: dict[tuple[Rule, str], str] = {}
    gaps: dict[tuple[str, int, str], Gap] = {}
    for binding in bindings:
        if binding.is_built_in:
            continue
        space = "" if binding.is_cluster_wide else binding.namespace or ""
        for rule in roles.rules(binding):
            if not rule.path and rule.is_effective_in(space):
                grants.setdefault((rule, space), binding.uid)
        if gap := roles.gap(binding):
            gaps.setdefault((gap.reason, gap.call, gap.detail), gap)
    return [(rule, space, by) for (rule, space), by in sorted(grants.items())], list(gaps.values())


# --- environments -----------------------------------------------------------------------------------------------------


def _assignments(estate: Estate, subjects: Mapping[str, _Subject]) -> Iterator[Assignment]:
    """A subject that is no object is in the environments of the bindings that name it; NULL where they differ."""
    known = {row.uid: row for row in estate.rows(Assignment)}
    for subject in subjects.values():
        if subject.uid in known or not subject.bindings:
            continue
        found = [known[binding.uid] for binding in subject.bindings if binding.uid in known]
        if not found:
            continue
        environments = {row.environment for row in found}
        candidates = sorted({name for row in found for name in (row.candidates or "").split()})
        yield Assignment(
            uid=subject.uid,
            environment=environments.pop() if len(environments) == 1 else None,
            because="the bindings that name it",
            candidates=" ".join(candidates),
            reason=next((row.reason for row in found if row.reason), ""),
            call=next((row.call for row in found if row.reason), 0),
        )

"""Who may do what in a cluster: RBAC roles, bindings and service accounts."""

from __future__ import annotations

from typing import ClassVar

from scanner.tables.base import Child, Derived, Resource, column


class KubernetesRole(Resource, title="A role: Role in a namespace, or ClusterRole"):
    kind: str | None = column("Role or ClusterRole.")
    is_aggregated: bool | None = column("Its rules are collected from other cluster roles by their labels.")
    is_built_in: bool | None = column("Kept by the API server itself: label kubernetes.io/bootstrapping=rbac-defaults.")
    grants_everything: bool | None = column("One rule allows every verb on every resource of every API group.")


class KubernetesRoleRule(Child, title="One grant of a role: one verb on one resource, or on one path"):
    """A role's rules multiplied out. `*` is kept as written: it stands for everything in its column.

    `pods/exec` is a resource of its own: `pods/*` is not a pattern and means nothing, `*/exec` is one.
    """

    verb: str | None = column("get, list, watch, create, update, patch, delete, deletecollection, bind, …, or *.")
    api_group: str | None = column("API group, '' for core; '' for paths too.")
    resource: str | None = column("Resource with its subresource: pods, pods/exec, or *; '' for paths.")
    resource_name: str | None = column("The one object it is bound to; '' for all.")
    path: str | None = column("Path outside the resources, such as /metrics or *; '' for resources.")


class KubernetesRoleLabel(Child, title="A label of a role"):
    """What aggregated roles select by."""

    label: str | None = column("Key of the label.")
    value: str | None = column("Its value; '' is allowed.")


class KubernetesRoleAggregation(Child, title="A label selector by which an aggregated role collects others' rules"):
    selector: str | None = column("Cluster roles it takes in, as a label selector; '' is every one.")


class KubernetesRoleBinding(Resource, title="A binding of a role: RoleBinding in a namespace, or ClusterRoleBinding"):
    kind: str | None = column("RoleBinding or ClusterRoleBinding.")
    role_kind: str | None = column("Role or ClusterRole.")
    role_name: str | None = column("Name of the role.")
    role_uid: str | None = column("Uid of the role, which may not exist.")
    is_cluster_wide: bool | None = column("Grants in every namespace: it is a ClusterRoleBinding.")
    is_built_in: bool | None = column("Kept by the API server itself: label kubernetes.io/bootstrapping=rbac-defaults.")


class KubernetesRoleBindingSubject(Child, title="A subject of a binding"):
    kind: str | None = column("User, Group or ServiceAccount.")
    subject: str | None = column("Name of the user, group or service account.")
    subject_namespace: str | None = column("Namespace of a service account; '' for users and groups.")
    subject_uid: str | None = column("Uid of a service account; '' for users and groups.")
    is_everyone: bool | None = column(
        "Anyone who reaches the API server or is known to it: system:anonymous, system:unauthenticated, "
        "system:authenticated."
    )
    is_all_service_accounts: bool | None = column(
        "Group system:serviceaccounts, of the cluster or of a namespace (system:serviceaccounts:<namespace>)."
    )


class KubernetesServiceAccount(Resource, title="A service account"):
    automounts_token: bool | None = column("Pods that say nothing get its token mounted. Not set is true.")
    aws_role_uid: str | None = column("ARN of the AWS role it may assume (eks.amazonaws.com/role-arn); '' if none.")
    gcp_service_account: str | None = column("Google account it acts as (iam.gke.io/gcp-service-account); '' if none.")
    azure_client_id: str | None = column("Azure identity it acts as (azure.workload.identity/client-id); '' if none.")
    image_pull_secrets: int | None = column("Number of secrets its pods pull images with.")
    image_pull_secret_names: str | None = column("Their names, sorted, separated by commas; '' if none.")


_INPUTS = (
    "kubernetes_role", "kubernetes_role_rule", "kubernetes_role_label", "kubernetes_role_aggregation",
    "kubernetes_role_binding", "kubernetes_role_binding_subject",
    "kubernetes_service_account", "kubernetes_cluster",
)  # fmt: skip


class KubernetesSubject(Derived, title="Whom a binding gives something: a user, a group, a service account"):
    """uid `k8s:<cluster>//User/<name>`, `…//Group/<name>`, and a service account's own. File and line are of a binding.

    Users and groups are whatever the cluster's sign-in says they are: Kubernetes itself has no list of them.
    """

    inputs: ClassVar[tuple[str, ...]] = _INPUTS
    writes_gaps: ClassVar[bool] = True
    kind: str | None = column("User, Group or ServiceAccount.")
    bindings: str | None = column("Names of the bindings that name it, sorted, separated by commas.")
    is_system: bool | None = column(
        "One of the cluster's own: its name begins with system:, and all its bindings are kept by the API server, or "
        "are of a service account in kube-system."
    )
    is_everyone: bool | None = column(
        "Anyone who reaches the API server or is known to it: system:anonymous, system:unauthenticated, "
        "system:authenticated."
    )


class KubernetesGrant(Derived, title="What a subject may do: one verb on one resource, or on one path, somewhere"):
    """Bindings joined with the rules of their roles; the rules of aggregated roles are those of the roles they select.

    `*` is kept as written: it stands for everything in its column. `pods/exec` is a resource of its own: `pods/*` is
    no pattern and grants nothing of it, `*/exec` and `*` do. With a `resource_name` nothing is granted that names no
    object: no create or deletecollection of a resource, and list and watch only of the object of that name.
    A service account also has what its groups have: `through` names the group.
    https://kubernetes.io/docs/reference/access-authn-authz/rbac/
    """

    key: ClassVar[tuple[str, ...]] = ("uid", "ordinal")
    inputs: ClassVar[tuple[str, ...]] = _INPUTS
    writes_gaps: ClassVar[bool] = True
    ordinal: int = column("Position among the subject's grants, from 0, after sorting.", default=0)
    through: str | None = column("Group by which a service account has it; '' where the subject itself is bound.")
    verb: str | None = column("get, list, watch, create, update, patch, delete, deletecollection, bind, …, or *.")
    api_group: str | None = column("API group, '' for core, or *; '' for paths too.")
    resource: str | None = column("Resource with its subresource: pods, pods/exec, */exec, or *; '' for paths.")
    resource_name: str | None = column("The one object it is bound to; '' for all.")
    path: str | None = column("Path outside the resources, such as /metrics or *; '' for resources.")
    in_namespace: str | None = column("Where it holds: a namespace; '' in all, and for what is in none.")
    binding_uid: str | None = column("The binding.")
    role_uid: str | None = column("The role that the binding names.")
    runs_commands: bool | None = column(
        "Lets its holder run commands in containers: create on pods/exec or pods/attach, and get as well where the API "
        "server is older than 1.35, which let it through over WebSocket; NULL for get where the version is not known."
    )
    is_given: bool | None = column(
        "Somebody gave it to the subject itself: not through a group, by no built-in binding."
    )
    is_effective: bool | None = column(
        "The API server can ask for it there: what is in no namespace, such as nodes, a binding in a namespace names "
        "without giving it."
    )


class KubernetesWorkloadGrant(Derived, title="What a workload may do with its service account's token"):
    """The effective grants of its service account and its groups on resources, each once, but for the built-in ones.

    Whether the token is mounted the workload itself says (`automounts_token`).
    """

    key: ClassVar[tuple[str, ...]] = ("uid", "ordinal")
    inputs: ClassVar[tuple[str, ...]] = (*_INPUTS, "kubernetes_workload")
    writes_gaps: ClassVar[bool] = True
    ordinal: int = column("Position among the workload's grants, from 0, after sorting.", default=0)
    verb: str | None = column("The verb, or *.")
    api_group: str | None = column("API group, '' for core, or *.")
    resource: str | None = column("Resource with its subresource, or *.")
    resource_name: str | None = column("The one object it is bound to; '' for all.")
    in_namespace: str | None = column("Where it holds: a namespace; '' in all, and for what is in none.")
    binding_uid: str | None = column("A binding that gives it.")


class KubernetesWorkloadAccess(Derived, title="What a workload's service account is bound to"):
    """One row a workload, with its uid."""

    inputs: ClassVar[tuple[str, ...]] = (*_INPUTS, "kubernetes_workload")
    writes_gaps: ClassVar[bool] = True
    bindings: int | None = column("Number of bindings that name its service account itself.")
    account_is_there: bool | None = column("The service account exists; every namespace is given `default`.")

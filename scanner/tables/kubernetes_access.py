"""Who may do what in a cluster: RBAC roles, bindings and service accounts."""

from __future__ import annotations

from scanner.tables.base import Child, Resource, column


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

"""What a cluster lets in: admission webhooks and policies, and the kinds it was taught."""

from __future__ import annotations

from scanner.tables.base import Child, Resource, column


class KubernetesWebhookConfiguration(Resource, title="A configuration of admission webhooks"):
    kind: str | None = column("MutatingWebhookConfiguration or ValidatingWebhookConfiguration.")
    webhooks: int | None = column("Number of webhooks in it.")


class KubernetesWebhook(Child, title="An admission webhook"):
    """https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/"""

    webhook: str | None = column("Its name.")
    fails_closed: bool | None = column(
        "Requests are refused while it cannot be asked (failurePolicy). Not set is true."
    )
    timeout_seconds: int | None = column("How long it may take; not set is 10.", unit="seconds")
    service: str | None = column("Service that answers, namespace/name; '' for an address outside the cluster.")
    address_host: str | None = column("Host of the address that answers; '' for a service.")
    is_everywhere: bool | None = column("It is asked about every namespace: its namespace selector is empty.")
    asks_about_pods: bool | None = column("Some rule of it takes in pods, or everything.")
    asks_about_everything: bool | None = column("Some rule of it takes in all resources of all API groups.")
    has_conditions: bool | None = column("It is asked only where an object selector or a match condition says so.")


class KubernetesAdmissionPolicy(Resource, title="A policy that decides what a cluster lets in"):
    """ValidatingAdmissionPolicy, policies of Kyverno, templates of Gatekeeper: they are there, and they may refuse."""

    kind: str | None = column("Kind of the object.")
    engine: str | None = column("kubernetes, kyverno or gatekeeper.")
    enforces: bool | None = column(
        "It refuses what breaks it; false where it only reports. NULL where that is not told."
    )


class KubernetesAdmissionPolicyBinding(Resource, title="A binding that puts a ValidatingAdmissionPolicy to work"):
    policy: str | None = column("Name of the policy.")
    denies: bool | None = column("What breaks the policy is refused (validationActions has Deny).")


class KubernetesPriorityClass(Resource, title="A priority class"):
    value: int | None = column("Priority: pods of a higher one push others out.")
    is_default: bool | None = column("Pods that name no class get it.")
    preempts: bool | None = column("Its pods push out others. Not set is true.")


class KubernetesCustomKind(Resource, title="A kind that a CustomResourceDefinition teaches the API server"):
    api_group: str | None = column("Its API group.")
    kind: str | None = column("The kind.")
    is_namespaced: bool | None = column("Its objects are in namespaces.")
    versions: str | None = column("Versions that are served, sorted, separated by commas.")

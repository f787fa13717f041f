"""What objects name and who leads to them: found among what was read, unknown where reading was not complete."""

from __future__ import annotations

from pathlib import Path

import pytest

from scanner.isolation import derive
from scanner.tables import Gap
from scanner.tables.kubernetes_care import KubernetesWorkloadCare
from scanner.tables.kubernetes_object import KubernetesPublication, KubernetesReference
from tests.support.derived import estate_of
from tests.support.kubernetes import Object, Scanner, deployment, obj, pod_spec, server

POLICY, GATEWAY = "networking.k8s.io/v1", "gateway.networking.k8s.io/v1"


def found(folder: Path, objects: list[Object], name: str) -> list[tuple[str | None, str | None, bool | None]]:
    with estate_of(folder, objects) as estate:
        return [(r.kind, r.target, r.is_there) for r in estate.rows(KubernetesReference, "name = ?", name)]


def service(name: str, labels: dict[str, str], **spec: object) -> Object:
    return obj("v1", "Service", name, "shop", spec={"selector": labels, "ports": [{"port": 443}], **spec})


@pytest.mark.parametrize(
    ("selector", "is_there"),
    [
        ({"matchLabels": {"app": "web"}}, True),
        ({"matchLabels": {"app": "db"}}, False),
        ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["db", "web"]}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web"]}]}, False),
        ({"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["web"]}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "Exists"}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}, False),
    ],
)
def test_a_policy_refers_to_the_pods_of_its_namespace_by_their_labels(
    tmp_path: Path, selector: Object, is_there: bool
) -> None:
    objects = [
        deployment("web", "shop", pod_spec()), deployment("db", "other", pod_spec()),
        obj(POLICY, "NetworkPolicy", "policy", "shop", spec={"podSelector": selector}),
    ]  # fmt: skip

    assert [there for _, _, there in found(tmp_path, objects, "policy")] == [is_there]


def test_a_name_in_another_namespace_is_not_there(tmp_path: Path) -> None:
    spec = {**pod_spec(), "serviceAccountName": "web", "volumes": [{"name": "c", "configMap": {"name": "settings"}}]}
    objects = [
        deployment("app", "shop", spec), obj("v1", "ServiceAccount", "web", "other"),
        obj("v1", "ConfigMap", "settings", "shop"),
    ]  # fmt: skip

    assert found(tmp_path, objects, "app") == [("ConfigMap", "settings", True), ("ServiceAccount", "web", False)]


def test_what_could_not_be_listed_may_be_there(scan: Scanner) -> None:
    spec = {**pod_spec(), "volumes": [{"name": "c", "configMap": {"name": "settings"}}]}
    with server([deployment("app", "shop", spec)]) as api:
        api.fault(403, resource="configmaps")
        estate = scan(api).estate
    derive(estate)

    app = "k8s:test/shop/Deployment/app"
    rows = {r.kind: r.is_there for r in estate.rows(KubernetesReference, "uid = ?", app)}
    assert rows == {"ConfigMap": None, "ServiceAccount": True}
    gaps = [(g.uid, g.column_name, g.reason) for g in estate.rows(Gap, "table_name = 'kubernetes_reference'")]
    assert gaps == [(app, "is_there", "denied")]


def test_a_workload_is_published_by_its_service_and_by_what_leads_to_it(tmp_path: Path) -> None:
    listeners = [{"name": "https", "port": 443, "protocol": "HTTPS"}, {"name": "http", "port": 80, "protocol": "HTTP"}]
    backend = [{"backendRefs": [{"name": "web", "port": 443}]}]
    objects = [
        deployment("web", "shop", pod_spec()), service("web", {"app": "web"}),
        obj(GATEWAY, "Gateway", "edge", "shop", spec={"listeners": listeners}),
        obj(GATEWAY, "HTTPRoute", "both", "shop", spec={"parentRefs": [{"name": "edge"}], "rules": backend}),
        obj(GATEWAY, "HTTPRoute", "one", "shop",
            spec={"parentRefs": [{"name": "edge", "sectionName": "https"}], "rules": backend}),
    ]  # fmt: skip
    with estate_of(tmp_path, objects) as estate:
        rows = {
            (row.kind, (row.by_uid or "").rpartition("/")[2], row.is_from_outside, row.is_encrypted)
            for row in estate.rows(KubernetesPublication)
        }
    assert rows == {
        ("Service", "web", False, False), ("HTTPRoute", "both", True, False), ("HTTPRoute", "one", True, True),
    }  # fmt: skip


def test_only_a_load_balancer_without_ranges_that_is_not_internal_is_for_everyone(tmp_path: Path) -> None:
    internal = {"service.beta.kubernetes.io/aws-load-balancer-scheme": "internal"}
    objects = [deployment("web", "shop", pod_spec()), service("open", {"app": "web"}, type="LoadBalancer"),
               service("ranged", {"app": "web"}, type="LoadBalancer", loadBalancerSourceRanges=["10.0.0.0/8"]),
               service("node", {"app": "web"}, type="NodePort")]  # fmt: skip
    inside = service("inside", {"app": "web"}, type="LoadBalancer")
    inside["metadata"]["annotations"] = internal
    with estate_of(tmp_path, [*objects, inside]) as estate:
        rows = {
            (row.by_uid or "").rpartition("/")[2]: row.is_from_everywhere for row in estate.rows(KubernetesPublication)
        }
    assert rows == {"open": True, "ranged": False, "node": False, "inside": False}


def test_a_claim_is_saved_by_a_schedule_that_takes_its_namespace_with_its_volumes(tmp_path: Path) -> None:
    spec = pod_spec(volumeMounts=[{"name": "d", "mountPath": "/d"}])
    spec["volumes"] = [{"name": "d", "persistentVolumeClaim": {"claimName": "data"}}]

    def saved(**template: object) -> tuple[int | None, bool | None, int | None, int | None]:
        schedule = {"schedule": "0 */6 * * *", "template": {"ttl": "48h", **template}}
        objects = [
            deployment("db", "shop", spec), obj("v1", "PersistentVolumeClaim", "data", "shop", spec={}),
            obj("velero.io/v1", "Schedule", "often", "velero", spec=schedule),
        ]  # fmt: skip
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        with estate_of(folder, objects) as estate:
            [row] = estate.rows(KubernetesWorkloadCare)
            return row.claims, row.is_saved, row.saved_every_seconds, row.kept_seconds

    assert saved() == (1, True, 21600, 172800)
    assert saved(includedNamespaces=["shop"]) == (1, True, 21600, 172800)
    assert saved(includedNamespaces=["other"]) == (1, False, 0, 0)
    assert saved(excludedNamespaces=["shop"]) == (1, False, 0, 0)
    assert saved(snapshotVolumes=False) == (1, False, 0, 0)
    assert saved(labelSelector={"matchLabels": {"app": "web"}}) == (1, False, 0, 0)

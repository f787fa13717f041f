"""Clusters are read over HTTPS with the official client's credentials, and every refusal is kept."""

from __future__ import annotations

import json
import ssl
import sys
from pathlib import Path

import pytest

from fixtures.servers.kubernetes_api import Certificate, Identity
from scanner.collectors.kubernetes import KINDS, READS, permissions
from scanner.collectors.kubernetes.reads import PRESENT, SECRETS
from scanner.collectors.kubernetes.run import collect
from scanner.environments import Config
from scanner.errors import ConfigError, SourceError
from scanner.tables import Requested
from scanner.tables.kubernetes_cluster import KubernetesCluster, KubernetesNamespace
from scanner.tables.kubernetes_storage import KubernetesSecret, KubernetesSecretReference, KubernetesSecretValue
from scanner.tables.kubernetes_workload import KubernetesContainerVariable, KubernetesWorkload
from tests.support.kubernetes import (
    PASSWORD,
    REDACTOR,
    SECRET_TEXTS,
    Scan,
    Scanner,
    kinds,
    namespace,
    obj,
    owned_by,
    pod_spec,
    server,
    shop,
)

TABLES = tuple(table for kind in KINDS for table in kind.tables)
EVERY = (*READS, *PRESENT)
LISTED = {f"list {read.resource}" for read in EVERY}


def workloads(scan: Scan) -> set[str]:
    return {row.uid for row in scan.rows(KubernetesWorkload)}


def test_every_declared_read_is_a_call_and_fills_its_table(scan: Scanner) -> None:
    with server() as api:
        found = scan(api)

    assert {c.operation for c in found.calls()} == LISTED | {"get version"}
    assert {c.status for c in found.calls()} == {"ok"}
    assert found.gaps() == []
    assert [kind.name for kind in KINDS if not found.rows(kind.tables[0])] == []


def test_what_a_controller_of_ours_made_is_no_workload_of_its_own(scan: Scanner) -> None:
    with server() as api:
        found = scan(api)

    assert workloads(found) == {
        "k8s:test/production/Deployment/web",
        "k8s:test/production/StatefulSet/db",
        "k8s:test/integration/DaemonSet/agent",
        "k8s:test/integration/ReplicaSet/loose",
        "k8s:test/integration/ReplicationController/old",
        "k8s:test/integration/Job/migrate",
        "k8s:test/integration/CronJob/nightly",
        "k8s:test/integration/Pod/debug",
    }


def test_a_pod_that_a_foreign_controller_made_is_a_workload(scan: Scanner) -> None:
    owner = [{"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "x", "uid": "u", "controller": True}]
    with server([obj("v1", "Pod", "canary", "production", ownerReferences=owner, spec=pod_spec())]) as api:
        found = scan(api)

    assert workloads(found) == {"k8s:test/production/Pod/canary"}


def test_a_pod_whose_owner_is_not_there_is_a_workload(scan: Scanner) -> None:
    """The API server takes whatever reference a pod comes with; only what has been read can have made it."""
    made_up = obj("v1", "Pod", "p", "production", ownerReferences=owned_by("ReplicaSet", "gone"), spec=pod_spec())
    with server([*shop(), made_up]) as api:
        found = scan(api)

    assert "k8s:test/production/Pod/p" in workloads(found)
    assert "k8s:test/production/Pod/web-1-a" not in workloads(found)


def test_where_owners_cannot_be_listed_what_they_made_is_judged_itself(scan: Scanner) -> None:
    with server(shop()) as api:
        api.fault(403, resource="replicasets", version="apps/v1")
        found = scan(api)

    assert "k8s:test/production/Pod/web-1-a" in workloads(found)


def test_pages_are_joined(scan: Scanner) -> None:
    pods = [obj("v1", "Pod", f"pod-{n}", "production", spec=pod_spec()) for n in range(7)]
    with server(pods, page_limit=3) as api:
        found = scan(api)

    [call] = [c for c in found.calls() if c.operation == "list pods"]
    assert (call.pages, call.items, call.attempts, call.status) == (3, 7, 3, "ok")
    assert len(found.rows(KubernetesWorkload)) == 7


def test_an_expired_list_is_begun_again_once(scan: Scanner) -> None:
    pods = [obj("v1", "Pod", f"pod-{n}", "production", spec=pod_spec()) for n in range(7)]
    with server(pods, page_limit=3) as api:
        api.fault(410, resource="pods", only_later_pages=True, times=1)
        found = scan(api)

    [call] = [c for c in found.calls() if c.operation == "list pods"]
    assert (call.pages, call.items, call.status) == (3, 7, "ok")
    assert found.gaps() == []


def test_a_list_that_expires_twice_is_a_gap_and_keeps_what_came(scan: Scanner) -> None:
    pods = [obj("v1", "Pod", f"pod-{n}", "production", spec=pod_spec()) for n in range(7)]
    with server(pods, page_limit=3) as api:
        api.fault(410, resource="pods", only_later_pages=True)
        found = scan(api)

    assert found.refused() == {("list pods", "error", "Expired")}
    assert len(found.rows(KubernetesWorkload)) == 3
    assert "kubernetes_workload" in found.missing()


def test_a_busy_server_is_asked_again_after_the_time_it_names(scan: Scanner) -> None:
    with server() as api:
        api.fault(429, resource="pods", times=2, retry_after=7)
        found = scan(api)

    [call] = [c for c in found.calls() if c.operation == "list pods"]
    assert (call.attempts, call.status, found.waits, found.gaps()) == (3, "ok", [7.0, 7.0], [])


def test_without_a_time_to_wait_each_wait_is_twice_as_long(scan: Scanner) -> None:
    with server() as api:
        api.fault(429, resource="pods")
        found = scan(api)

    assert found.waits == [0.5, 1.0, 2.0, 4.0]
    assert found.refused() == {("list pods", "throttled", "TooManyRequests")}
    assert {gap.reason for gap in found.gaps()} == {"throttled"}


def test_a_group_that_fails_leaves_the_others_read(scan: Scanner) -> None:
    with server() as api:
        api.fault(503, version="networking.k8s.io/v1")
        found = scan(api)

    failed = {
        ("list ingresses", "error", "ServiceUnavailable"),
        ("list networkpolicies", "error", "ServiceUnavailable"),
    }
    assert found.refused() == failed
    assert found.missing() == {
        "kubernetes_ingress", "kubernetes_ingress_rule", "kubernetes_ingress_tls", "kubernetes_network_policy",
        "kubernetes_network_policy_rule", "kubernetes_secret", "kubernetes_secret_reference",
    }  # fmt: skip
    assert len(workloads(found)) == 8


def test_a_group_that_is_not_served_has_no_objects(scan: Scanner) -> None:
    with server() as api:
        api.drop_version("policy/v1")
        found = scan(api)

    [call] = [c for c in found.calls() if c.operation == "list poddisruptionbudgets"]
    assert (call.status, call.items, found.gaps()) == ("absent", 0, [])


def test_a_group_that_is_served_in_another_version_is_a_gap(scan: Scanner) -> None:
    with server() as api:
        api.drop_version("policy/v1")
        api.declare("policy/v1beta1", "poddisruptionbudgets", "PodDisruptionBudget")
        found = scan(api)

    assert found.refused() == {("list poddisruptionbudgets", "unsupported", "NotFound")}
    [gap] = found.gaps()
    assert (gap.table_name, gap.reason) == ("kubernetes_pod_disruption_budget", "unsupported")
    assert gap.detail == "poddisruptionbudgets are not in policy/v1; the API server has policy/v1beta1"


@pytest.mark.parametrize("read", [*READS, SECRETS], ids=lambda read: read.resource)
def test_a_denied_read_is_a_call_and_all_that_is_lost_has_a_gap(scan: Scanner, read: object) -> None:
    """Compared with a full scan: a table may differ only where a gap says so."""
    with server() as api:
        full = scan(api, read_secret_values=True)
        api.fault(403, resource=read.resource)  # type: ignore[attr-defined]  # a Read
        less = scan(api, read_secret_values=True)

    assert less.refused() >= {(f"list {read.resource}", "denied", "Forbidden")}  # type: ignore[attr-defined]
    before, after = full.contents(*TABLES), less.contents(*TABLES)
    changed = {table for table in before if before[table] != after[table]}
    assert changed
    assert changed <= less.missing()
    assert {gap.reason for gap in less.gaps()} == {"denied"}
    numbers = {c.id for c in less.calls() if c.status == "denied"}
    assert {gap.call for gap in less.gaps()} <= numbers


def test_a_denied_version_costs_the_cluster_row_alone(scan: Scanner) -> None:
    with server() as api:
        full = scan(api)
        api.fault(403, resource="version")
        less = scan(api)

    assert less.refused() == {("get version", "denied", "Forbidden")}
    assert [(g.table_name, g.reason) for g in less.gaps()] == [("kubernetes_cluster", "denied")]
    assert full.contents(*TABLES) | {"kubernetes_cluster": []} == less.contents(*TABLES)


def test_without_service_accounts_whether_tokens_are_mounted_is_unknown(scan: Scanner) -> None:
    with server() as api:
        full = scan(api)
        api.fault(403, resource="serviceaccounts")
        less = scan(api)

    web = "k8s:test/production/Deployment/web"
    assert {r.uid: r.automounts_token for r in full.rows(KubernetesWorkload)}[web] is False
    assert {r.automounts_token for r in less.rows(KubernetesWorkload)} == {None}
    cells = {(g.uid, g.column_name) for g in less.gaps() if g.table_name == "kubernetes_workload"}
    assert cells == {(uid, "automounts_token") for uid in workloads(less)}


# --- permissions ------------------------------------------------------------------------------------------------------


def granted(role: dict[str, object], space: str = "") -> list[dict[str, object]]:
    """The role, bound to the user `scanner` everywhere or in one namespace."""
    kind = "RoleBinding" if space else "ClusterRoleBinding"
    name = role["metadata"]["name"]  # type: ignore[index]  # a manifest
    binding = obj(
        "rbac.authorization.k8s.io/v1", kind, f"{name}-{space}", space,
        subjects=[{"kind": "User", "name": "scanner"}], roleRef={"kind": "ClusterRole", "name": name},
    )  # fmt: skip
    return [role, binding]


SCANNER = {"token": Identity("scanner")}


@pytest.mark.parametrize("values", [False, True])
def test_the_generated_role_is_enough(scan: Scanner, values: bool) -> None:
    with server(shop() + granted(permissions(secrets=values)), rbac=True, tokens=SCANNER) as api:
        found = scan(api, read_secret_values=values)

    assert (found.refused(), found.gaps()) == (set(), [])


def test_the_generated_role_only_reads_and_leaves_secrets_out() -> None:
    role = permissions()

    assert {verb for rule in role["rules"] for verb in rule["verbs"]} == {"get", "list"}
    assert "secrets" not in {resource for rule in role["rules"] for resource in rule.get("resources", [])}
    assert {r for rule in role["rules"] for r in rule.get("resources", [])} == {read.resource for read in EVERY}


def test_a_forbidden_list_falls_back_to_the_namespaces(scan: Scanner) -> None:
    """Pods may be listed in one namespace only: the other is a gap that names it."""
    role = permissions()
    pods = {"metadata": {"name": "pods"}, "apiVersion": role["apiVersion"], "kind": "ClusterRole",
            "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}]}  # fmt: skip
    for rule in role["rules"]:
        if "resources" in rule:
            rule["resources"] = [r for r in rule["resources"] if r != "pods"]
    objects = shop() + granted(role) + granted(pods, "integration")
    with server(objects, rbac=True, tokens=SCANNER) as api:
        found = scan(api)

    asked = [(c.uid, c.status) for c in found.calls() if c.operation == "list pods"]
    assert sorted(asked) == [
        ("", "denied"),
        ("k8s:test//Namespace/integration", "ok"),
        ("k8s:test//Namespace/production", "denied"),
    ]
    assert "k8s:test/integration/Pod/debug" in workloads(found)
    assert {g.detail.partition(":")[0] for g in found.gaps()} == {"namespace production"}
    assert found.missing() == {t.table for r in READS if r.resource == "pods" for t in r.fills}


def test_credentials_of_one_namespace_give_what_is_in_it(scan: Scanner) -> None:
    objects = shop() + granted(permissions(), "integration")
    with server(objects, rbac=True, tokens=SCANNER) as api:
        found = scan(api, namespaces=["integration"])

    assert workloads(found) == {
        f"k8s:test/integration/{name}"
        for name in (
            "DaemonSet/agent", "ReplicaSet/loose", "ReplicationController/old", "Job/migrate", "CronJob/nightly",
            "Pod/debug",
        )
    }  # fmt: skip
    assert [row.name for row in found.rows(KubernetesNamespace)] == ["integration"]
    wide = [r for r in EVERY if not r.namespaced and r.resource != "namespaces"]
    assert found.missing() == {t.table for r in wide for t in r.fills}


def test_namespaces_that_are_not_named_are_not_scanned(scan: Scanner) -> None:
    with server() as api:
        found = scan(api, namespaces=["prod*"])

    assert [row.name for row in found.rows(KubernetesNamespace)] == ["production"]
    assert {row.namespace for row in found.rows(KubernetesWorkload)} == {"production"}
    assert found.gaps() == []


def test_patterns_of_namespaces_that_cannot_be_listed_are_gaps(scan: Scanner) -> None:
    with server() as api:
        api.fault(403, resource="namespaces", verb="list")
        found = scan(api, namespaces=["production", "feature-*"])

    assert {row.namespace for row in found.rows(KubernetesWorkload)} == {"production"}
    namespaced = {t.table for r in EVERY if r.namespaced or r.resource == "namespaces" for t in r.fills}
    assert found.missing() == namespaced


# --- secrets ----------------------------------------------------------------------------------------------------------


def test_secrets_are_known_by_their_references(scan: Scanner) -> None:
    with server() as api:
        found = scan(api)
        assert not any(request.partition("?")[0].endswith("/secrets") for request in api.requests)

    web, ingress = "k8s:test/production/Deployment/web", "k8s:test/production/Ingress/web"
    assert {(r.name, r.used_by_uid, r.use, r.secret_key) for r in found.rows(KubernetesSecretReference)} == {
        ("api", web, "environment", "token"),
        ("registry", web, "image_pull", ""),
        ("tls", web, "volume", ""),
        ("tls", ingress, "tls", ""),
    }
    assert {r.name: r.reference_count for r in found.rows(KubernetesSecret)} == {"api": 1, "registry": 1, "tls": 2}
    assert KubernetesSecretValue.table not in {r.table_name for r in found.rows(Requested)}


def test_equal_secrets_have_equal_hashes_wherever_they_are(scan: Scanner) -> None:
    with server() as api:
        found = scan(api, read_secret_values=True)

    values = {(v.uid, v.variable): v.value for v in found.rows(KubernetesContainerVariable) if v.kind == "literal"}
    [secret] = found.rows(KubernetesSecretValue)
    token = REDACTOR.token(PASSWORD)
    assert values == {
        ("k8s:test/production/Deployment/web", "DB_PASSWORD"): token,
        ("k8s:test/production/Deployment/web", "LOG_LEVEL"): "info",
        ("k8s:test/integration/DaemonSet/agent", "DB_PASSWORD"): token,
    }
    assert (secret.uid, secret.secret_key, secret.value) == ("k8s:test/production/Secret/api", "token", token)


@pytest.mark.parametrize("values", [False, True])
def test_no_secret_is_kept(scan: Scanner, tmp_path: Path, values: bool) -> None:
    with server() as api:
        found = scan(api, read_secret_values=values)
    found.estate.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    kept = b"".join(path.read_bytes() for path in tmp_path.glob("stage*"))
    shaped = repr(found.contents(*TABLES))
    assert [text for text in SECRET_TEXTS if text.encode() in kept or text in shaped] == []


# --- connecting -------------------------------------------------------------------------------------------------------


def test_a_certificate_of_another_authority_is_not_trusted(scan: Scanner, tmp_path: Path) -> None:
    other = Certificate.generate()
    with server() as api:
        kubeconfig = api.kubeconfig()
        authority = tmp_path / "other.pem"
        authority.write_bytes(other.certificate)
        cluster = kubeconfig["clusters"][0]["cluster"]
        del cluster["certificate-authority-data"]
        cluster["certificate-authority"] = str(authority)
        path = tmp_path / "untrusted"
        path.write_text(json.dumps(kubeconfig))
        with pytest.raises(SourceError, match="kubernetes test: cannot be read: TLS: the connection is not trusted"):
            scan(path)
        assert api.requests == []


def config_of(**clusters: Path) -> Config:
    declared = {name: {"kubeconfig": str(path)} for name, path in clusters.items()}
    return Config.model_validate({"sources": {"kubernetes": {"clusters": declared}}})


def test_an_unreachable_cluster_is_gaps_and_the_others_are_read(tmp_path: Path) -> None:
    with server() as gone:
        lost = gone.write_kubeconfig(tmp_path / "lost")
    out = Scan(tmp_path / "stage.db")
    with server() as api:
        collect(config_of(lost=lost, test=api.write_kubeconfig(tmp_path / "test")), out.stage)

    assert {(c.scope, c.operation, c.status, c.code) for c in out.calls() if c.status != "ok"} == {
        ("kubernetes/lost", "get version", "error", "Unreachable")
    }
    requested = {r.table_name for r in out.rows(Requested) if r.scope == "kubernetes/lost"}
    assert {g.table_name for g in out.gaps() if g.scope == "kubernetes/lost"} == requested
    assert {g.scope for g in out.gaps()} == {"kubernetes/lost"}
    assert len(workloads(out)) == 8
    out.stage.close()


def test_credentials_that_are_not_known_are_a_refusal_of_the_cluster(scan: Scanner) -> None:
    with server() as api, pytest.raises(SourceError, match="kubernetes test: cannot be read: Unauthorized"):
        scan(api, user={"token": "wrong"})


def test_credentials_that_end_during_a_scan_leave_gaps(scan: Scanner) -> None:
    with server() as api:
        api.fault(401, resource="services")
        found = scan(api)

    assert found.refused() == {("list services", "denied", "Unauthorized")}
    late = EVERY[[r.resource for r in EVERY].index("services") :]
    assert found.missing() == {t.table for r in late for t in r.fills}
    assert len(workloads(found)) == 8


def test_what_is_no_api_server_is_no_empty_cluster(scan: Scanner) -> None:
    with server() as api:
        api.fault(404, resource="version")
        with pytest.raises(SourceError, match="NotFound"):
            scan(api)


def plugin(tmp_path: Path, body: str) -> dict[str, object]:
    script = tmp_path / "plugin.py"
    script.write_text(body)
    return {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": sys.executable, "args": [str(script)]}}


def test_a_plugin_gives_the_credential(scan: Scanner, tmp_path: Path) -> None:
    answer = {
        "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "from-plugin"},
    }  # fmt: skip
    with server(tokens={"from-plugin": Identity("scanner", ("system:masters",))}, rbac=True) as api:
        found = scan(api, user=plugin(tmp_path, f"print('''{json.dumps(answer)}''')"))

    assert (found.refused(), len(workloads(found))) == (set(), 8)


def test_a_plugin_that_fails_is_named_and_nothing_is_asked_without_credentials(scan: Scanner, tmp_path: Path) -> None:
    with server() as api:
        with pytest.raises(SourceError, match="CredentialPlugin: the credential plug-in ended with 3") as told:
            scan(api, user=plugin(tmp_path, "import sys; print('no session', file=sys.stderr); sys.exit(3)"))
        assert "no session" not in str(told.value)  # it may have written anything
        assert api.requests == []


def test_a_file_gives_the_token(scan: Scanner, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-file")
    with server(tokens={"from-file": Identity("scanner", ("system:masters",))}, rbac=True) as api:
        found = scan(api, user={"tokenFile": str(tmp_path / "token")})

    assert (found.refused(), len(workloads(found))) == (set(), 8)


def test_a_kubeconfig_or_context_that_is_not_there_is_one_line(scan: Scanner, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^cluster test: kubeconfig \S+/none does not exist; set `kubeconfig`"):
        scan(tmp_path / "none")
    with server() as api, pytest.raises(ConfigError, match=r"^cluster test: kubeconfig \S+ has no context other; name"):
        scan(api, context="other")
    (tmp_path / "broken").write_text("[1, 2")
    with pytest.raises(ConfigError, match=r"^cluster test: kubeconfig \S+/broken:2: [^\n]+$"):
        scan(tmp_path / "broken")
    (tmp_path / "other").write_text("contexts: [{name: a, context: b}]")
    with pytest.raises(ConfigError, match=r"^cluster test: kubeconfig \S+/other is no kubeconfig$"):
        scan(tmp_path / "other")


def test_a_scan_writes_nothing_to_the_kubeconfig(scan: Scanner, tmp_path: Path) -> None:
    with server() as api:
        scan(api)

    assert json.loads((tmp_path / "kubeconfig").read_text())["current-context"] == "test"


def test_an_object_that_is_none_by_the_api_is_unknown_and_hides_no_other(scan: Scanner) -> None:
    broken = obj("v1", "Pod", "broken", "production", spec={"containers": "none", "password": PASSWORD})
    with server([namespace("production"), broken, obj("v1", "Pod", "fine", "production", spec=pod_spec())]) as api:
        found = scan(api)

    rows = {row.name: row.host_network for row in found.rows(KubernetesWorkload)}
    assert rows == {"broken": None, "fine": False}
    uid = "k8s:test/production/Pod/broken"
    problem = ("error", "containers is not a list")
    assert {(g.uid, g.reason, g.detail) for g in found.gaps()} == {(uid, *problem), ("", *problem)}
    assert {g.table_name for g in found.gaps() if not g.uid} == {"kubernetes_secret", "kubernetes_secret_reference"}


def test_the_version_says_which_cloud_runs_the_cluster(scan: Scanner) -> None:
    with server(version="v1.33.5-eks-1a2b3c4") as api:
        found = scan(api)

    [row] = found.rows(KubernetesCluster)
    assert (row.uid, row.version, row.major, row.minor, row.provider) == (
        "k8s:test//Cluster/test", "v1.33.5-eks-1a2b3c4", 1, 33, "eks",
    )  # fmt: skip


def test_the_same_estate_scanned_twice_is_the_same(scan: Scanner) -> None:
    with server() as api:
        first = scan(api)
        second = scan(api)

    assert first.contents(*TABLES) == second.contents(*TABLES)


def test_kinds_are_declared_once() -> None:
    assert len(kinds().by_name) == len(KINDS)
    assert ssl.OPENSSL_VERSION  # the tests above speak TLS

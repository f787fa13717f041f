"""What the API server refuses makes verdicts unknown, names the calls, and hides nothing else."""

from __future__ import annotations

from scanner.environments import Config, assign, infer
from scanner.isolation import derive
from scanner.rules import Verdict, load_rules, run
from tests.support.derived import allow, binding, role, user
from tests.support.kubernetes import Scan, Scanner, deployment, namespace, pod_spec, server

RULES = {
    name: rule
    for name, rule in load_rules().items()
    if name.startswith(("kubernetes-subject", "kubernetes-workload", "kubernetes-role", "kubernetes-service-selects"))
}


def judged(found: Scan) -> dict[tuple[str, str], Verdict]:
    estate = found.estate
    assign(estate, infer(estate, Config()))
    derive(estate)
    return {(v.rule, v.uid): v for v in run(estate, RULES.values(), 0)}


def test_no_verdict_turns_to_pass_when_pods_and_cluster_role_bindings_are_refused(scan: Scanner) -> None:
    """Pods of one namespace, and the bindings of the cluster: the other namespaces are judged as before."""
    writer = role("writer", allow("update", "deployments", "apps"))
    objects = [
        namespace("shop"), namespace("other"), writer, binding("jane", writer, user("jane")),
        binding("sam", writer, user("sam"), space="other"),
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "debug", "namespace": "shop"}, "spec": pod_spec()},
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "debug", "namespace": "other"}, "spec": pod_spec()},
        deployment("web", "shop", pod_spec()),
    ]  # fmt: skip
    with server(objects) as api:
        full = scan(api)
        api.fault(403, resource="pods", namespace="")
        api.fault(403, resource="pods", namespace="shop")
        api.fault(403, resource="clusterrolebindings")
        less = scan(api)

    before, after = judged(full), judged(less)
    assert {key for key in after if after[key].status == "pass" and before[key].status != "pass"} == set()
    elsewhere = {key for key in before if "/other/Pod/" in key[1]}
    assert {before[key].status for key in elsewhere} >= {"pass", "fail"}
    bound = ("-no-administrator", "-no-cluster-takeover", "-token-unbound")  # they ask what bindings give
    own = {key for key in elsewhere if not key[0].endswith(bound)}
    assert {key: after[key].status for key in own} == {key: before[key].status for key in own}
    denied = {call.id: call.operation for call in less.calls() if call.status == "denied"}
    named = {denied[because.call] for verdict in after.values() for because in verdict.because if because.call}
    assert named == {"list pods", "list clusterrolebindings"}

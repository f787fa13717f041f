"""Laws of the evaluation, on small clusters made at random."""

from __future__ import annotations

import copy
import ipaddress
import random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scanner.isolation.kubernetes import ports
from scanner.isolation.kubernetes.ports import Ports
from scanner.tables import Gap
from tests.kubernetes_network import objects as some
from tests.kubernetes_network.estates import SCOPE, connections, live
from tests.kubernetes_network.reference import may_connect

Object = dict[str, Any]
RANDOM = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def clusters(*, ranges: bool = False) -> st.SearchStrategy[list[Object]]:
    return st.builds(
        lambda *parts: [one for part in parts for one in part],
        some.namespaces(), some.pods(), some.network_policies(ranges=ranges), some.admin_policies(ranges=ranges),
    )  # fmt: skip


def pods(cluster: list[Object]) -> dict[str, Object]:
    return {f"{o['metadata']['namespace']}/{o['metadata']['name']}": o for o in cluster if o["kind"] == "Pod"}


def verdict(said: dict[str, Ports], protocol: str, port: int) -> str:
    probe = ports.of(protocol, port, port)
    return next((name for name, found in said.items() if ports.intersection(found, probe)), "denied")


def told(cluster: list[Object], gaps: tuple[Gap, ...] = ()) -> dict[tuple[str, str, str, int], str]:
    """The verdict on each pair of pods, protocol and port."""
    with live(cluster, gaps) as estate:
        found = connections(estate)
    return {
        (start, end, protocol, port): verdict(found.get((start, end), {}), protocol, port)
        for start in pods(cluster)
        for end in pods(cluster)
        if start != end
        for protocol in ports.PROTOCOLS
        for port in some.PORTS
    }


def reference(cluster: list[Object]) -> dict[tuple[str, str, str, int], str]:
    every = pods(cluster)
    return {
        (start, end, protocol, port): "allowed"
        if may_connect(cluster, every[start], every[end], protocol, port)
        else "denied"
        for start in every
        for end in every
        if start != end
        for protocol in ports.PROTOCOLS
        for port in some.PORTS
    }


@RANDOM
@given(clusters())
def test_classes_and_intervals_answer_as_one_pod_and_port_at_a_time(cluster: list[Object]) -> None:
    assert told(cluster) == reference(cluster)


@RANDOM
@given(clusters(ranges=True), st.sampled_from(some.OUTSIDE))
def test_addresses_outside_are_answered_as_one_at_a_time(cluster: list[Object], address: str) -> None:
    at = ipaddress.ip_address(address)
    with live(cluster) as estate:
        found = connections(estate)

    def within(span: str) -> bool:
        first, last = (ipaddress.ip_address(end) for end in span.split("-"))
        return first.version == at.version and int(first) <= int(at) <= int(last)

    def said(start: str, end: str, protocol: str, port: int) -> str:
        spans = [
            value
            for (a, b), value in outside.items()
            if (a == start and within(b) if start else b == end and within(a))
        ]
        verdicts = {verdict(one, protocol, port) for one in spans} - {"denied"}
        return verdicts.pop() if verdicts else "denied"

    outside = {ends: value for ends, value in found.items() if "-" in "".join(ends)}
    for name, pod in pods(cluster).items():
        for protocol in ports.PROTOCOLS:
            for port in some.PORTS:
                out = may_connect(cluster, pod, address, protocol, port)
                into = may_connect(cluster, address, pod, protocol, port)
                assert said(name, "", protocol, port) == ("allowed" if out else "denied")
                assert said("", name, protocol, port) == ("allowed" if into else "denied")


@RANDOM
@given(clusters(), st.randoms(use_true_random=False))
def test_the_order_of_policies_does_not_matter(cluster: list[Object], chance: random.Random) -> None:
    shuffled = list(cluster)
    chance.shuffle(shuffled)

    assert told(shuffled) == told(cluster)


@RANDOM
@given(clusters())
def test_a_policy_that_selects_nobody_changes_nothing(cluster: list[Object]) -> None:
    unrelated = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "unrelated", "namespace": "shop"},
        "spec": {
            "podSelector": {"matchLabels": {"app": "nobody"}},
            "policyTypes": ["Ingress", "Egress"],
            "egress": [{"to": [{"ipBlock": {"cidr": "10.64.0.0/10"}}]}],
        },
    }

    assert told([*cluster, unrelated]) == told(cluster)


@RANDOM
@given(clusters(), st.data())
def test_splitting_a_class_changes_nothing(cluster: list[Object], data: st.DataObject) -> None:
    """Asking for a label that some of its pods have, to no effect, makes two classes of one."""
    split = copy.deepcopy(cluster)
    for pod in pods(split).values():
        if data.draw(st.booleans()):
            pod["metadata"]["labels"]["half"] = "one"
    split.append({
        "apiVersion": "policy.networking.k8s.io/v1alpha1", "kind": "AdminNetworkPolicy", "metadata": {"name": "split"},
        "spec": {"priority": 1000, "subject": {"pods": {"namespaceSelector": {}, "podSelector": {
            "matchLabels": {"half": "one"}}}}, "ingress": [{"action": "Pass", "from": [{"namespaces": {}}]}]},
    })  # fmt: skip

    assert told(split) == told(cluster)


@RANDOM
@given(clusters(), st.data())
def test_what_is_certain_with_something_unread_is_so_with_all_read(cluster: list[Object], data: st.DataObject) -> None:
    """Whatever is hidden, a certain verdict is the one that the whole cluster has."""
    table = {
        "Namespace": "kubernetes_namespace", "Pod": "kubernetes_workload", "NetworkPolicy": "kubernetes_network_policy",
    }  # fmt: skip
    hidden = data.draw(st.lists(st.sampled_from(range(len(cluster))), min_size=1, max_size=3, unique=True))
    gaps = []
    for one in (cluster[number] for number in hidden):
        space = one["metadata"].get("namespace") or (one["metadata"]["name"] if one["kind"] == "Namespace" else "")
        name, kind = one["metadata"]["name"], one["kind"]
        uid = f"k8s:test/{'' if kind == 'Namespace' else space}/{kind}/{name}"
        of = table.get(kind, "kubernetes_admin_network_policy")
        gaps.append(Gap(scope=SCOPE, uid=uid, table_name=of, reason="stale"))

    ours, theirs = told(cluster, tuple(gaps)), reference(cluster)
    assert {key: theirs[key] for key, said in ours.items() if said != "unknown"} == {
        key: said for key, said in ours.items() if said != "unknown"
    }


@RANDOM
@given(clusters(), st.sampled_from(["kubernetes_network_policy", "kubernetes_admin_network_policy"]))
def test_policies_that_could_not_be_listed_may_say_anything(cluster: list[Object], table: str) -> None:
    """Where the policies of a tier were not read, nothing that they could change is certain."""
    kinds = {"NetworkPolicy"} if table == "kubernetes_network_policy" else {
        "AdminNetworkPolicy", "BaselineAdminNetworkPolicy", "ClusterNetworkPolicy"}  # fmt: skip
    read = [one for one in cluster if one["kind"] not in kinds]
    ours, theirs = told(read, (Gap(scope=SCOPE, table_name=table, reason="denied"),)), reference(cluster)

    certain = {key: said for key, said in ours.items() if said != "unknown"}
    assert {key: theirs[key] for key in certain} == certain

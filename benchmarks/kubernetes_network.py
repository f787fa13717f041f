"""A large cluster's network policies: from typed tables to connections, and the rules that read them.

    python -m benchmarks.kubernetes_network [--namespaces 300] [--pods 10000] [--policies 600]

Each namespace has a policy that denies what no other allows, and one that lets some pods of it be reached: from pods
of the namespace, from another namespace, or from everywhere. One namespace in five has none of either. Pods have labels
that policies ask for and labels that none does.
"""

from __future__ import annotations

import argparse
import random
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from scanner.bundled import bundled
from scanner.collectors.kubernetes.kinds import BY_NAME
from scanner.collectors.kubernetes.objects import Place, see
from scanner.environments import assign, load_config
from scanner.isolation.kubernetes import network
from scanner.isolation.ready import insert
from scanner.rules import load_rules, run
from scanner.store import Estate
from scanner.tables import Requested, Scope

SCOPE = "kubernetes/large"
RULE = "kubernetes-namespace-reached-from-own-environment"
TIERS = ("production", "staging", "development")
CONFIG = "sources: {kubernetes: {clusters: {large: {}}}}\nenvironments:\n" + "".join(
    f"  {tier}: {{tier: {tier}, match: [{{kubernetes: {{cluster: large, namespaces: ['{tier}-*']}}}}]}}\n"
    for tier in TIERS
)
Object = dict[str, Any]


def objects(namespaces: int, pods: int, policies: int, seed: int = 1) -> Iterator[Object]:
    """The cluster's objects, always the same."""
    rng = random.Random(seed)  # not for secrets: the same cluster each time
    spaces = [f"{TIERS[n % len(TIERS)]}-{n}" for n in range(namespaces)]
    for n, space in enumerate(spaces):
        yield _object("v1", "Namespace", space, labels={"team": f"t{n % 20}", "kubernetes.io/metadata.name": space})
    for n in range(pods):
        labels = {"app": f"app{n // namespaces % 6}", "pod": str(n), "version": f"v{n % 3}"}
        ports = [{"name": "http", "containerPort": 8080 + n % 2}]
        spec = {"containers": [{"name": "app", "image": "registry.example/app:1", "ports": ports}]}
        yield _object("v1", "Pod", f"pod-{n}", spaces[n % namespaces], labels=labels, spec=spec)
    with_policies = [space for n, space in enumerate(spaces) if n % 5]
    for n in range(policies):
        space = with_policies[n % len(with_policies)]
        if n < len(with_policies):
            spec = {
                "podSelector": {},
                "policyTypes": ["Ingress", "Egress"],
                "egress": [{"to": [{"namespaceSelector": {}}]}],
            }
        else:
            peer = rng.choice([
                {"podSelector": {"matchLabels": {"app": "app1"}}},
                {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": rng.choice(spaces)}}},
                {"namespaceSelector": {"matchLabels": {"team": f"t{rng.randrange(20)}"}}},
                {"namespaceSelector": {}},
                {"ipBlock": {"cidr": f"10.{rng.randrange(256)}.0.0/16"}},
            ])  # fmt: skip
            ingress = [{"from": [peer], "ports": [{"port": rng.choice([8080, "http", 9090])}]}]
            spec = {"podSelector": {"matchLabels": {"app": f"app{rng.randrange(6)}"}}, "ingress": ingress}
        yield _object("networking.k8s.io/v1", "NetworkPolicy", f"policy-{n}", space, spec=spec)


def _object(version: str, kind: str, name: str, namespace: str = "", **rest: Any) -> Object:
    metadata: Object = {"name": name}
    if namespace:
        metadata["namespace"] = namespace
    if "labels" in rest:
        metadata["labels"] = rest.pop("labels")
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **rest}


@contextmanager
def timed(name: str) -> Iterator[None]:
    """CPU seconds of this process, which other processes on the machine disturb least."""
    began, at = time.process_time(), time.perf_counter()
    yield
    print(f"  {name:45} {time.process_time() - began:7.2f} s of the processor, {time.perf_counter() - at:7.2f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--namespaces", type=int, default=300)
    parser.add_argument("--pods", type=int, default=10_000)
    parser.add_argument("--policies", type=int, default=600)
    args = parser.parse_args()
    print(f"{args.pods} pods in {args.namespaces} namespaces with {args.policies} policies")
    with tempfile.TemporaryDirectory(prefix="tierwall-benchmark-") as folder:
        config = Path(folder, "tierwall.yaml")
        config.write_text(CONFIG, encoding="utf-8")
        with Estate.create(Path(folder, "estate.db")) as estate:
            with timed("objects to typed tables"):
                fill(estate, objects(args.namespaces, args.pods, args.policies))
            with timed("assign environments"):
                assign(estate, load_config(config))
            with timed("connections, computed"):
                made = sum(1 for _ in network.rows(estate))
            with timed("connections, computed and written"):
                estate.connection.execute("BEGIN")
                insert(estate, network.rows(estate))
                estate.connection.execute("COMMIT")
            reading = load_rules([bundled("rules") / "isolation" / f"{RULE}.yaml"])
            with timed("the rule that reads them"):
                verdicts = list(run(estate, reading.values(), 0))
            for kind in network.TABLES:
                print(f"  {kind.table:45} {estate.count(kind):7} rows")
            print(f"  {made} rows and gaps, {len(verdicts)} verdicts")
    print(f"  peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


def fill(estate: Estate, found: Iterator[Object]) -> None:
    """Put the objects into the estate as the collector would."""
    estate.connection.execute("BEGIN")
    estate.insert([Scope(id=SCOPE, source="kubernetes", cluster="large")])
    estate.insert(Requested(scope=SCOPE, table_name=kind.table) for one in BY_NAME.values() for kind in one.tables)
    for one in found:
        document = see(one, Place(SCOPE, "large", "kubernetes")).document
        estate.insert(BY_NAME[document.kind].shape(document))
    estate.connection.execute("COMMIT")


if __name__ == "__main__":
    main()

"""Whatever call is refused, nothing that failed passes or disappears, and the refused call is named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.servers.kubernetes_api import KubernetesApi
from scanner.collectors.aws import READS as AWS_READS
from scanner.collectors.aws.services import GLOBAL, REGIONAL
from scanner.collectors.kubernetes import READS as KUBERNETES_READS
from scanner.collectors.kubernetes import Read
from tests.support import acme
from tests.support.replay import DENIED, Replay, tagging
from tests.support.twice import Estate, lost

pytestmark = pytest.mark.slow


# Asked of what the sample organisation does not have: plans with a selection, REST APIs, classic load balancers, a hub.
NOT_ASKED = {
    ("apigateway", "GetStages"), ("backup", "GetBackupSelection"), ("elb", "DescribeLoadBalancerAttributes"),
    ("elb", "DescribeTags"), ("securityhub", "GetEnabledStandards"), ("securityhub", "ListEnabledProductsForImport"),
}  # fmt: skip


# --- AWS --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def aws(organisation: acme.Acme) -> Iterator[Replay]:
    """The organisation's accounts, asked each question once."""
    with pytest.MonkeyPatch.context() as patch, Replay(organisation.environment["AWS_ENDPOINT_URL"]) as api, tagging():
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION"):
            patch.delenv(name, raising=False)
        for name, value in acme.environment(api.url).items():
            patch.setenv(name, value)
        yield api


@pytest.fixture(scope="module")
def accounts(organisation: acme.Acme, aws: Replay, tmp_path_factory: pytest.TempPathFactory) -> Estate:
    return Estate(tmp_path_factory.mktemp("accounts"), organisation.folder / "tierwall.yaml", "aws")


def makers(service: str, operation: str) -> set[str]:
    """The modules that make the call; no other can, for it has not declared it. All of them, for one that enters."""
    modules = (*GLOBAL, *REGIONAL)
    found = {m.name for m in modules if (service, operation) in {(r.service, r.operation) for r in m.reads}}
    return found or {m.name for m in modules}


@pytest.mark.parametrize(("service", "operation"), sorted({(r.service, r.operation) for r in AWS_READS}))
def test_a_refused_aws_call_makes_nothing_pass(accounts: Estate, aws: Replay, service: str, operation: str) -> None:
    before = aws.struck
    with aws.fault(service, operation, DENIED):
        empty, known = accounts.again(lambda unit: unit.rpartition("/")[2] in makers(service, operation))
    assert (aws.struck == before) == ((service, operation) in NOT_ASKED)

    assert lost(accounts, empty, operation, known=False) == []
    assert lost(accounts, known, operation, known=True) == []


# --- Kubernetes -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def clusters(servers: tuple[Path, list[KubernetesApi]], tmp_path_factory: pytest.TempPathFactory) -> Estate:
    return Estate(tmp_path_factory.mktemp("scans"), servers[0] / "tierwall.yaml", "kubernetes")


@pytest.mark.parametrize("read", KUBERNETES_READS, ids=lambda r: f"{r.service} {r.resource}")
def test_a_refused_kubernetes_call_makes_nothing_pass(
    clusters: Estate, servers: tuple[Path, list[KubernetesApi]], read: Read
) -> None:
    for api in servers[1]:
        api.fault(403, resource=read.resource, version=read.version)
    try:
        empty, known = clusters.again()
    finally:
        for api in servers[1]:
            api.faults.clear()

    assert lost(clusters, empty, f"list {read.resource}", known=False) == []
    assert lost(clusters, known, f"list {read.resource}", known=True) == []

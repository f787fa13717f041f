"""What an API server cannot have answered is a gap of its list, or of its object; all else goes on."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from fixtures.servers.kubernetes_api import KubernetesApi, Object
from scanner.collectors.kubernetes import READS, Read, listing
from scanner.collectors.kubernetes.kinds import KINDS
from scanner.collectors.kubernetes.reads import SERVICE_ACCOUNTS
from scanner.tables import Gap
from tests.support.kubernetes import Scan, Scanner, certificate, shop

pytestmark = pytest.mark.slow

Change = Callable[[Object], Any]
TABLES = list(dict.fromkeys(table for kind in KINDS for table in kind.tables))


class Odd(KubernetesApi):
    """An API server whose lists of one resource are changed."""

    read: Read | None = None
    change: Change = staticmethod(lambda body: body)

    def answer(self, target: str, authorization: str) -> Any:
        body = super().answer(target, authorization)
        if self.read and target.partition("?")[0] == self.read.path():
            return self.change(copy.deepcopy(body)) or body
        return body


def odd(read: Read, change: Change) -> Odd:
    server = Odd(copy.deepcopy(shop()), rbac=False, certificate=certificate())
    server.read, server.change = read, change
    return server


def edited(edit: Callable[[Object], Any]) -> Change:
    """The list, with its first object edited; an empty one gets one."""

    def change(body: Object) -> Object:
        body["items"] = body["items"] or [{"metadata": {"name": "only", "namespace": "production"}}]
        edit(body["items"][0])
        return body

    return change


def told(scan: Scan) -> set[tuple[str, str, str, bool]]:
    """Gaps: table, uid, reason, and whether they name a call."""
    return {(g.table_name, g.uid, g.reason, g.call > 0) for g in scan.gaps()}


@pytest.fixture
def whole(scan: Scanner) -> dict[str, list[tuple[Any, ...]]]:
    with Odd(copy.deepcopy(shop()), rbac=False, certificate=certificate()) as server:
        return scan(server).contents(*TABLES)


@pytest.mark.parametrize("read", READS, ids=lambda r: f"{r.service} {r.resource}")
def test_an_object_without_a_name_is_a_gap_of_its_list(scan: Scanner, read: Read) -> None:
    with odd(read, edited(lambda obj: obj["metadata"].pop("name"))) as server:
        seen = scan(server)
    (call,) = [c for c in seen.calls() if (c.service, c.operation) == (read.service, f"list {read.resource}")]

    of_list = {g.table_name: g for g in seen.gaps() if g.call == call.id and g.uid == ""}
    assert set(of_list) == {table.table for table in read.fills}
    assert {(g.reason, g.detail) for g in of_list.values()} == {("error", "an object without metadata.name")}
    assert [row for table in TABLES for row in seen.rows(table) if row.uid.endswith("/")] == []


@pytest.mark.parametrize(
    "edit",
    [
        lambda obj: obj["metadata"].update(name=7),
        lambda obj: obj["metadata"].update(name=None),
        lambda obj: obj["metadata"].update(name=""),
        lambda obj: obj["metadata"].pop("namespace"),
        lambda obj: obj["metadata"].update(namespace=["production"]),
        lambda obj: obj.pop("metadata"),
        lambda obj: obj.update(metadata="production/web"),
        lambda obj: obj.clear(),
    ],
)
def test_an_object_of_which_nobody_can_tell_which_it_is_takes_no_other_with_it(
    scan: Scanner, whole: dict[str, list[tuple[Any, ...]]], edit: Callable[[Object], Any]
) -> None:
    services = next(read for read in READS if read.resource == "services")
    with odd(services, edited(edit)) as server:
        seen = scan(server)

    assert told(seen) == {(table.table, "", "error", True) for table in services.fills}
    now, lost = seen.contents(*TABLES), {table.table for table in services.fills}
    assert {name: rows for name, rows in now.items() if name not in lost} == {
        name: rows for name, rows in whole.items() if name not in lost
    }
    assert len(now["kubernetes_service"]) == len(whole["kubernetes_service"]) - 1


def test_an_object_that_is_known_but_odd_is_a_gap_of_its_own_and_names_the_call(scan: Scanner) -> None:
    services = next(read for read in READS if read.resource == "services")
    with odd(services, edited(lambda obj: obj.update(spec="web"))) as server:
        seen = scan(server)

    (uid,) = {g.uid for g in seen.gaps()}
    assert uid.startswith("k8s:test/production/Service/")
    assert told(seen) == {(table.table, uid, "error", True) for table in services.fills}


def test_a_service_account_that_is_odd_is_not_one_that_is_not_there(scan: Scanner) -> None:
    """Whether its workloads mount its token is not known."""
    with odd(SERVICE_ACCOUNTS, lambda body: [item.update(metadata={}) for item in body["items"]] and body) as server:
        seen = scan(server)

    assert ("kubernetes_workload", "automounts_token") in {
        (g.table_name, g.column_name) for g in seen.gaps() if g.uid.endswith("/Deployment/web")
    }


@pytest.mark.parametrize(
    "body", [{}, {"metadata": {}}, {"items": []}, {"metadata": {}, "items": "none"}, {"metadata": {}, "items": ["web"]}]
)
def test_an_answer_that_is_no_list_is_no_empty_list(scan: Scanner, body: Object) -> None:
    with odd(SERVICE_ACCOUNTS, lambda _: body or {"kind": "List"}) as server:
        seen = scan(server)

    assert ("list serviceaccounts", "error", "NotAList") in seen.refused()
    assert {table.table for table in SERVICE_ACCOUNTS.fills} <= {g.table_name for g in seen.gaps() if g.uid == ""}


@pytest.mark.parametrize("tokens", [["same"] * 9, [f"token {n}" for n in range(9)]], ids=["the same", "new ones"])
def test_a_list_that_never_ends_is_an_error_and_no_hang(
    scan: Scanner, monkeypatch: pytest.MonkeyPatch, tokens: list[str]
) -> None:
    monkeypatch.setattr(listing, "MAX_PAGES", 5)
    endless = iter(tokens)

    def change(body: Object) -> Object:
        body["metadata"]["continue"] = next(endless)
        return body

    services = next(read for read in READS if read.resource == "services")
    with odd(services, change) as server:
        server._list = _without_token(server._list)  # type: ignore[method-assign]  # every page is the first
        seen = scan(server)

    assert ("list services", "error", "EndlessList") in seen.refused()
    assert {g.table_name for g in seen.gaps()} == {table.table for table in services.fills}


def test_an_empty_page_is_not_the_end_of_a_list(scan: Scanner, whole: dict[str, list[tuple[Any, ...]]]) -> None:
    asked = []

    def change(body: Object) -> Object:
        asked.append(body)
        return {**body, "items": [], "metadata": {"continue": "more"}} if len(asked) == 1 else body

    services = next(read for read in READS if read.resource == "services")
    with odd(services, change) as server:
        server._list = _without_token(server._list)  # type: ignore[method-assign]  # every page is the first
        seen = scan(server)

    assert (seen.contents(*TABLES), seen.rows(Gap), len(asked)) == (whole, [], 2)


def _without_token(real: Callable[..., Object]) -> Callable[..., Object]:
    return lambda resource, space, query: real(resource, space, {k: v for k, v in query.items() if k != "continue"})

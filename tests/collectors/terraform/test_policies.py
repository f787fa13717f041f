"""A policy of which a part is known after apply says what the other parts do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scanner.tables.aws_policy import AwsPolicyAction, AwsPolicyPrincipal, AwsPolicyResource, AwsPolicyStatement
from scanner.tables.aws_s3 import AwsS3Bucket
from tests.support.terraform import Collected, change, made, plan

DOCUMENT = "data.aws_iam_policy_document.d"
EVERYONE = [{"type": "*", "identifiers": ["*"]}]


def collected(folder: Path, statement: dict[str, Any], unknown: dict[str, Any], **more: Any) -> Collected:
    """A bucket whose policy is a document that is read after the apply."""
    entry = change("aws_iam_policy_document.d", {"statement": [statement], **more}, unknown={"statement": [unknown]})
    entry |= {"address": DOCUMENT, "mode": "data"}
    entry["change"]["actions"] = ["read"]
    entry["change"]["after_unknown"]["json"] = True
    policy = change("aws_s3_bucket_policy.p", {"bucket": "b"}, unknown={"policy": True})
    data = made(
        change("aws_s3_bucket.b", {"bucket": "b"}), policy,
        configured={"aws_s3_bucket_policy.p": {"policy": {"references": [f"{DOCUMENT}.json", DOCUMENT]}}},
    )  # fmt: skip
    data["resource_changes"].append(entry)
    return Collected(data, folder)


def test_what_does_not_depend_on_the_unknown_part_is_known(tmp_path: Path) -> None:
    found = collected(
        tmp_path,
        {"effect": "Allow", "actions": ["s3:GetObject"], "resources": [None], "principals": EVERYONE},
        {"resources": [True]},
    )

    row = found.one(AwsPolicyStatement)
    assert (row.allows, row.allows_everyone, row.has_conditions, row.is_scoped) == (True, True, False, False)
    assert [action.action for action in found.rows(AwsPolicyAction)] == ["s3:getobject"]
    assert [one.resource for one in found.rows(AwsPolicyResource)] == [None]
    bucket = found.one(AwsS3Bucket)
    assert (bucket.has_policy, bucket.policy_is_public) == (True, True)
    assert found.gaps(bucket.uid)["aws_policy_resource", "resource"] == "after_apply"


def test_what_depends_on_it_is_not(tmp_path: Path) -> None:
    found = collected(
        tmp_path,
        {"effect": "Allow", "actions": ["s3:GetObject"], "resources": ["*"],
         "principals": [{"type": "AWS", "identifiers": [None]}]},
        {"principals": [{"identifiers": [True]}]},
    )  # fmt: skip

    row, principal = found.one(AwsPolicyStatement), found.one(AwsPolicyPrincipal)
    assert (row.allows, row.allows_everyone, row.allows_other_account) == (True, None, None)
    assert (principal.principal, principal.principal_kind, principal.principal_account) == (None, None, None)
    assert found.one(AwsS3Bucket).policy_is_public is None


@pytest.mark.parametrize(
    ("unknown", "more"),
    [
        ({"principals": True}, {}),
        ({"effect": True}, {}),
        ({}, {"source_policy_documents": ["{}"]}),
        ({"condition": [{"variable": True}]}, {}),
    ],
)
def test_a_document_with_more_open_than_texts_is_not_read(
    unknown: dict[str, Any], more: dict[str, Any], tmp_path: Path
) -> None:
    statement = {"effect": "Allow", "actions": ["*"], "resources": ["*"], "condition": [{"test": "Bool", "values": []}]}

    found = collected(tmp_path, statement, unknown, **more)

    assert found.rows(AwsPolicyStatement) == []
    assert found.gap_rows("aws_policy_statement") != []


def test_a_real_document_is_read(tmp_path: Path) -> None:
    found = Collected(plan("everything"), tmp_path)

    (row,) = found.rows(AwsPolicyStatement, uid="arn:aws:s3:::acme-data", policy_kind="resource")
    assert (row.allows, row.has_conditions) == (False, True)
    assert [one.resource for one in found.rows(AwsPolicyResource, uid=row.uid)] == [None]

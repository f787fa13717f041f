"""SageMaker notebook instances."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from scanner.collectors.aws.reads import Read
from scanner.collectors.aws.services.network import attached_groups, uid_of
from scanner.collectors.aws.shaping import field, tag_map, tag_rows
from scanner.tables import Document, Json, Kind, Placed
from scanner.tables.aws_account import AwsTag
from scanner.tables.aws_network import AwsAttachedSecurityGroup
from scanner.tables.aws_sagemaker import AwsSagemakerNotebook

if TYPE_CHECKING:
    from scanner.collectors.aws.api import Api

_NOTEBOOK = (AwsSagemakerNotebook, AwsAttachedSecurityGroup, AwsTag)


def shape(document: Document) -> Iterator[Placed]:
    raw = document.parts.get("DescribeNotebookInstance")
    direct, root = field(raw, "DirectInternetAccess", "Enabled"), field(raw, "RootAccess", "Enabled")
    yield AwsSagemakerNotebook(
        **document.place,
        kms_key_uid=field(raw, "KmsKeyId", ""),
        direct_internet_access=None if direct is None else direct == "Enabled",
        root_access=None if root is None else root == "Enabled",
        subnet_uid=uid_of(document, "aws_subnet", field(raw, "SubnetId", "")),
        role_uid=field(raw, "RoleArn", ""),
    )
    yield from attached_groups(document, [{"id": g} for g in field(raw, "SecurityGroups", ()) or ()], "id")
    yield from tag_rows(document, tag_map(field(document.parts.get("ListTags"), "Tags", ()) or ()), document.place)


KINDS = (
    Kind(
        "aws_sagemaker_notebook", _NOTEBOOK, shape,
        volatile=("ListNotebookInstances.NotebookInstanceStatus", "DescribeNotebookInstance.NotebookInstanceStatus"),
    ),
)  # fmt: skip
PER = "region"
READS = (
    Read("sagemaker", "ListNotebookInstances", "sagemaker:ListNotebookInstances", rows=_NOTEBOOK),
    Read(
        "sagemaker", "DescribeNotebookInstance", "sagemaker:DescribeNotebookInstance", gives=("NotebookInstanceArn",),
        rows=(AwsAttachedSecurityGroup,),
        columns={
            AwsSagemakerNotebook: ("kms_key_uid", "direct_internet_access", "root_access", "subnet_uid", "role_uid")
        },
    ),
    Read("sagemaker", "ListTags", "sagemaker:ListTags", rows=(AwsTag,), gives=("Tags",)),
)  # fmt: skip


def fetch(api: Api) -> None:
    """Every notebook instance."""
    api.each(lambda raw: _notebook(api, raw), api.items("ListNotebookInstances", "NotebookInstances"))


def _notebook(api: Api, raw: Json) -> None:
    uid, name = raw["NotebookInstanceArn"], raw["NotebookInstanceName"]
    parts: dict[str, Json] = {"ListNotebookInstances": raw}
    api.detail(parts, "DescribeNotebookInstance", uid=uid, NotebookInstanceName=name)
    api.detail(parts, "ListTags", uid=uid, ResourceArn=uid)
    api.document("aws_sagemaker_notebook", uid, name, parts)

"""The least that a scanned account must grant, made of what the collectors declare, and how to set it up."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

# Reading data, in contrast to settings, is never needed. The denial holds whatever else the role is granted.
NEVER = (
    "codecommit:GitPull", "dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:PartiQL*", "dynamodb:Query",
    "dynamodb:Scan", "ec2:GetConsole*", "ec2:GetPasswordData", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer",
    "kinesis:GetRecords", "kms:Decrypt", "lambda:GetFunction", "logs:FilterLogEvents", "logs:GetLogEvents",
    "logs:StartQuery", "rds:DownloadDBLogFilePortion", "s3:GetObject*", "secretsmanager:BatchGetSecretValue",
    "secretsmanager:GetSecretValue", "sqs:ReceiveMessage",
)  # fmt: skip
OF_THE_CALLER = "sts:AssumeRole"  # granted where Tierwall runs, by the trust of the role; not by the role's own policy
ROLE = "TierwallRead"
# Characters of a managed policy, white space not counted:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html. A role takes ten of them.
MANAGED_POLICY_SIZE = 6144


def permissions() -> dict[str, Any]:
    """The policy of the role that Tierwall reads with, as one policy document."""
    return _document([_allow(_actions()), _DENY])


def policies() -> list[dict[str, Any]]:
    """The same in as many documents as it takes for each to be a managed policy. The first one has the denial."""
    found: list[list[str]] = [[]]
    for action in _actions():
        fixed = [] if found[1:] else [_DENY]
        if len(_compact(_document([_allow([*found[-1], action]), *fixed]))) > MANAGED_POLICY_SIZE:
            found.append([])
        found[-1].append(action)
    return [_document([_allow(actions), *([] if n else [_DENY])]) for n, actions in enumerate(found)]


def cloudformation() -> str:
    """A template for a StackSet over the accounts of an organisation: the role, whom it trusts, and its policies."""
    documents = policies()
    names = [f"Read{n}" for n in range(1, len(documents) + 1)]
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": {"Ref": "Scanner"}},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"sts:ExternalId": {"Ref": "ExternalId"}}},
            }
        ],
    }
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "The role that Tierwall reads this account with. It can read settings; it reads no data.",
        "Parameters": {
            "Scanner": {"Type": "String", "Description": "ARN of the role or user that Tierwall runs as"},
            "ExternalId": {
                "Type": "String",
                "NoEcho": True,
                "MinLength": 2,
                "Description": "What tierwall.yaml names by external_id_env",
            },
            "RoleName": {"Type": "String", "Default": ROLE},
        },
        "Resources": {
            "Role": {
                "Type": "AWS::IAM::Role",
                "Properties": {
                    "RoleName": {"Ref": "RoleName"},
                    "AssumeRolePolicyDocument": trust,
                    "ManagedPolicyArns": [{"Ref": name} for name in names],
                },
            },
            **{
                name: {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": document}}
                for name, document in zip(names, documents, strict=True)
            },
        },
        "Outputs": {"RoleArn": {"Value": {"Fn::GetAtt": ["Role", "Arn"]}}},
    }
    return json.dumps(template, indent=2)


def terraform() -> str:
    """The same role as a Terraform module."""
    return "\n".join(_terraform())


def _terraform() -> Iterator[str]:
    yield """\
variable "scanner" {
  description = "ARN of the role or user that Tierwall runs as"
  type        = string
}

variable "external_id" {
  description = "What tierwall.yaml names by external_id_env"
  type        = string
  sensitive   = true
}

variable "role_name" {
  type    = string
  default = "TierwallRead"
}

resource "aws_iam_role" "tierwall" {
  name = var.role_name
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { AWS = var.scanner }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "sts:ExternalId" = var.external_id } }
    }]
  })
}
"""
    for number, document in enumerate(policies(), 1):
        yield f"""\
resource "aws_iam_policy" "tierwall_{number}" {{
  name   = "${{var.role_name}}-{number}"
  policy = <<-JSON
{_indented(json.dumps(document, indent=2), 4)}
  JSON
}}

resource "aws_iam_role_policy_attachment" "tierwall_{number}" {{
  role       = aws_iam_role.tierwall.name
  policy_arn = aws_iam_policy.tierwall_{number}.arn
}}
"""
    yield """\
output "role_arn" {
  value = aws_iam_role.tierwall.arn
}"""


# How `tierwall permissions aws --format` names them.
FORMS: dict[str, Callable[[], str]] = {
    "json": lambda: json.dumps(permissions(), indent=2),
    "cloudformation": cloudformation,
    "terraform": terraform,
}


def _actions() -> list[str]:
    from scanner.collectors.aws.services import READS  # all services: too many to import for a plan

    return sorted({r.permission for r in READS} - {OF_THE_CALLER, ""})


def _allow(actions: list[str]) -> dict[str, Any]:
    return {"Sid": "TierwallRead", "Effect": "Allow", "Action": actions, "Resource": "*"}


_DENY = {"Sid": "TierwallNever", "Effect": "Deny", "Action": list(NEVER), "Resource": "*"}


def _document(statements: list[dict[str, Any]]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": statements}


def _compact(document: dict[str, Any]) -> str:
    return json.dumps(document, separators=(",", ":"))


def _indented(text: str, spaces: int) -> str:
    return "\n".join(" " * spaces + line for line in text.splitlines())

"""The least that a scanned account must grant, made of what the collectors declare."""

from __future__ import annotations

from typing import Any

from scanner.collectors.aws.services import READS

# Reading data, in contrast to settings, is never needed. The denial holds whatever else the role is granted.
NEVER = (
    "codecommit:GitPull", "dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:PartiQL*", "dynamodb:Query",
    "dynamodb:Scan", "ec2:GetConsole*", "ec2:GetPasswordData", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer",
    "kinesis:GetRecords", "kms:Decrypt", "lambda:GetFunction", "logs:FilterLogEvents", "logs:GetLogEvents",
    "logs:StartQuery", "rds:DownloadDBLogFilePortion", "s3:GetObject*", "secretsmanager:BatchGetSecretValue",
    "secretsmanager:GetSecretValue", "sqs:ReceiveMessage",
)  # fmt: skip
OF_THE_CALLER = "sts:AssumeRole"  # granted where Tierwall runs, by the trust of the role; not by the role's own policy


def permissions() -> dict[str, Any]:
    """The policy of the role that Tierwall reads with, as a policy document."""
    actions = sorted({r.permission for r in READS} - {OF_THE_CALLER, ""})
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "TierwallRead", "Effect": "Allow", "Action": actions, "Resource": "*"},
            {"Sid": "TierwallNever", "Effect": "Deny", "Action": list(NEVER), "Resource": "*"},
        ],
    }

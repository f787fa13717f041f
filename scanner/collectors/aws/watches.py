"""The changes that somebody should be told of, each with CloudTrail's events that show it.

A metric filter watches a change when its pattern selects every one of the change's events. The list is that of the
CIS AWS Foundations Benchmark, section «Monitoring» (4.1 to 4.15 of version 3).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scanner.collectors.aws.filter_pattern import matches


def _calls(service: str, *names: str) -> list[dict[str, Any]]:
    return [_event(f"{service}.amazonaws.com", name) for name in names]


def _event(source: str, name: str, **more: Any) -> dict[str, Any]:
    identity = {"type": "IAMUser", "userName": "somebody", "arn": "arn:aws:iam::111111111111:user/somebody"}
    return {
        "eventVersion": "1.08", "eventSource": source, "eventName": name, "eventType": "AwsApiCall",
        "awsRegion": "us-east-1", "sourceIPAddress": "203.0.113.7", "userIdentity": identity, **more,
    }  # fmt: skip


_SIGN_IN = ("signin.amazonaws.com", "ConsoleLogin")
_ROOT = {"type": "Root", "arn": "arn:aws:iam::111111111111:root"}
WATCHES: dict[str, list[dict[str, Any]]] = {
    "unauthorized-calls": [
        _event("ec2.amazonaws.com", "RunInstances", errorCode=code)
        for code in ("Client.UnauthorizedOperation", "AccessDenied")
    ],
    "sign-in-without-mfa": [
        _event(
            *_SIGN_IN, eventType="AwsConsoleSignIn", additionalEventData={"MFAUsed": "No"},
            responseElements={"ConsoleLogin": "Success"},
        )
    ],
    "sign-in-failures": [
        _event(
            *_SIGN_IN, eventType="AwsConsoleSignIn", errorMessage="Failed authentication",
            responseElements={"ConsoleLogin": "Failure"},
        )
    ],
    "root-usage": [
        _event(*_SIGN_IN, eventType="AwsConsoleSignIn", userIdentity=_ROOT),
        _event("iam.amazonaws.com", "ListUsers", userIdentity=_ROOT),
    ],
    "iam-policies": _calls(
        "iam", "DeleteGroupPolicy", "DeleteRolePolicy", "DeleteUserPolicy", "PutGroupPolicy", "PutRolePolicy",
        "PutUserPolicy", "CreatePolicy", "DeletePolicy", "CreatePolicyVersion", "DeletePolicyVersion",
        "AttachRolePolicy", "DetachRolePolicy", "AttachUserPolicy", "DetachUserPolicy", "AttachGroupPolicy",
        "DetachGroupPolicy",
    ),
    "trails": _calls("cloudtrail", "CreateTrail", "UpdateTrail", "DeleteTrail", "StartLogging", "StopLogging"),
    "key-deletion": _calls("kms", "DisableKey", "ScheduleKeyDeletion"),
    "bucket-policies": _calls(
        "s3", "PutBucketAcl", "PutBucketPolicy", "PutBucketCors", "PutBucketLifecycle", "PutBucketReplication",
        "DeleteBucketPolicy", "DeleteBucketCors", "DeleteBucketLifecycle", "DeleteBucketReplication",
    ),
    "config-recorders": _calls(
        "config", "StopConfigurationRecorder", "DeleteDeliveryChannel", "PutDeliveryChannel",
        "PutConfigurationRecorder",
    ),
    "security-groups": _calls(
        "ec2", "AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupEgress", "RevokeSecurityGroupIngress",
        "RevokeSecurityGroupEgress", "CreateSecurityGroup", "DeleteSecurityGroup",
    ),
    "network-acls": _calls(
        "ec2", "CreateNetworkAcl", "CreateNetworkAclEntry", "DeleteNetworkAcl", "DeleteNetworkAclEntry",
        "ReplaceNetworkAclEntry", "ReplaceNetworkAclAssociation",
    ),
    "gateways": _calls(
        "ec2", "CreateCustomerGateway", "DeleteCustomerGateway", "AttachInternetGateway", "CreateInternetGateway",
        "DeleteInternetGateway", "DetachInternetGateway",
    ),
    "route-tables": _calls(
        "ec2", "CreateRoute", "CreateRouteTable", "ReplaceRoute", "ReplaceRouteTableAssociation", "DeleteRouteTable",
        "DeleteRoute", "DisassociateRouteTable",
    ),
    "vpcs": _calls(
        "ec2", "CreateVpc", "DeleteVpc", "ModifyVpcAttribute", "AcceptVpcPeeringConnection",
        "CreateVpcPeeringConnection", "DeleteVpcPeeringConnection", "RejectVpcPeeringConnection",
    ),
}  # fmt: skip


def watched(pattern: str) -> Iterator[tuple[str, bool | None]]:
    """For each change whether a filter with that pattern selects all of its events."""
    for change, events in WATCHES.items():
        selected = [matches(pattern, event) for event in events]
        yield change, False if False in selected else None if None in selected else True

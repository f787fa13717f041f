"""Data stores: DynamoDB, DAX, EFS, Redshift, OpenSearch, secrets, topics and queues."""

from __future__ import annotations

import json

from tests.support.aws import OTHER, client, policy

TAGS = [{"Key": "environment", "Value": "production"}]


def fill(account: str, region: str) -> None:
    """One of each, with a policy that lets another account in where there can be one."""
    friend = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{OTHER}:root"}, "Resource": "*"}
    dynamodb = client("dynamodb", region, account)
    table = dynamodb.create_table(
        TableName="orders", BillingMode="PAY_PER_REQUEST", Tags=TAGS, DeletionProtectionEnabled=True,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}], SSESpecification={"Enabled": True},
    )["TableDescription"]["TableArn"]  # fmt: skip
    dynamodb.update_continuous_backups(
        TableName="orders", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    dynamodb.put_resource_policy(ResourceArn=table, Policy=policy(friend | {"Action": "dynamodb:GetItem"}))
    client("dax", region, account).create_cluster(
        ClusterName="orders", NodeType="dax.t3.small", ReplicationFactor=1, Tags=TAGS,
        IamRoleArn=f"arn:aws:iam::{account}:role/dax", SSESpecification={"Enabled": True},
        ClusterEndpointEncryptionType="TLS",
    )  # fmt: skip
    efs = client("efs", region, account)
    files = efs.create_file_system(CreationToken="files", Encrypted=True, Tags=TAGS, Backup=True)["FileSystemId"]
    efs.put_file_system_policy(FileSystemId=files, Policy=policy(friend | {"Action": "elasticfilesystem:ClientMount"}))
    client("redshift", region, account).create_cluster(
        ClusterIdentifier="warehouse", NodeType="ra3.large", MasterUsername="root",
        MasterUserPassword="Tr0ub4dor-hunter2", Encrypted=True,
        Tags=TAGS, AutomatedSnapshotRetentionPeriod=7, PubliclyAccessible=False,
    )  # fmt: skip
    client("opensearch", region, account).create_domain(
        DomainName="search", EngineVersion="OpenSearch_2.13", TagList=TAGS,
        EncryptionAtRestOptions={"Enabled": True}, NodeToNodeEncryptionOptions={"Enabled": True},
        DomainEndpointOptions={"EnforceHTTPS": True, "TLSSecurityPolicy": "Policy-Min-TLS-1-2-2019-07"},
        AccessPolicies=policy(friend | {"Action": "es:*"}),
    )  # fmt: skip
    secrets = client("secretsmanager", region, account)
    secret = secrets.create_secret(Name="orders/db", SecretString="hunter2-Tr0ub4dor", Tags=TAGS)["ARN"]
    secrets.put_resource_policy(
        SecretId=secret, ResourcePolicy=policy(friend | {"Action": "secretsmanager:GetSecretValue"})
    )
    sns = client("sns", region, account)
    topic = sns.create_topic(Name="orders", Tags=TAGS, Attributes={"KmsMasterKeyId": "alias/aws/sns"})["TopicArn"]
    sqs = client("sqs", region, account)
    dead = sqs.create_queue(QueueName="orders-dead")["QueueUrl"]
    dead_uid = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    redrive = json.dumps({"deadLetterTargetArn": dead_uid, "maxReceiveCount": 3})
    queue = sqs.create_queue(
        QueueName="orders", tags={"environment": "production"},
        Attributes={"RedrivePolicy": redrive, "Policy": policy(friend | {"Action": "sqs:SendMessage"})},
    )["QueueUrl"]  # fmt: skip
    uid = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=uid)

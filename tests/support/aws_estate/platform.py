"""Clusters and notebooks, and the services that look for trouble."""

from __future__ import annotations

from tests.support.aws import IMAGE, client


def fill(account: str, region: str) -> None:
    """One of each."""
    role = f"arn:aws:iam::{account}:role/web"
    client("eks", region, account).create_cluster(
        name="shop", version="1.30", roleArn=role, tags={"environment": "production"},
        resourcesVpcConfig={"subnetIds": ["subnet-0a", "subnet-0b"]},
        encryptionConfig=[{"resources": ["secrets"], "provider": {"keyArn": f"arn:aws:kms:{region}:{account}:key/k"}}],
        logging={"clusterLogging": [{"types": ["audit", "api"], "enabled": True}]},
    )  # fmt: skip
    client("emr", region, account).run_job_flow(
        Name="nightly", ReleaseLabel="emr-7.0.0", LogUri="s3://logs/", JobFlowRole="web", ServiceRole="web",
        Tags=[{"Key": "environment", "Value": "production"}],
        Instances={
            "MasterInstanceType": "m5.large", "SlaveInstanceType": "m5.large", "InstanceCount": 2,
            "KeepJobFlowAliveWhenNoSteps": True,
        },
    )  # fmt: skip
    client("sagemaker", region, account).create_notebook_instance(
        NotebookInstanceName="study", InstanceType="ml.t3.medium", RoleArn=role, DirectInternetAccess="Disabled",
        SubnetId="subnet-0a", SecurityGroupIds=["sg-0a"], Tags=[{"Key": "environment", "Value": "production"}],
    )  # fmt: skip
    config = client("config", region, account)
    config.put_configuration_recorder(
        ConfigurationRecorder={
            "name": "default", "roleARN": role,
            "recordingGroup": {"allSupported": True, "includeGlobalResourceTypes": True},
        }
    )  # fmt: skip
    config.put_delivery_channel(DeliveryChannel={"name": "default", "s3BucketName": f"logs-{account}-{region}"})
    config.start_configuration_recorder(ConfigurationRecorderName="default")
    guardduty = client("guardduty", region, account)
    detector = guardduty.create_detector(Enable=True, Tags={"environment": "shared"})["DetectorId"]
    guardduty.create_sample_findings(DetectorId=detector, FindingTypes=["Backdoor:EC2/Spambot"])
    client("securityhub", region, account).enable_security_hub()
    profile = {"Name": "web"}
    machine = client("ec2", region, account).run_instances(
        ImageId=IMAGE, MinCount=1, MaxCount=1, IamInstanceProfile=profile
    )["Instances"][0]["InstanceId"]
    client("ssm", region, account).put_compliance_items(
        ResourceId=machine, ResourceType="ManagedInstance", ComplianceType="Patch",
        ExecutionSummary={"ExecutionTime": "2026-11-01T00:00:00Z"},
        Items=[{"Id": "KB1", "Title": "an update", "Severity": "HIGH", "Status": "NON_COMPLIANT"}],
    )  # fmt: skip

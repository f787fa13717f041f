"""An AWS API on loopback with an estate in it, scanning it into a real stage, and breaking single calls."""

from __future__ import annotations

import contextlib
import copy
import functools
import importlib
import json
import logging
import os
import pkgutil
import threading
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import botocore
import botocore.session
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError
from moto.server import ThreadedMotoServer

from fixtures.servers import moto_additions
from scanner.collectors.aws import KINDS, READS, collect, run
from scanner.collectors.aws.reads import Service
from scanner.collectors.aws.services import GLOBAL, REGIONAL
from scanner.collectors.aws.session import Account, Declared, new_session
from scanner.environments import Config
from scanner.safe.secrets import HashKey, Redactor
from scanner.store import Estate, Stage
from scanner.tables import Call, Child, Document, Gap, Kind, Kinds, Placed, Row, Scope, tables
from tests.support import aws_estate

REDACTOR = Redactor(HashKey(b"k" * 32))
MAIN, OTHER = "123456789012", "210987654321"
REGION, OTHER_REGION = "eu-west-1", "eu-central-1"
USER_DATA = "#!/bin/sh\nexport DB_PASSWORD=hunter2-Tr0ub4dor\n"
IMAGE = "ami-12345678"
KEYS = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
Operation = tuple[str, str]  # service, operation


@functools.cache
def server() -> str:
    """The URL of the one moto server of this process."""
    os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"  # hundreds of images and snapshots that nobody here looks at
    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    moto_additions.add()
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    return f"http://{host}:{port}"


def reset() -> str:
    """Forget everything; answers with the URL."""
    with urllib.request.urlopen(urllib.request.Request(f"{server()}/moto-api/reset", method="POST"), timeout=10):
        return server()


def environment(patch: pytest.MonkeyPatch, url: str) -> None:
    """Point the ordinary AWS environment at the server, and at nothing else."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION"):
        patch.delenv(name, raising=False)
    patch.setenv("AWS_CONFIG_FILE", "/dev/null")
    patch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    patch.setenv("AWS_ENDPOINT_URL", url)
    patch.setenv("AWS_ACCESS_KEY_ID", "testing")
    patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    patch.setenv("AWS_DEFAULT_REGION", REGION)


def client(service: str, region: str = REGION, account: str = MAIN) -> Any:
    """An ordinary client of an account."""
    url = server()
    if account == MAIN:
        return _on_loopback(boto3.client(service, region_name=region, endpoint_url=url, **KEYS), account)
    given = boto3.client("sts", region_name=region, endpoint_url=url, **KEYS).assume_role(
        RoleArn=f"arn:aws:iam::{account}:role/Builder", RoleSessionName="build"
    )["Credentials"]
    made = boto3.client(
        service, region_name=region, endpoint_url=url, aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"], aws_session_token=given["SessionToken"],
    )  # fmt: skip
    return _on_loopback(made, account)


def _on_loopback(made: Any, account: str) -> Any:
    """The client; S3 control would put the account's id before the address."""
    made.meta.events.register(
        "before-call.s3-control", lambda params, **_: params.update(url=params["url"].replace(f"//{account}.", "//"))
    )
    return made


def config(
    accounts: dict[str, dict[str, Any]] | None = None, regions: tuple[str, ...] = (REGION,), attempts: int = 1
) -> Config:
    """tierwall.yaml that declares accounts; the server's own by default. Nothing is retried by default."""
    declared = {"main": {"id": MAIN}} if accounts is None else accounts
    aws: dict[str, Any] = {"accounts": declared, "max_attempts": attempts}
    return Config.model_validate({"sources": {"aws": aws | ({"regions": list(regions)} if regions else {})}})


def scan(folder: Path, settings: Config | None = None, progress: Callable[[str], None] | None = None) -> Estate:
    """Read what the environment leads to into a new stage in the folder; answers with its tables."""
    kinds = Kinds()
    kinds.add(*KINDS)
    number = len(list(folder.glob("stage-*.db")))
    stage = Stage.create(folder / f"stage-{number}.db", REDACTOR, kinds)
    collect(settings or config(), stage, progress)
    return stage.flush()


# --- breaking calls ---------------------------------------------------------------------------------------------------

_CODES = {"ec2": "UnauthorizedOperation", "s3": "AccessDenied", "iam": "AccessDenied"}


def declared_calls() -> list[Operation]:
    """Every call that the collectors may make."""
    return [(read.service, read.operation) for read in READS]


@contextlib.contextmanager
def intercepting(handler: Callable[[str, str, dict[str, Any]], tuple[int, str] | None]) -> Iterator[None]:
    """Ask the handler before each call of this process: (service, operation, request) → (HTTP status, code) or None."""

    def before_call(model: Any, params: dict[str, Any], **_: Any) -> Any:
        refused = handler(model.service_model.service_name, model.name, params)
        if refused is None:
            return None
        status, code = refused
        error = {"Code": code, "Message": f"{model.name} is refused"}
        about = {"HTTPStatusCode": status, "RequestId": "refused-0001", "RetryAttempts": 0}
        return AWSResponse(params["url"], status, {}, None), {"Error": error, "ResponseMetadata": about}

    with _hooked("before-call", before_call, first=True):
        yield


@contextlib.contextmanager
def _hooked(event: str, hook: Callable[..., Any], *, first: bool = False) -> Iterator[None]:
    """Hear an event of every SDK session that is made meanwhile, before other hooks or after them."""

    def initialize(session: botocore.session.Session) -> None:
        events = session.get_component("event_emitter")
        (events.register_first if first else events.register_last)(event, hook)

    botocore.register_initializer(initialize)
    try:
        yield
    finally:
        botocore.unregister_initializer(initialize)


@contextlib.contextmanager
def replaying() -> Iterator[None]:
    """Ask the server each question once and repeat its answers: for many scans of one account that does not change."""
    answers: dict[tuple[str, ...], tuple[Any, Any]] = {}

    def before_call(model: Any, params: dict[str, Any], context: dict[str, Any], request_signer: Any, **_: Any) -> Any:
        body = params["body"]
        asked = json.dumps(body, sort_keys=True, default=str) if isinstance(body, dict) else str(body)
        query = json.dumps(params["query_string"], sort_keys=True, default=str)
        who = getattr(request_signer._credentials, "access_key", "")  # accounts differ by it alone
        context["asked"] = (who, model.service_model.service_name, model.name, params["url"] + query, asked)
        answer = answers.get(context["asked"])
        return None if answer is None else (answer[0], copy.deepcopy(answer[1]))

    def after_call(http_response: Any, parsed: Any, context: dict[str, Any], **_: Any) -> None:
        # A refusal was not asked for here, and a report that is being written is asked for again.
        if context.get("asked") not in (None, *answers) and parsed.get("State") != "STARTED":
            answers[context["asked"]] = (http_response, copy.deepcopy(parsed))

    # IAM's answers are kept before the SDK decodes the policies in them, for it will do so again.
    early = _hooked("after-call.iam", after_call, first=True)
    with _hooked("before-call", before_call), early, _hooked("after-call", after_call):
        yield


def denying(service: str, operation: str) -> contextlib.AbstractContextManager[None]:
    """Refuse every call of one operation, as AWS refuses it to a caller without the permission."""
    code = _CODES.get(service, "AccessDeniedException")
    return intercepting(lambda s, o, _: (403, code) if (s, o) == (service, operation) else None)


@contextlib.contextmanager
def answering(operation: str, statuses: Iterator[int]) -> Iterator[None]:
    """Let the next requests of an operation get these HTTP statuses over the wire, so that the SDK may retry."""

    def before_send(request: Any, event_name: str, **_: Any) -> AWSResponse | None:
        if not event_name.endswith(f".{operation}"):
            return None
        status = next(statuses, None)
        return None if status is None else AWSResponse(request.url, status, {}, _TooMany())

    with _hooked("before-send", before_send):
        yield


class _TooMany:
    """The body of EC2's answer to one request too many."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield b"<Response><Errors><Error><Code>RequestLimitExceeded</Code></Error></Errors></Response>"


@contextlib.contextmanager
def counting() -> Iterator[list[Operation]]:
    """The calls that are made meanwhile."""
    made: list[Operation] = []
    lock = threading.Lock()

    def note(service: str, operation: str, _: dict[str, Any]) -> None:
        with lock:
            made.append((service, operation))

    with intercepting(note):
        yield made


# --- pages ------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def paging_by_one(patch: pytest.MonkeyPatch, cut_after: int | None = None) -> Iterator[None]:
    """Split every listing into pages of one element, with an empty page before them; fail after some pages."""
    real = Account._new_client
    with patch.context() as patched:
        patched.setattr(Account, "_new_client", lambda *args: _Splitting(real(*args), cut_after))
        yield


class _Splitting:
    def __init__(self, client: Any, cut_after: int | None) -> None:
        self._client, self._cut_after = client, cut_after

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def get_paginator(self, method: str) -> Any:
        return _SplittingPaginator(self._client.get_paginator(method), self._cut_after)


class _SplittingPaginator:
    def __init__(self, paginator: Any, cut_after: int | None) -> None:
        self._paginator, self._cut_after = paginator, cut_after

    def paginate(self, **arguments: Any) -> Iterator[dict[str, Any]]:
        for number, page in enumerate(self._pages(**arguments)):
            if number == self._cut_after:
                about = {"HTTPStatusCode": 500, "RequestId": "cut-0001", "RetryAttempts": 0}
                answer = {"Error": {"Code": "InternalError", "Message": "cut"}, "ResponseMetadata": about}
                raise ClientError(answer, "List")  # type: ignore[arg-type]  # the stub wants every key
            yield page

    def _pages(self, **arguments: Any) -> Iterator[dict[str, Any]]:
        keys = [key.expression for key in self._paginator.result_keys]
        for page in self._paginator.paginate(**arguments):
            empty = page | {key: [] for key in keys if key in page}
            yield empty
            for key in keys:
                for element in page.get(key, ()):
                    yield empty | {key: [element]}


# --- what was lost ----------------------------------------------------------------------------------------------------


def uncovered(full: Estate, partial: Estate) -> list[str]:
    """What the partial scan lacks, or says otherwise, without a gap that covers it."""
    gaps = {(g.scope, g.uid, g.table_name, g.column_name) for g in partial.rows(Gap)}

    def covered(row: Placed, *columns: str) -> bool:
        scopes = (row.scope, row.scope.rsplit("/", 1)[0] + "/global")
        places = [(scope, uid) for scope in scopes for uid in ("", row.uid)]
        return any((*place, row.table, column) in gaps for place in places for column in ("", *columns))

    problems = []
    found_in = _by_uid(partial)
    for table, rows in _by_uid(full).items():
        have = found_in[table]
        for uid, of_resource in rows.items():
            for row in of_resource:
                found = have.get(uid, [])
                if issubclass(table, Child):
                    if not any(_facts(row) == _facts(other) for other in found) and not covered(row, *row.columns()):
                        problems.append(f"{row.table} {uid}: lost {_facts(row)}")
                elif not found:
                    if not covered(row):
                        problems.append(f"{row.table} {uid}: lost")
                else:
                    problems += [
                        f"{row.table}.{name} {uid}: {getattr(row, name)!r} → {getattr(found[0], name)!r}"
                        for name in row.columns()
                        if getattr(row, name) != getattr(found[0], name) and not covered(row, name)
                    ]
    return problems


def invented(full: Estate, partial: Estate) -> list[str]:
    """What the partial scan claims and the full one does not: any cell but NULL must be the truth."""
    problems = []
    truths = _by_uid(full)
    for table, rows in _by_uid(partial).items():
        truth = truths[table]
        problems += [
            f"{row.table} {uid}: {_facts(row)}"
            for uid, of_resource in rows.items()
            for row in of_resource
            if not any(_agrees(row, other) for other in truth.get(uid, ()))
        ]
    return problems


def _agrees(row: Placed, truth: Placed) -> bool:
    """The row says nothing that is not true. A key without its alias is called by its id, which is no lie."""
    return all(value is None or value == getattr(truth, name) for name, value in _facts(row).items() if name != "name")


def _facts(row: Placed) -> dict[str, Any]:
    """What a row says, but for positions: they shift when something before it is missing."""
    return {name: getattr(row, name) for name in row.columns() if name not in ("ordinal", "statement")}


def _by_uid(estate: Estate) -> dict[type[Placed], dict[str, list[Placed]]]:
    found: dict[type[Placed], dict[str, list[Placed]]] = {}
    for name, table in tables().items():
        if name.startswith("aws_") and issubclass(table, Placed):
            of_table = found.setdefault(table, {})
            for row in estate.rows(table):
                of_table.setdefault(row.uid, []).append(row)
    return found


def calls(estate: Estate, operation: str) -> list[Call]:
    """The calls of an operation, in the order of their numbers."""
    return [c for c in estate.rows(Call) if c.operation == operation]


def facts(estate: Estate) -> dict[str, list[dict[str, Any]]]:
    """All that an estate says of AWS, by table."""
    return {t.table: [_facts(r) for of in rows.values() for r in of] for t, rows in _by_uid(estate).items()}


def makers(service: str, operation: str) -> list[Service]:
    """The modules that make the call; none for one that enters an account."""
    modules = (*GLOBAL, *REGIONAL)
    return [m for m in modules if (service, operation) in {(read.service, read.operation) for read in m.reads}]


def read(folder: Path, service: str, operation: str) -> Estate:
    """As `scan`, but only the modules that make the call are read, if any does."""
    modules = makers(service, operation)
    if not modules:
        return scan(folder)
    kinds = Kinds()
    kinds.add(*KINDS)
    stage = Stage.create(folder / f"stage-{len(list(folder.glob('stage-*.db')))}.db", REDACTOR, kinds)
    _read(stage, modules)
    return stage.flush()


def read_quickly(service: str, operation: str) -> tuple[set[tuple[str, str]], set[str]]:
    """What the modules that make the call find (table, uid), and the tables that have a gap. Nothing is written."""
    recorder = Recorder({kind.name: kind for kind in KINDS})
    _read(recorder, makers(service, operation))
    found = {(recorder.kinds[d.kind].tables[0].table, d.uid) for d in recorder.documents}
    return found, {gap.table_name for gap in recorder.gaps}


def _read(stage: Any, modules: Iterable[Service]) -> None:
    account = Account(Declared("main", MAIN, regions=(REGION,), max_attempts=1), new_session())
    for module in modules:
        scope = account.scope if module in GLOBAL else account.scope_of(REGION)
        run._Run(stage, lambda _: None)._service(account, module, scope, account.home)
    account.close()


class Recorder:
    """A stage that only remembers; it shapes what it is given where it knows how."""

    def __init__(self, kinds: Mapping[str, Kind] | None = None) -> None:
        self.kinds = kinds or {}
        self.documents: list[Document] = []
        self.calls: list[Call] = []
        self.gaps: list[Gap] = []

    def scope(self, scope: Scope, tables: Iterable[type[Row]]) -> None:
        pass

    def call(self, call: Call) -> int:
        self.calls.append(call)
        return len(self.calls)

    def gap(self, gap: Gap) -> None:
        self.gaps.append(gap)

    def document(self, document: Document) -> None:
        if self.kinds:
            self.kinds[document.kind].shape(document)
        self.documents.append(document)

    def unit(self, name: str) -> Recorder:
        return self

    def done(self) -> None:
        pass


def documents() -> list[Document]:
    """What a scan hands to the stage, not redacted yet."""
    recorder = Recorder()
    run.collect(config(), recorder)
    return sorted(recorder.documents, key=lambda d: (d.kind, d.uid))


# --- an estate --------------------------------------------------------------------------------------------------------


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def fill(account: str = MAIN, region: str = REGION) -> None:
    """Something of every kind that the collectors read, with every optional part of it set somewhere."""
    _network(account, region)
    _compute(account, region)
    _iam(account)
    key = _kms(account, region)
    _s3(account, region, key)
    _rds(account, region)
    _cloudtrail(account, region)
    _backup(account, region)
    for found in pkgutil.iter_modules(aws_estate.__path__):
        importlib.import_module(f"{aws_estate.__name__}.{found.name}").fill(account, region)


def _network(account: str, region: str) -> None:
    ec2 = client("ec2", region, account)
    vpc, peer = (ec2.create_vpc(CidrBlock=c)["Vpc"]["VpcId"] for c in ("10.1.0.0/16", "10.2.0.0/16"))
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.1.1.0/24")["Subnet"]["SubnetId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address)
    ec2.create_vpc_peering_connection(VpcId=vpc, PeerVpcId=peer)
    group = ec2.create_security_group(GroupName="web", Description="web servers", VpcId=vpc)["GroupId"]
    ec2.authorize_security_group_ingress(
        GroupId=group,
        IpPermissions=[
            {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/1"}]},
            {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]},
            {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group}]},
        ],
    )
    ec2.create_network_interface(SubnetId=subnet, Groups=[group])
    place = {"LocationConstraint": region}
    client("s3", region, account).create_bucket(Bucket=f"flow-logs-{account}", CreateBucketConfiguration=place)
    ec2.create_flow_logs(
        ResourceIds=[vpc], ResourceType="VPC", TrafficType="ALL", LogDestinationType="s3",
        LogDestination=f"arn:aws:s3:::flow-logs-{account}",
    )  # fmt: skip
    for id in (vpc, subnet, gateway, table, group):
        ec2.create_tags(Resources=[id], Tags=[{"Key": "environment", "Value": "production"}])


def _compute(account: str, region: str) -> None:
    ec2 = client("ec2", region, account)
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "web-1"}]}]
    ec2.run_instances(
        ImageId=IMAGE, MinCount=1, MaxCount=1, UserData=USER_DATA, TagSpecifications=tags,
        MetadataOptions={"HttpTokens": "required"},
    )  # fmt: skip
    volume = ec2.create_volume(AvailabilityZone=f"{region}a", Size=8, Encrypted=True)["VolumeId"]
    shared, public = (ec2.create_snapshot(VolumeId=volume)["SnapshotId"] for _ in range(2))
    permission = {"Attribute": "createVolumePermission", "OperationType": "add"}
    ec2.modify_snapshot_attribute(SnapshotId=shared, UserIds=[OTHER], **permission)
    ec2.modify_snapshot_attribute(SnapshotId=public, GroupNames=["all"], **permission)
    ec2.enable_ebs_encryption_by_default()
    ec2.enable_snapshot_block_public_access(State="block-new-sharing")


def _iam(account: str) -> None:
    iam = client("iam", account=account)
    everything = policy({"Effect": "Allow", "Action": "*", "Resource": "*"})
    iam.create_account_alias(AccountAlias=f"acme-{account[:3]}")
    iam.update_account_password_policy(MinimumPasswordLength=14, MaxPasswordAge=90)
    iam.create_group(GroupName="admins", Path="/staff/")
    managed = iam.create_policy(PolicyName="everything", PolicyDocument=everything)["Policy"]["Arn"]
    iam.attach_group_policy(GroupName="admins", PolicyArn=managed)
    iam.put_group_policy(GroupName="admins", PolicyName="inline", PolicyDocument=everything)
    iam.create_user(UserName="alice", Path="/staff/", Tags=[{"Key": "team", "Value": "web"}])
    iam.create_login_profile(UserName="alice", Password="correct-Horse-1")
    iam.create_access_key(UserName="alice")
    iam.add_user_to_group(UserName="alice", GroupName="admins")
    iam.put_user_policy(UserName="alice", PolicyName="inline", PolicyDocument=everything)
    trust = policy({"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"})
    iam.create_role(RoleName="web", AssumeRolePolicyDocument=trust, Tags=[{"Key": "team", "Value": "web"}])
    iam.attach_role_policy(RoleName="web", PolicyArn=managed)
    iam.create_instance_profile(InstanceProfileName="web")
    iam.add_role_to_instance_profile(InstanceProfileName="web", RoleName="web")


def _kms(account: str, region: str) -> str:
    kms = client("kms", region, account)
    tags = [{"TagKey": "environment", "TagValue": "production"}]
    key: str = kms.create_key(Description="data", Tags=tags)["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/data", TargetKeyId=key)
    kms.enable_key_rotation(KeyId=key)
    caller = {"StringEquals": {"kms:CallerAccount": account}}
    root = {"AWS": f"arn:aws:iam::{account}:root"}
    kms.put_key_policy(
        KeyId=key,
        PolicyName="default",
        Policy=policy(
            {"Effect": "Allow", "Principal": root, "Action": "kms:*", "Resource": "*"},
            {"Effect": "Allow", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*", "Condition": caller},
        ),
    )
    return key


def _s3(account: str, region: str, key: str) -> None:
    s3 = client("s3", region, account)
    name, logs = f"data-{account}-{region}", f"logs-{account}-{region}"
    for bucket in (name, logs):
        s3.create_bucket(
            Bucket=bucket,
            CreateBucketConfiguration={"LocationConstraint": region},
            ObjectLockEnabledForBucket=bucket == logs,
        )
    arn = f"arn:aws:s3:::{name}"
    tls = {"Bool": {"aws:SecureTransport": "false"}}
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_encryption(
        Bucket=name,
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}]
        },
    )
    s3.put_bucket_policy(
        Bucket=name,
        Policy=policy(
            {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": [arn, f"{arn}/*"], "Condition": tls},
            {"Sid": "open", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"{arn}/*"},
        ),
    )
    s3.put_bucket_ownership_controls(
        Bucket=name, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]}
    )
    s3.put_bucket_acl(Bucket=logs, ACL="log-delivery-write")
    s3.put_bucket_logging(
        Bucket=name, BucketLoggingStatus={"LoggingEnabled": {"TargetBucket": logs, "TargetPrefix": "s3/"}}
    )
    s3.put_bucket_lifecycle_configuration(
        Bucket=name,
        LifecycleConfiguration={
            "Rules": [{"ID": "old", "Status": "Enabled", "Filter": {"Prefix": "tmp/"}, "Expiration": {"Days": 30}}]
        },
    )
    s3.put_bucket_versioning(Bucket=logs, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_replication(
        Bucket=name,
        ReplicationConfiguration={
            "Role": f"arn:aws:iam::{account}:role/web",
            "Rules": [
                {"ID": "copy", "Status": "Enabled", "Priority": 1, "Filter": {"Prefix": ""},
                 "DeleteMarkerReplication": {"Status": "Disabled"},
                 "Destination": {"Bucket": f"arn:aws:s3:::{logs}", "Account": OTHER}}
            ],
        },
    )  # fmt: skip
    s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": [{"Key": "environment", "Value": "production"}]})
    block = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": False}
    s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=block | {"RestrictPublicBuckets": False})
    client("s3control", region, account).put_public_access_block(
        AccountId=account,
        PublicAccessBlockConfiguration=dict.fromkeys((*block, "RestrictPublicBuckets"), False)
        | {"BlockPublicPolicy": True},
    )


def _rds(account: str, region: str) -> None:
    rds = client("rds", region, account)
    rds.create_db_parameter_group(DBParameterGroupName="tls", DBParameterGroupFamily="postgres14", Description="tls")
    rds.modify_db_parameter_group(
        DBParameterGroupName="tls",
        Parameters=[{"ParameterName": "rds.force_ssl", "ParameterValue": "1", "ApplyMethod": "immediate"}],
    )
    rds.create_db_instance(
        DBInstanceIdentifier="orders", DBInstanceClass="db.t3.micro", Engine="postgres", EngineVersion="14.9",
        MasterUsername="root", MasterUserPassword="hunter2-Tr0ub4dor", AllocatedStorage=20, DBParameterGroupName="tls",
        BackupRetentionPeriod=7, StorageEncrypted=True, EnableCloudwatchLogsExports=["postgresql"],
        Tags=[{"Key": "environment", "Value": "production"}],
    )  # fmt: skip
    rds.create_db_snapshot(DBSnapshotIdentifier="orders-1", DBInstanceIdentifier="orders")
    rds.modify_db_snapshot_attribute(DBSnapshotIdentifier="orders-1", AttributeName="restore", ValuesToAdd=[OTHER])


def _cloudtrail(account: str, region: str) -> None:
    trails = client("cloudtrail", region, account)
    trails.create_trail(
        Name="audit", S3BucketName=f"logs-{account}-{region}", IsMultiRegionTrail=True, EnableLogFileValidation=True,
        TagsList=[{"Key": "environment", "Value": "shared"}],
    )  # fmt: skip
    trails.start_logging(Name="audit")
    trails.put_event_selectors(
        TrailName="audit", EventSelectors=[{"ReadWriteType": "All", "IncludeManagementEvents": True}]
    )


def _backup(account: str, region: str) -> None:
    backup = client("backup", region, account)
    backup.create_backup_vault(BackupVaultName="daily", BackupVaultTags={"environment": "production"})
    backup.put_backup_vault_lock_configuration(BackupVaultName="daily", MinRetentionDays=7, MaxRetentionDays=90)
    rule = {
        "RuleName": "hourly", "TargetBackupVaultName": "daily", "ScheduleExpression": "cron(0 * * * ? *)",
        "Lifecycle": {"DeleteAfterDays": 35},
        "CopyActions": [{"DestinationBackupVaultArn": f"arn:aws:backup:{OTHER_REGION}:{OTHER}:backup-vault:away"}],
    }  # fmt: skip
    plan = backup.create_backup_plan(
        BackupPlan={"BackupPlanName": "databases", "Rules": [rule]}, BackupPlanTags={"environment": "production"}
    )["BackupPlanId"]
    backup.create_backup_selection(
        BackupPlanId=plan,
        BackupSelection={
            "SelectionName": "all", "IamRoleArn": f"arn:aws:iam::{account}:role/web", "Resources": ["arn:aws:rds:*"],
            "ListOfTags": [
                {"ConditionType": "STRINGEQUALS", "ConditionKey": "backup", "ConditionValue": "yes"}
            ],
        },
    )  # fmt: skip

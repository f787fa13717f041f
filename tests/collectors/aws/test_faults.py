"""Whatever the wire does, and whatever an answer lacks: what is not known has a gap, and the scan goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from scanner.collectors.aws import READS
from scanner.store import Estate
from scanner.tables import Gap
from tests.support import aws
from tests.support.replay import MODES, Replay, Response, is_listing, keys, mistyped, without

# Accounts are entered without a role here; what a refused AssumeRole does is in test_accounts.
CALLS = sorted({(r.service, r.operation) for r in READS} - {("sts", "AssumeRole")})
LISTINGS = [call for call in CALLS if is_listing(call)]
# An answer that says nothing says that nothing is set, or that the bucket is in the first region, or is the policy; or
# its service leaves an empty list out.
MAY_SAY_NOTHING = {
    *(("s3", name) for name in ("GetBucketLocation", "GetBucketLogging", "GetBucketPolicy", "GetBucketVersioning")),
    ("apigateway", "GetRestApis"), ("apigatewayv2", "GetApis"), ("lambda", "ListTags"), ("sqs", "ListQueueTags"),
    ("sqs", "ListQueues"),
}  # fmt: skip
# Lists that their services leave out of the answer when they are empty, as they are on the wire.
LEFT_OUT = {
    ("apigateway", "item"), ("apigatewayv2", "items"), ("cloudfront", "Items"), ("sqs", "QueueUrls"),
}  # fmt: skip
FAILING = [
    *(("throttled", "throttled", *call) for call in CALLS[::2]),
    *(("hang-up", "error", *call) for call in CALLS[1::2]),
    *(("hollow", "error", *call) for call in CALLS if call not in MAY_SAY_NOTHING),
    *(("cut", "error", *call) for call in LISTINGS),
]


@pytest.mark.slow
@pytest.mark.parametrize(("mode", "reason", "service", "operation"), FAILING)
def test_each_call_that_fails_is_named_and_all_it_took_is_covered(
    wire: tuple[Replay, Estate], tmp_path: Path, mode: str, reason: str, service: str, operation: str
) -> None:
    api, _ = wire
    full = aws.read(tmp_path, service, operation)
    with full, api.fault(service, operation, MODES[mode]), aws.read(tmp_path, service, operation) as estate:
        refused = {c.id for c in aws.calls(estate, operation) if c.service == service and c.status == reason}

        assert refused
        assert aws.uncovered(full, estate) == []
        assert aws.invented(full, estate) == []
        named = {g.call for g in estate.rows(Gap)} & refused
        assert named or operation == "DescribeRegions"  # the regions are declared, so nothing is lost


@pytest.mark.slow
@pytest.mark.parametrize(("service", "operation"), LISTINGS)
def test_an_empty_page_is_not_the_end_of_a_listing(
    wire: tuple[Replay, Estate], tmp_path: Path, service: str, operation: str
) -> None:
    api, _ = wire
    with aws.read(tmp_path, service, operation) as full:
        before = api.struck
        with api.fault(service, operation, MODES["empty-page"]), aws.read(tmp_path, service, operation) as estate:
            assert (aws.facts(estate), places(estate)) == (aws.facts(full), places(full))
        assert api.struck >= before + 2


@pytest.mark.slow
@pytest.mark.parametrize(("service", "operation"), CALLS)
def test_no_odd_answer_ends_the_reading_or_loses_a_resource(
    wire: tuple[Replay, Estate], service: str, operation: str
) -> None:
    """Each key of each answer is left out once, and once has a value of another type."""
    api, _ = wire
    full, _ = aws.read_quickly(service, operation)
    found = {key for response in api.recorded(service, operation) for key in keys(response)}
    one_of = {key for r in READS if (r.service, r.operation) == (service, operation) for key in r.gives if r.gives[1:]}
    for key in sorted(found - one_of):
        with api.fault(service, operation, without(key)):
            left, gaps = aws.read_quickly(service, operation)
        assert {table for table, _ in full - left} <= gaps or (service, key) in LEFT_OUT, key
        with api.fault(service, operation, mistyped(key)):
            aws.read_quickly(service, operation)  # another text is another id: only that it ends matters


def places(estate: Estate) -> set[tuple[str, str, str]]:
    """Where there is a gap: table, column, uid."""
    return {(g.table_name, g.column_name, g.uid) for g in estate.rows(Gap)}


def test_an_answer_without_an_id_is_a_gap_that_names_the_call_and_all_else_goes_on(
    wire: tuple[Replay, Estate], tmp_path: Path
) -> None:
    api, full = wire
    with api.fault("ec2", "DescribeVolumes", without("volumeId")), aws.scan(tmp_path) as estate:
        (asked,) = aws.calls(estate, "DescribeVolumes")

        assert {(g.table_name, g.uid, g.reason, g.detail) for g in estate.rows(Gap) if g.call == asked.id} == {
            (table, "", "error", "ec2 DescribeVolumes: the answer has no VolumeId")
            for table in ("aws_ebs_volume", "aws_tag")
        }
        assert places(estate) - places(full) == {("aws_ebs_volume", "", ""), ("aws_tag", "", "")}
        lost = {row["uid"] for row in aws.facts(full)["aws_ebs_volume"]}
        assert aws.facts(estate) == {
            table: [row for row in rows if row["uid"] not in lost] for table, rows in aws.facts(full).items()
        }


def test_a_value_of_another_type_fails_its_call_alone(wire: tuple[Replay, Estate], tmp_path: Path) -> None:
    api, full = wire
    with api.fault("kms", "DescribeKey", mistyped("KeyMetadata")), aws.scan(tmp_path) as estate:
        calls = aws.calls(estate, "DescribeKey")

        assert {(c.status, c.code) for c in calls} == {("error", "MalformedAnswer")}
        assert {table for table, _, _ in places(estate) - places(full)} == {"aws_kms_key"}
        assert aws.uncovered(full, estate) == []


def test_text_that_is_no_answer_fails_its_call_alone(wire: tuple[Replay, Estate], tmp_path: Path) -> None:
    """As of a proxy that wants one to log in."""
    api, full = wire
    page = Response(200, b"<html><body>Please log in<br></body></html>", {"Content-Type": "text/html"})
    for service, operation in (("ec2", "DescribeVpcs"), ("kms", "ListKeys"), ("s3", "ListBuckets")):
        with api.fault(service, operation, lambda *_: page), aws.scan(tmp_path) as estate:
            assert {c.status for c in aws.calls(estate, operation)} == {"error"}
            assert aws.uncovered(full, estate) == []
            assert aws.invented(full, estate) == []

"""What is read as a plan, and what is refused, in one line that says what to do."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.collectors.terraform.collect import read
from scanner.collectors.terraform.plan import module_path, parse, recognise
from scanner.errors import InputError
from tests.support.terraform import change, made, plan

PLAN = made(change("aws_vpc.main", {"cidr_block": "10.0.0.0/16"}))


def refusal(data: Any) -> str:
    with pytest.raises(InputError) as caught:
        parse(data, "plan.json")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_real_plan_is_read_with_modules_and_keys() -> None:
    found = {i.address: i for i in parse(plan("everything"), "p").instances}

    inner = found['module.network["blue"].aws_subnet.private[1]']
    assert (inner.module, inner.base, inner.key, inner.provider) == (
        (("network", "blue"),),
        "aws_subnet.private",
        1,
        "aws",
    )
    assert found["aws_kms_key.old"].provider == "aws.frankfurt"
    assert found['aws_s3_bucket.this["logs"]'].key == "logs"
    assert found["aws_security_group.web"].is_set("vpc_id") is True
    assert found["aws_security_group.db"].is_set("ingress") is False


def test_data_sources_are_no_resources() -> None:
    addresses = {i.address for i in parse(plan("everything"), "p").instances}

    assert not any("data." in address for address in addresses)


def test_what_the_plan_deletes_or_forgets_is_told_apart() -> None:
    found = parse(plan("changes"), "p")

    assert sorted(i.address for i in found.gone) == [
        "aws_iam_role_policy.deny", "aws_iam_user.gone", "aws_iam_user.left", "aws_s3_bucket_policy.data",
        "aws_s3_bucket_public_access_block.data", "aws_s3_bucket_versioning.data", "aws_security_group_rule.ssh",
    ]  # fmt: skip
    by_address = {i.address: i for i in found.instances}
    assert by_address["aws_iam_group.new_name"].before_address == "aws_iam_group.old_name"
    assert by_address["aws_ebs_volume.data"].is_new, "what is replaced keeps nothing"
    assert not by_address["aws_kms_key.data"].is_new


def test_a_state_has_all_its_instances_and_nothing_unknown() -> None:
    data = json.loads((Path(__file__).parents[2] / "data/plans/changes/state.json").read_text())

    found = parse(data, "s")

    assert found.form == "state"
    assert len(found.instances) == 17
    assert all(i.unknown is None and i.before == i.after for i in found.instances)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"version": 4, "lineage": "x", "resources": []}, "is a raw state file; make `terraform show -json"),
        ({"Resources": {}, "AWSTemplateFormatVersion": "2010-09-09"}, "is neither a Terraform plan nor a state"),
        ({"check_type": "terraform", "results": {}}, "is neither a Terraform plan nor a state"),
        ([], "is neither a Terraform plan nor a state"),
        (PLAN | {"format_version": "2.0"}, "has plan format '2.0'; formats 1.x are read"),
        (PLAN | {"format_version": "0.1"}, "has plan format '0.1'"),
        (PLAN | {"errored": True}, "is of a plan that ended in an error"),
        (PLAN | {"resource_changes": {}}, "is damaged: 'resource_changes' is not a list"),
        (PLAN | {"resource_changes": [7]}, "is damaged: 'resource_changes' has an element that is no object"),
        (PLAN | {"resource_changes": [{"address": "a.b", "type": "a", "name": "b"}]}, "'actions' is not a list"),
        (PLAN | {"resource_changes": [change("aws_vpc.a", None)]}, "'aws_vpc.a' is kept but has no 'after'"),
        (PLAN | {"configuration": {"root_module": {"resources": [[]]}}}, "'resources' has an element"),
    ],
)  # fmt: skip
def test_foreign_failed_and_damaged_input_is_refused(data: Any, says: str) -> None:
    assert says in refusal(data)


def test_formats_of_the_same_major_version_and_unknown_keys_are_read() -> None:
    assert recognise(PLAN | {"format_version": "1.9", "something_new": [1]}) == "plan"
    assert len(parse(PLAN | {"format_version": "1.9", "something_new": [1]}, "p").instances) == 1


def test_a_truncated_plan_is_told_with_its_place(tmp_path: Path) -> None:
    text = json.dumps(plan("everything"))
    path = tmp_path / "plan.json"
    path.write_text(text[: len(text) // 2])

    with pytest.raises(InputError, match=r"plan\.json:1:\d+: ends in the middle of a value: not JSON"):
        read(path)


def test_a_plan_in_terraforms_own_format_is_refused_with_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "p.tfplan"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tfplan", "x")

    with pytest.raises(InputError, match="is a plan in Terraform's own format; give the output of"):
        read(path)


def test_the_log_of_a_plan_is_refused_with_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "log.json"
    path.write_text('{"@level":"info","@message":"Terraform 1.11.4"}\n{"@level":"info"}\n')

    with pytest.raises(InputError, match="is the log of `terraform plan -json`, not the plan"):
        read(path)


def test_nesting_without_end_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "deep.json"
    path.write_text('{"format_version": "1.2", "x": ' + "[" * 100_000 + "]" * 100_000 + "}")

    with pytest.raises(InputError, match="is nested too deeply"):
        read(path)


def test_an_enormous_file_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scanner.collectors.terraform.collect.LIMIT", 1000)
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(plan("everything")))

    with pytest.raises(InputError, match=r"is larger than 1,000 bytes"):
        read(path)


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("aws_vpc.main", ()),
        ("module.a.aws_vpc.main", (("a", None),)),
        ('module.a["x.y"].module.b[3].aws_vpc.main[0]', (("a", "x.y"), ("b", 3))),
        (r'module.a["say \"hi\""].aws_vpc.main', (("a", 'say "hi"'),)),
    ],
)
def test_the_modules_of_an_address_are_told_apart(address: str, path: tuple[object, ...]) -> None:
    assert module_path(address) == path


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["", "create", "aws_vpc", "1.2", "a.b"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["address", "type", "name", "mode", "change", "actions", "after", "index", "module_address",
                         "after_unknown", "values", "root_module", "resources", "references", "expressions"]),
        inner, max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


def readable(data: Any) -> str:
    """'' for what is read, and the refusal of what is not; any other error fails the test."""
    try:
        parse(data, "plan.json")
    except InputError as error:
        return str(error)
    return ""


@given(st.sampled_from(sorted(PLAN)), json_values)
def test_whatever_stands_in_a_plan_it_is_read_or_refused_in_one_line(key: str, value: Any) -> None:
    said = readable(PLAN | {key: value})

    assert "\n" not in said
    assert said == "" or said.startswith("plan.json: ")


@given(json_values)
def test_whatever_a_change_holds_it_is_read_or_refused(value: Any) -> None:
    said = readable(PLAN | {"resource_changes": [value]})

    assert said == "" or said.startswith("plan.json: is damaged: ")

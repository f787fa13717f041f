"""Blocks are found where they stand, whatever stands around them."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.collectors.terraform import hcl
from scanner.collectors.terraform.plan import parse
from scanner.errors import InputError
from tests.support.terraform import PLANS, plan

CODE = r"""
# resource "aws_vpc" "no" {}
/* resource "aws_vpc" "neither" {
*/ resource "aws_vpc" "main" { cidr_block = "10.0.0.0/16" } // resource "aws_vpc" "nor" {}
locals {
  text = "resource \"aws_vpc\" \"quoted\" { ${join("}", ["{", "${var.a}"])}"
  long = <<-EOT
    resource "aws_vpc" "heredoc" {
    EOT
}

resource
  "aws_subnet"
  "a" {
  tags = { note = "$${not a template" }
  dynamic "x" {
    content {}
  }
}
resource aws_subnet b {}
"""


def found(text: str) -> list[tuple[str, str, int]]:
    return [(block.type, block.name, block.line) for block in hcl.blocks(text, "main.tf")]


def test_a_block_is_found_where_its_header_begins() -> None:
    assert found(CODE) == [("aws_vpc", "main", 4), ("aws_subnet", "a", 12), ("aws_subnet", "b", 20)]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_line_ends_make_no_difference(end: str) -> None:
    assert found(CODE.replace("\n", end)) == found(CODE)


def test_code_that_is_cut_off_has_the_blocks_up_to_there() -> None:
    assert found('resource "a" "b" {\n x = "${') == [("a", "b", 1)]
    assert found('resource "a" "b" {\n x = <<E\nnever ended') == [("a", "b", 1)]
    assert found('resource "a" "b"') == found("/* resource") == []


def test_a_bracket_that_nothing_opens_is_an_error_with_its_line() -> None:
    with pytest.raises(InputError, match=r"main\.tf:2: has a bracket that nothing opens"):
        found("locals {}\n}")


def test_waivers_are_those_in_the_block_and_on_the_line_above_it() -> None:
    text = """
# tierwall:waive far

# tierwall:waive above-1
resource "a" "b" { # tierwall:waive first
  x = "tierwall:waive in-a-string"
  y { /* tierwall:waive deep */ }
}
// tierwall:waive after
"""
    assert [block.waivers for block in hcl.blocks(text, "main.tf")] == [("above-1", "first", "deep")]


@given(st.text(alphabet='{}"$%<>#/*\\ \nab=', max_size=60))
def test_any_text_gives_blocks_or_one_error(text: str) -> None:
    with contextlib.suppress(InputError):
        assert all(block.line >= 1 for block in hcl.blocks(text, "x.tf"))


def test_every_resource_of_a_real_plan_is_found_in_its_code_through_modules() -> None:
    folder = PLANS / "everything"
    read = parse(plan("everything"), "plan.json")
    code = hcl.sources(folder, read)

    for instance in read.instances:
        block = code.find(instance.module, instance.base)
        assert block is not None, instance.address
        assert f'resource "{block.type}" "{block.name}"' in Path(block.file).read_text().splitlines()[block.line - 1]
        assert (block.type, block.name) == (instance.type, instance.name)
        assert ("modules" in block.file) == bool(instance.module)


def test_modules_that_init_has_fetched_are_found_by_its_manifest(tmp_path: Path) -> None:
    fetched = tmp_path / ".terraform" / "modules" / "net"
    fetched.mkdir(parents=True)
    (fetched / "main.tf").write_text('\nresource "aws_vpc" "this" {}\n')
    entries = [
        {"Key": "net", "Source": "registry/net", "Dir": ".terraform/modules/net"},
        {"Key": "evil", "Dir": "/etc"},
    ]
    (fetched.parent / "modules.json").write_text(json.dumps({"Modules": entries}))
    (tmp_path / "main.tf").write_text('module "net" {}\n')
    calls = {"net": {"source": "registry/net", "module": {}}, "evil": {"source": "x", "module": {}}}
    read = parse({"format_version": "1.2", "configuration": {"root_module": {"module_calls": calls}}}, "plan.json")

    code = hcl.sources(tmp_path, read)

    assert {key: block.line for key, block in code.blocks.items()} == {(("net",), "aws_vpc.this"): 2}

"""Tags, which every taggable resource of the AWS provider has in `tags_all`."""

from __future__ import annotations

from collections.abc import Mapping

from scanner.collectors.terraform.reading import Lost, Shape, View
from scanner.tables.aws_account import AwsTag


def fill_tags(shape: Shape, own: View) -> None:
    """A row a tag. `tags_all` has the provider's default tags in it; a resource without the argument has no tags."""
    name = "tags_all" if "tags_all" in own.values else "tags"
    tags = own.get(name)
    if isinstance(tags, Lost):
        shape.lost(AwsTag, "", tags)
    elif isinstance(tags, Mapping):
        view = View(tags, name)
        for key in sorted(tags):
            shape.child(AwsTag, key_name=key, value=view.text(key, absent=""))

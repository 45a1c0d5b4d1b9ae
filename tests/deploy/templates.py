"""The templates of deploy/aws, and what a test asks of them."""

from __future__ import annotations

import json
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

Resource = dict[str, Any]
# Each size as it is, and the large one with the ledger's copy in another region.
SIZES = ("small", "large")
STANDBY_REGION = "eu-central-1"


@cache
def synthesise(size: str) -> dict[str, Path]:
    from deploy.aws.app import build
    from deploy.aws.sizes import SIZES as SIZES_BY_NAME

    out = Path(tempfile.mkdtemp(prefix=f"agio-{size}-"))
    standby = STANDBY_REGION if size == "large" else None
    return build(SIZES_BY_NAME[size], out, standby_region=standby)


@cache
def template(size: str, stack: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(synthesise(size)[stack].read_text())
    return loaded


def resources(size: str, kind: str) -> list[Resource]:
    """Return the properties of all resources of a type, such as `AWS::S3::Bucket`."""
    return [
        resource["Properties"]
        for stack in synthesise(size)
        for resource in template(size, stack)["Resources"].values()
        if resource["Type"] == kind
    ]


def one(size: str, kind: str) -> Resource:
    found = resources(size, kind)
    assert len(found) == 1, f"{len(found)} of {kind}"
    return found[0]


def statements(size: str) -> list[tuple[str, Resource]]:
    """Return every statement of every policy: of roles, keys, buckets, topics."""
    found = []
    for stack in synthesise(size):
        for name, resource in template(size, stack)["Resources"].items():
            documents = [
                resource.get("Properties", {}).get(key)
                for key in ("PolicyDocument", "KeyPolicy", "AssumeRolePolicyDocument")
            ]
            found += [
                (f"{resource['Type']} {name}", statement)
                for document in documents
                if document
                for statement in document["Statement"]
            ]
    return found


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]

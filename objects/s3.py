"""Objects in a bucket of any S3 API.

Conditional writes (`If-Match`, `If-None-Match`) are S3's since 2024. An endpoint that does not have
them is asked for the version right before, which leaves two writers a moment to miss each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from objects.store import ConflictError, Stored, StoreFailedError

NOT_FOUND = {"NoSuchKey", "404"}
CHANGED = {"PreconditionFailed", "ConditionalRequestConflict", "412"}
COLD = "GLACIER_IR"  # a third of the price of standard storage, and still read at once
TIMEOUT_S = 20


class S3Store:
    def __init__(self, bucket: str, prefix: str, endpoint: str | None) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._s3: Any = boto3.client(
            "s3",
            endpoint_url=endpoint,
            config=Config(
                connect_timeout=TIMEOUT_S,
                read_timeout=TIMEOUT_S,
                retries={"mode": "standard", "max_attempts": 3},
            ),
        )

    def get(self, key: str) -> Stored | None:
        with _failures_named(key):
            try:
                found = self._s3.get_object(**self._at(key))
                return Stored(found["Body"].read(), found["ETag"])
            except ClientError as error:
                if _code(error) in NOT_FOUND:
                    return None
                raise

    def put(self, key: str, data: bytes) -> None:
        with _failures_named(key):
            self._s3.put_object(Body=data, **self._at(key))

    def put_if(self, key: str, data: bytes, version: str | None) -> str:
        condition = {"IfNoneMatch": "*"} if version is None else {"IfMatch": version}
        with _failures_named(key):
            try:
                return str(self._s3.put_object(Body=data, **self._at(key), **condition)["ETag"])
            except ClientError as error:
                if _code(error) in CHANGED | NOT_FOUND:
                    raise ConflictError(f"{key} was changed by another") from None
                if _code(error) != "NotImplemented":
                    raise
            present = self.get(key)
            if (present.version if present else None) != version:
                raise ConflictError(f"{key} was changed by another")
            return str(self._s3.put_object(Body=data, **self._at(key))["ETag"])

    def keys(self, prefix: str) -> Iterator[str]:
        pages = self._s3.get_paginator("list_objects_v2")
        with _failures_named(prefix):
            for page in pages.paginate(Bucket=self._bucket, Prefix=self._prefix + prefix):
                for entry in page.get("Contents", ()):
                    yield str(entry["Key"]).removeprefix(self._prefix)

    def delete(self, key: str) -> None:
        with _failures_named(key):
            self._s3.delete_object(**self._at(key))

    def retain(self, prefixes: Sequence[str], days: int, cold_days: int | None) -> None:
        """Have S3 delete what begins so after `days`, and move it to colder storage before.

        These rules replace those for the same prefixes; the bucket's others stay.
        """
        ours = [_rule(self._prefix + prefix, days, cold_days) for prefix in prefixes]
        names = {rule["ID"] for rule in ours}
        with _failures_named("lifecycle"):
            try:
                found = self._s3.get_bucket_lifecycle_configuration(Bucket=self._bucket)
                others = [rule for rule in found["Rules"] if rule.get("ID") not in names]
            except ClientError as error:
                if _code(error) != "NoSuchLifecycleConfiguration":
                    raise
                others = []
            self._s3.put_bucket_lifecycle_configuration(
                Bucket=self._bucket, LifecycleConfiguration={"Rules": [*others, *ours]}
            )

    def _at(self, key: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": self._prefix + key}


def _rule(prefix: str, days: int, cold_days: int | None) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "ID": f"agio {prefix}",
        "Status": "Enabled",
        "Filter": {"Prefix": prefix},
        "Expiration": {"Days": days},
    }
    if cold_days is not None:
        rule["Transitions"] = [{"Days": cold_days, "StorageClass": COLD}]
    return rule


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


@contextmanager
def _failures_named(key: str) -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise StoreFailedError(f"{key}: {error}") from error

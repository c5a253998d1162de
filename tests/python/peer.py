"""An independent reader and writer of credential stores, for the interoperability tests.

    python peer.py COMMAND ARGUMENT...

Each command prints one JSON value per line on standard output. A failure prints `{"error": "…"}` there
and exits 1. The S3 commands sign with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from urllib.parse import quote

from google.oauth2.credentials import Credentials

Json = Any


def described(credentials: Credentials) -> Json:
    """What google-auth understood; its own times are naive and mean UTC."""
    expiry = credentials.expiry
    return {
        "token": credentials.token,
        "refresh_token": credentials.refresh_token,
        "scopes": credentials.scopes,
        "expiry": expiry and expiry.replace(tzinfo=timezone.utc).isoformat(),
        "expired": credentials.expired,
    }


def constructed(document: Json) -> Credentials:
    """Credentials from the keys that are arguments of the constructor, as most services make them."""
    expiry = document.get("expiry")
    return Credentials(
        token=document.get("token"),
        refresh_token=document.get("refresh_token"),
        token_uri=document.get("token_uri"),
        client_id=document.get("client_id"),
        client_secret=document.get("client_secret"),
        scopes=document.get("scopes"),
        expiry=expiry and datetime.fromisoformat(expiry),
    )


def read_google_auth(file: Path) -> Iterator[Json]:
    """Reads FILE in the two ways google-auth offers: one line each."""
    yield described(Credentials.from_authorized_user_file(str(file)))
    yield described(constructed(json.loads(file.read_bytes())))


def read_upstream(directory: Path, user: str) -> Iterator[Json]:
    """Reads USER's credential by workspace-mcp's store; null if that finds none."""
    credentials = upstream(directory).get_credential(user)
    yield credentials and described(credentials)


def write_upstream(directory: Path, user: str) -> Iterator[Json]:
    """Stores the credential on standard input by workspace-mcp's store; true if that says so."""
    yield upstream(directory).store_credential(user, constructed(json.load(sys.stdin)))


def list_upstream(directory: Path) -> Iterator[Json]:
    """Lists the users workspace-mcp's store finds."""
    yield upstream(directory).list_users()


def upstream(directory: Path) -> Any:
    from auth.credential_store import LocalDirectoryCredentialStore

    return LocalDirectoryCredentialStore(str(directory))


def s3_head(endpoint: str, bucket: str, key: str) -> Iterator[Json]:
    """Describes the object KEY without reading it."""
    head = s3(endpoint).head_object(Bucket=bucket, Key=key)
    yield {
        "content_type": head["ContentType"],
        "encryption": head.get("ServerSideEncryption"),
        "length": head["ContentLength"],
        "metadata": head["Metadata"],
    }


def s3_get(endpoint: str, bucket: str, key: str) -> Iterator[Json]:
    """Reads the JSON document KEY."""
    yield json.load(s3(endpoint).get_object(Bucket=bucket, Key=key)["Body"])


def s3_put(endpoint: str, bucket: str, key: str, file: Path) -> Iterator[Json]:
    """Uploads FILE as KEY; prints the entity tag."""
    yield s3(endpoint).put_object(Bucket=bucket, Key=key, Body=file.read_bytes())["ETag"]


def s3_list(endpoint: str, bucket: str, prefix: str) -> Iterator[Json]:
    """Lists the keys below PREFIX, of all levels."""
    pages = s3(endpoint).get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    yield [entry["Key"] for page in pages for entry in page.get("Contents", [])]


def s3(endpoint: str) -> Any:
    import boto3
    from botocore.config import Config

    path_style = Config(s3={"addressing_style": "path"})
    return boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", config=path_style)


def quote_lines() -> Iterator[Json]:
    """Encodes each JSON string on standard input as workspace-mcp encodes a user's name."""
    for line in sys.stdin:
        yield quote(json.loads(line), safe="@._-")


COMMANDS: dict[str, tuple[Callable[..., Iterator[Json]], dict[str, type]]] = {
    "read-google-auth": (read_google_auth, {"file": Path}),
    "read-upstream": (read_upstream, {"directory": Path, "user": str}),
    "write-upstream": (write_upstream, {"directory": Path, "user": str}),
    "list-upstream": (list_upstream, {"directory": Path}),
    "s3-head": (s3_head, {"endpoint": str, "bucket": str, "key": str}),
    "s3-get": (s3_get, {"endpoint": str, "bucket": str, "key": str}),
    "s3-put": (s3_put, {"endpoint": str, "bucket": str, "key": str, "file": Path}),
    "s3-list": (s3_list, {"endpoint": str, "bucket": str, "prefix": str}),
    "quote": (quote_lines, {}),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, (function, arguments) in COMMANDS.items():
        command = commands.add_parser(name, help=function.__doc__)
        for argument, kind in arguments.items():
            command.add_argument(argument, type=kind)
    given = vars(parser.parse_args())
    function, _ = COMMANDS[given.pop("command")]
    try:
        for value in function(**given):
            print(json.dumps(value), flush=True)
    except Exception as error:
        print(json.dumps({"error": f"{type(error).__name__}: {error}"}))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

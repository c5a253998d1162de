"""An independent reader and writer of credential stores, for the interoperability tests.

    python peer.py COMMAND ARGUMENT...

Each command prints one JSON value per line on standard output. A failure prints `{"error": "…"}` there
and exits 1. The S3 commands find their server by AWS_ENDPOINT_URL_S3, AWS_ACCESS_KEY_ID and
AWS_SECRET_ACCESS_KEY.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from functools import lru_cache
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


def read_google_auth(files: list[Path]) -> Iterator[Json]:
    """Reads each FILE in the two ways google-auth offers: two lines each."""
    for file in files:
        yield described(Credentials.from_authorized_user_file(str(file)))
        yield described(constructed(json.loads(file.read_bytes())))


def read_upstream(directory: Path, users: list[str]) -> Iterator[Json]:
    """Reads the credential of each of USERS by workspace-mcp's store; null where that finds none."""
    for user in users:
        credentials = upstream(directory).get_credential(user)
        yield credentials and described(credentials)


def write_upstream(directory: Path, file: Path, users: list[str]) -> Iterator[Json]:
    """Stores the credential in FILE for each of USERS by workspace-mcp's store; true where that says so."""
    credentials = constructed(json.loads(file.read_bytes()))
    for user in users:
        yield upstream(directory).store_credential(user, credentials)


def list_upstream(directory: Path) -> Iterator[Json]:
    """Lists the users workspace-mcp's store finds."""
    yield upstream(directory).list_users()


def upstream(directory: Path) -> Any:
    from auth.credential_store import LocalDirectoryCredentialStore

    return LocalDirectoryCredentialStore(str(directory))


def s3_head(bucket: str, keys: list[str]) -> Iterator[Json]:
    """Describes the objects KEYS without reading them."""
    for key in keys:
        head = s3().head_object(Bucket=bucket, Key=key)
        yield {
            "content_type": head["ContentType"],
            "encryption": head.get("ServerSideEncryption"),
            "length": head["ContentLength"],
        }


def s3_upload(bucket: str, prefix: str, files: list[Path]) -> Iterator[Json]:
    """Uploads FILES below PREFIX under their own names; prints the keys."""
    for file in files:
        key = prefix + file.name
        s3().put_object(Bucket=bucket, Key=key, Body=file.read_bytes())
        yield key


def s3_download(bucket: str, prefix: str, directory: Path) -> Iterator[Json]:
    """Downloads the objects below PREFIX, of all levels, into DIRECTORY; prints what follows PREFIX in their keys."""
    pages = s3().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    for key in [entry["Key"] for page in pages for entry in page.get("Contents", [])]:
        name = key.removeprefix(prefix)
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        s3().download_file(bucket, key, str(directory / name))
        yield name


@lru_cache
def s3() -> Any:
    import boto3
    from botocore.config import Config

    return boto3.client("s3", region_name="us-east-1", config=Config(s3={"addressing_style": "path"}))


def quote_lines() -> Iterator[Json]:
    """Encodes each JSON string on standard input as workspace-mcp encodes a user's name."""
    for line in sys.stdin:
        yield quote(json.loads(line), safe="@._-")


# An argument whose type is in a list takes all that are left.
COMMANDS: dict[str, tuple[Callable[..., Iterator[Json]], dict[str, type | list[type]]]] = {
    "read-google-auth": (read_google_auth, {"files": [Path]}),
    "read-upstream": (read_upstream, {"directory": Path, "users": [str]}),
    "write-upstream": (write_upstream, {"directory": Path, "file": Path, "users": [str]}),
    "list-upstream": (list_upstream, {"directory": Path}),
    "s3-head": (s3_head, {"bucket": str, "keys": [str]}),
    "s3-upload": (s3_upload, {"bucket": str, "prefix": str, "files": [Path]}),
    "s3-download": (s3_download, {"bucket": str, "prefix": str, "directory": Path}),
    "quote": (quote_lines, {}),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, (function, arguments) in COMMANDS.items():
        command = commands.add_parser(name, help=function.__doc__)
        for argument, kind in arguments.items():
            if isinstance(kind, list):
                command.add_argument(argument, type=kind[0], nargs="+")
            else:
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

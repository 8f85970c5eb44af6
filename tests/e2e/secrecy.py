"""Looking for a secret in every place where an installation keeps anything."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import hvac
import psycopg
from minio import Minio

from deployments.addresses import PostgresAddress
from deployments.embedded.postgres import PostgresPart
from deployments.embedded.state import StateDirectory
from tests.e2e.installation import Installation


def kept_credentials(installation: Installation) -> list[str]:
    """Names of ad-hoc credentials of which OpenBao still knows any version."""
    vault = installation.addresses.credentials
    client = hvac.Client(url=vault.url, token=vault.login.token_file.read_text(encoding="utf-8"))
    try:
        names = client.secrets.kv.v2.list_secrets("clusters", mount_point=vault.mount)["data"]["keys"]
    except hvac.exceptions.InvalidPath:
        return []
    return [name for name in names if name.startswith("adhoc-")]


def leaks(installation: Installation, *texts: str) -> list[str]:
    """Places that hold any of these texts: rows of either database, objects, files of the state directory."""
    state = StateDirectory(installation.settings.state_dir)
    part = PostgresPart(state)
    found = [row for name in ("fleetscope", "prefect") for row in rows_with(part.database(name), texts)]
    found += objects_with(installation, texts)
    return found + [str(file) for file in holders(state.root, *texts)]


def rows_with(database: PostgresAddress, texts: Collection[str]) -> list[str]:
    found = []
    wanted = [form for text in texts for form in (text, text.encode().hex())]
    with psycopg.connect(database.dsn, password=database.password) as connection:
        tables = connection.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        names = [str(name) for (name,) in tables]
        assert len(names) > 5
        for name in names:
            query = psycopg.sql.SQL(
                "SELECT count(*) FROM {table} AS each "
                "WHERE EXISTS (SELECT FROM unnest(%s::text[]) AS wanted WHERE position(wanted in each::text) > 0)"
            )
            composed = query.format(table=psycopg.sql.Identifier(name))
            if connection.execute(composed, [wanted]).fetchone() != (0,):
                found.append(f"{database.dsn} {name}")
    return found


def objects_with(installation: Installation, texts: Collection[str]) -> list[str]:
    s3 = installation.addresses.s3
    client = Minio(s3.endpoint.removeprefix("http://"), s3.access_key, s3.secret_key, secure=False)
    found = []
    for each in client.list_objects(s3.bucket, recursive=True):
        with client.get_object(s3.bucket, str(each.object_name)) as response:
            if _has_any(response.read(), texts):
                found.append(str(each.object_name))
    return found


def holders(directory: Path, *texts: str) -> list[Path]:
    """Files that hold any of these texts."""
    return [file for file in directory.rglob("*") if file.is_file() and _has_any(file.read_bytes(), texts)]


def _has_any(content: bytes, texts: Collection[str]) -> bool:
    return any(text.encode() in content for text in texts)

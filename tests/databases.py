"""Where the tests keep their rows: SQLite or, with TEST_DATABASE=postgres, a real PostgreSQL of their own."""

import hashlib
import logging
import os
import sqlite3
import tempfile
import warnings
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import psycopg
from django.db.backends.base.base import BaseDatabaseWrapper

ON_POSTGRES = os.environ.get("TEST_DATABASE", "sqlite") == "postgres"
PROGRAMS = "pginstall/bin"
"""Where the package `pgserver` has PostgreSQL's own programs."""


class EmbeddedPostgres:
    """One PostgreSQL server, on a Unix socket, that forgets everything when it stops."""

    def __init__(self) -> None:
        with warnings.catch_warnings(action="ignore"):  # it looks for a folder that it does not need
            import pgserver
        logging.getLogger("pgserver").setLevel(logging.WARNING)
        self.programs = Path(pgserver.__file__).parent / PROGRAMS
        self._folder = Path(tempfile.mkdtemp(prefix="hamster-postgres-"))
        self._server = pgserver.get_server(self._folder, cleanup_mode="delete")
        self.socket = str(self._server.get_postmaster_info().socket_dir)
        with self._connect() as connection:
            # Nothing here has to outlive the machine.
            for setting in ("fsync", "full_page_writes", "synchronous_commit"):
                connection.execute(f"ALTER SYSTEM SET {setting} = off")
            connection.execute("SELECT pg_reload_conf()")

    def url(self, name: str) -> str:
        """The address of the database of this name."""
        return f"postgres://postgres@/{name}?host={quote(self.socket, safe='')}"

    def new_database(self, name: str) -> str:
        """Make an empty database unless there is one of this name already; its address."""
        with self._connect() as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                connection.execute(f'CREATE DATABASE "{name}"')
        return self.url(name)

    def stop(self) -> None:
        """Stop the server and delete what it wrote."""
        self._server.cleanup()

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(host=self.socket, user="postgres", dbname="postgres", autocommit=True)


POSTGRES = EmbeddedPostgres() if ON_POSTGRES else None


def database_url(folder: Path) -> str:
    """The address of the database of a site whose state is in `folder`; the same folder has the same one."""
    if POSTGRES is None:
        return f"sqlite:///{folder / 'site.sqlite3'}"
    return POSTGRES.new_database("site_" + hashlib.sha256(os.fsencode(folder)).hexdigest()[:16])


def execute(url: str, statement: str, *values: object) -> list[tuple]:
    """Run one statement, with ? for values, in a site's database, from outside; the rows that it gives."""
    if POSTGRES is None:
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), timeout=20)) as connection:
            rows = connection.execute(statement, values).fetchall()
            connection.commit()
            return rows
    with psycopg.connect(url) as connection:
        cursor = connection.execute(statement.replace("?", "%s") if values else statement, values or None)
        return cursor.fetchall() if cursor.description else []


def url_of(connection: BaseDatabaseWrapper) -> str:
    """The address of the database of the tests themselves, for other processes."""
    name = connection.settings_dict["NAME"]
    return f"sqlite:///{name}" if POSTGRES is None else POSTGRES.url(name)

"""A copy of the whole database as one file, and a database as such a file has it.

SQLite copies itself, beside whoever writes just now; PostgreSQL's own programs do the same for it.
"""

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from django.db import connection

FILES = {"sqlite": "db.sqlite3", "postgresql": "database.pgdump"}
"""What the copy is called, for each kind of database that can be copied."""
PASSWORD = "password"  # noqa: S105 - the parameter's name


class CopyError(Exception):
    """The database can't be copied, or the copy can't be used; the message says why."""


def dump_database(target: Path) -> None:
    """Write all that is committed by now into a new file. Raises CopyError."""
    if connection.vendor == "sqlite":
        connection.ensure_connection()
        with closing(sqlite3.connect(target)) as copy:
            connection.connection.backup(copy)
    else:
        _run("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={target}", _address())


def load_database(source: Path) -> None:
    """Replace everything in the database, at once or not at all, by what such a file has; nobody else may use
    the database meanwhile. The file may be gone then. Raises CopyError."""
    if connection.vendor == "sqlite":
        _check_sqlite(source)
        path = Path(connection.settings_dict["NAME"])
        connection.close()
        path.parent.mkdir(parents=True, exist_ok=True)
        # On the database's own disk first: what can fail is over before anything of the old one goes.
        beside = path.with_name(path.name + ".restoring")
        try:
            shutil.move(source, beside)
            for leftover in ("-wal", "-shm"):  # they would be taken for the new one's
                path.with_name(path.name + leftover).unlink(missing_ok=True)
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
        return
    script, drops = source.with_suffix(".sql"), source.with_suffix(".drops")
    _run("pg_restore", "--no-owner", "--no-privileges", f"--file={script}", str(source))
    # Also what a later version of the site has added, which the copy knows nothing of.
    quote = connection.ops.quote_name
    tables = [f"DROP TABLE {quote(name)} CASCADE;\n" for name in connection.introspection.table_names()]
    drops.write_text("".join(tables))
    connection.close()
    at_once = ("--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1")
    _run("psql", *at_once, f"--file={drops}", f"--file={script}", _address())


def _check_sqlite(path: Path) -> None:
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as copy:
            (said,) = copy.execute("PRAGMA quick_check").fetchone()
    except sqlite3.DatabaseError as error:
        said = str(error)
    if said != "ok":
        raise CopyError(f"The database in the backup is damaged: {said}")


def _address() -> str:
    """The database as PostgreSQL's programs want it named, without the password, which others would see."""
    parameters = connection.get_connection_params()
    known = {"host", "port", "user", "dbname", "service", "passfile", "sslmode", "sslrootcert", "sslcert"}
    known |= {"sslkey", "connect_timeout"}
    quoted = {
        name: str(value).replace("\\", "\\\\").replace("'", "\\'") for name, value in parameters.items()
    }
    return " ".join(f"{name}='{value}'" for name, value in quoted.items() if name in known)


def _run(program: str, *arguments: str) -> None:
    if shutil.which(program) is None:
        raise CopyError(
            f"{program} is missing. Install PostgreSQL's client programs, of the server's version "
            "(Debian: postgresql-client)."
        )
    password = connection.get_connection_params().get(PASSWORD)
    environment = os.environ | ({"PGPASSWORD": str(password)} if password else {})
    done = subprocess.run(
        [program, *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CopyError(f"{program} failed: {done.stderr.strip()}")

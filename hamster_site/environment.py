"""Environment variables, or the files that they name."""

import environ
from environ.fileaware_mapping import FileAwareMapping


class _WithoutLineEnds(FileAwareMapping):
    """What is read from a file ends where its last line does: editors and `echo` add a line end."""

    def __getitem__(self, key: str) -> str:
        value = super().__getitem__(key)
        return value.rstrip("\r\n") if self.env.get(f"{key}_FILE") else value


class FileAwareEnv(environ.FileAwareEnv):
    """`NAME_FILE=/run/secrets/name` gives the setting NAME what that file holds, and wins over NAME."""

    ENVIRON = _WithoutLineEnds()

"""Environment variables, or the files that they name."""

import re
from collections.abc import Collection
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured
from environ.fileaware_mapping import FileAwareMapping

RATE = re.compile(r"\d+/([1-9]\d*)?[smhd](/ip)?")


class _WithoutLineEnds(FileAwareMapping):
    """What is read from a file ends where its last line does: editors and `echo` add a line end."""

    def __getitem__(self, key: str) -> str:
        value = super().__getitem__(key)
        return value.rstrip("\r\n") if self.env.get(f"{key}_FILE") else value


class FileAwareEnv(environ.FileAwareEnv):
    """`NAME_FILE=/run/secrets/name` gives the setting NAME what that file holds, and wins over NAME."""

    ENVIRON = _WithoutLineEnds()

    def get_value(self, var: str, *arguments: Any, **options: Any) -> Any:
        """The setting, converted. Raises ImproperlyConfigured, which names it, without what a file holds."""
        file = self._file_of(var)
        try:
            text = self.ENVIRON.get(var, "")
            if file and not text.strip():
                raise ImproperlyConfigured(f"{var}_FILE={file}: it is empty.")
            if text.startswith("$"):  # a password may: it names no other variable
                return self.parse_value(text, options.get("cast"))
            return super().get_value(var, *arguments, **options)
        except (OSError, ValueError) as error:
            if file:
                why = error.strerror if isinstance(error, OSError) else "what it holds makes no sense"
                raise ImproperlyConfigured(f"{var}_FILE={file}: {why}.") from None
            raise ImproperlyConfigured(f"{var}={self.ENVIRON[var]} makes no sense: {error}.") from error

    def count(self, var: str, default: int) -> int:
        """The setting, a whole number that is not negative. Raises ImproperlyConfigured, which names it."""
        return self.get_value(var, cast=_count, default=default)

    def port(self, var: str, default: int) -> int:
        """The setting, a port to listen on. Raises ImproperlyConfigured, which names it."""
        return self.get_value(var, cast=_port, default=default)

    def names(self, var: str, default: list[str]) -> list[str]:
        """The setting, a list with commas, blanks or line ends between what it holds."""
        return self.get_value(var, cast=_names, default=default)

    def rate(self, var: str, default: str) -> str:
        """The setting, how often one address may do something: 10/h/ip, several with commas, or empty for no
        limit. Raises ImproperlyConfigured, which names it."""
        return self.get_value(var, cast=_rate, default=default)

    def one_of(self, var: str, choices: Collection[str], default: str) -> str:
        """The setting, if it is one of these. Raises ImproperlyConfigured, which names it."""
        value = self.str(var, default=default)
        if value not in choices:
            file = self._file_of(var)
            given = f"{var}_FILE={file}: what it holds" if file else f"{var}={value}"
            raise ImproperlyConfigured(f"{given} is none of {', '.join(choices)}.")
        return value

    def _file_of(self, var: str) -> str | None:
        return self.ENVIRON.env.get(f"{var}_FILE")


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError("it is less than 0")
    return number


def _port(text: str) -> int:
    number = int(text)
    if not 0 < number < 65536:
        raise ValueError("a port is between 1 and 65535")
    return number


def _names(text: str) -> list[str]:
    return text.replace(",", " ").split()


def _rate(text: str) -> str:
    if text and not all(RATE.fullmatch(part.strip()) for part in text.split(",")):
        raise ValueError("it is no rate like 10/h/ip")
    return text

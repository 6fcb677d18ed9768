"""Reading the configuration: one TOML file and the environment become ``model.settings.Settings``.

Later sources win: the file, then ``YIZHAN_<SECTION>__<KEY>`` (``YIZHAN_CHANNELS`` and ``YIZHAN_PRICES`` as JSON), then
``--listen``. Every source is judged on its own, so that each mistake names the place where it has to be corrected.
"""

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource

from yizhan.flow.about import Origin, Origins
from yizhan.front.listener import tls_context
from yizhan.model.settings import Settings
from yizhan.model.wording import SECTIONS, WHOLE, Where, Wording, show_path

PREFIX = "YIZHAN_"
DELIMITER = "__"

_WORDING = Wording(Settings)


class ConfigError(Exception):
    """The configuration is wrong; the text has one line per mistake: where, which key, what is allowed."""

    def __init__(self, mistakes: list[str]) -> None:
        """``mistakes`` are complete lines."""
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


@dataclass(frozen=True, slots=True)
class _Source:
    """Raw values of one place. ``names`` says which variable set a key; for any other key the place is ``label``."""

    label: str
    values: dict[str, Any]
    kind: str  # file, environment or command
    typed: bool = False  # whether the format has types of its own, so that "30" is not a number
    names: Mapping[Where, str] = field(default_factory=dict)

    def place(self, where: Where) -> str:
        """What a person has to open or unset to correct the key at ``where``."""
        return self.names.get(where[:2]) or self.names.get(where[:1]) or self.label

    def mistakes(self) -> Iterator[str]:
        """One line for every wrong key."""
        try:
            if self.typed:
                Settings.model_validate_json(json.dumps(self.values, default=repr), strict=True)
            else:
                Settings.model_validate(self.values)
        except ValidationError as error:
            for where, words in _WORDING.describe(error).items():
                yield f"{self.place(where)}: {show_path(where)}: {words}"


class _Reading(Settings, BaseSettings):  # type: ignore[misc]  # two kinds of model_config, compatible when run
    """The shape of the settings as pydantic-settings wants to see it; never built."""


class _Environment(EnvSettingsSource):
    """The ``YIZHAN_...`` variables of a given mapping, nested as the settings are."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = {name.lower(): value for name, value in environ.items()}
        super().__init__(_Reading, env_prefix=PREFIX, env_nested_delimiter=DELIMITER)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return self._environ

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        """JSON; else a list with commas; else the text as it is, which the settings then refuse."""
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value if field_name in WHOLE else [item.strip() for item in value.split(",")]


@dataclass(frozen=True, slots=True)
class Configuration:
    """The settings, and where each that is no default was set."""

    settings: Settings
    origins: Origins


def read_settings(file: Path | None, environ: Mapping[str, str], listen: str | None = None) -> Settings:
    """The settings alone, as ``read_configuration`` reads them."""
    return read_configuration(file, environ, listen).settings


def read_configuration(file: Path | None, environ: Mapping[str, str], listen: str | None = None) -> Configuration:
    """The settings from ``file`` (None: defaults), overridden by ``environ``, overridden by ``listen``.

    An empty variable counts as not set; a ``YIZHAN_`` variable of no section is somebody else's. Raises ConfigError
    with every mistake found.
    """
    sources: list[_Source] = []
    mistakes: list[str] = []
    readers = [partial(_from_file, file)] if file else []
    for read in (*readers, partial(_from_environment, environ)):
        try:
            sources.append(read())
        except ConfigError as error:
            mistakes += error.mistakes
    if listen is not None:
        sources.append(_Source("--listen", {"server": {"listen": listen}}, "command"))
    mistakes += [line for source in sources for line in source.mistakes()]
    if mistakes:
        raise ConfigError(mistakes)
    settings = _merge(sources)
    if mistakes := list(_tls_mistakes(settings, sources)):
        raise ConfigError(mistakes)
    return Configuration(settings, _origins(sources))


def _from_file(file: Path) -> _Source:
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError([f"{file}: must be a readable TOML file: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([f"{file}: must be UTF-8, byte {error.start} is not"]) from error
    except (ValueError, RecursionError) as error:  # TOMLDecodeError, and what an absurd number or nesting raises
        raise ConfigError([f"{file}: must be valid TOML: {error}"]) from error
    return _Source(str(file), values, "file", typed=True)


def _from_environment(environ: Mapping[str, str]) -> _Source:
    """Only names with a known section count: YIZHAN_DATA and the like belong to others."""
    kept: dict[str, str] = {}
    names: dict[Where, str] = {}
    strays: list[str] = []
    for name, value in environ.items():
        if not name.upper().startswith(PREFIX) or value == "":
            continue
        section, *keys = name[len(PREFIX) :].lower().split(DELIMITER)
        if section in WHOLE and keys:
            strays.append(f"{name}: {section}: must be set as a whole, in JSON, in {PREFIX}{section.upper()}")
        elif section in WHOLE or (section in SECTIONS and keys):
            kept[name] = value
            names[(section, *keys[:1])] = name
    source = _Source("environment", _Environment(kept)(), "environment", names=names)
    if strays:
        raise ConfigError([*strays, *source.mistakes()])
    return source


def _merge(sources: list[_Source]) -> Settings:
    """Sections key by key, channels and prices as a whole; the later source wins."""
    merged: dict[str, Any] = {}
    for source in sources:
        for name, value in source.values.items():
            merged[name] = {**merged.get(name, {}), **value} if name in SECTIONS else value
    return Settings.model_validate(merged)


def _origins(sources: list[_Source]) -> Origins:
    """By the same rule: the later source wins."""
    found: dict[tuple[str, ...], Origin] = {}
    for source in sources:
        for name, value in source.values.items():
            paths = [(name, key) for key in value] if name in SECTIONS else [(name,)]
            found |= {path: Origin(source.kind, source.place(path)) for path in paths}
    return found


def _tls_mistakes(settings: Settings, sources: list[_Source]) -> Iterator[str]:
    """Both files or none, readable, and belonging together: found now rather than at the first handshake."""

    def place(key: str) -> str:
        setters = [source for source in sources if key in source.values.get("server", {})]
        return f"{setters[-1].place(('server', key))}: server.{key}"

    pair = {"tls_cert": settings.server.tls_cert, "tls_key": settings.server.tls_key}
    given = {key: path for key, path in pair.items() if path is not None}
    if len(given) == 1:
        (key,) = given
        (other,) = pair.keys() - given
        yield f"{place(key)}: is set without server.{other}; set both or neither"
    readable = True
    for key, path in given.items():
        try:
            path.read_bytes()
        except (OSError, ValueError) as error:  # ValueError: a NUL in the path
            readable = False
            yield f"{place(key)}: must be a readable PEM file, {path} is not: {getattr(error, 'strerror', error)}"
    if len(given) == 2 and readable:
        try:
            tls_context(given["tls_cert"], given["tls_key"])
        except (OSError, ValueError) as error:
            yield f"{place('tls_cert')}: must be a PEM certificate, with its unencrypted PEM key in tls_key: {error}"

"""The command run in process on one data directory."""

import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from yizhan.cli.app import app


class Shell:
    """Runs ``yizhan`` commands on one data directory."""

    def __init__(self, data: Path) -> None:
        self.data = data

    def run(self, *words: str, stdin: str | bytes | None = None, code: int = 0) -> Result:
        """Run a command and expect its exit status."""
        result = CliRunner().invoke(app, list(words), input=stdin, env={"YIZHAN_DATA": str(self.data)})
        assert result.exit_code == code, (words, result.exit_code, result.stdout, result.stderr, result.exception)
        if code == 0:
            assert result.stderr == ""
        return result

    def json(self, *words: str, stdin: str | bytes | None = None, code: int = 0) -> Any:
        """Run a command with ``--json``; its standard output is one JSON document."""
        return json.loads(self.run(*words, "--json", stdin=stdin, code=code).stdout)

    def error(self, *words: str, code: int = 1) -> str:
        """Run a command that must fail and say why, on standard error only."""
        result = self.run(*words, code=code)
        assert result.stdout == ""
        assert result.stderr.strip()
        return result.stderr

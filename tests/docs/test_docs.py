"""What the documents say exists: functions, links, commands, codes, keys. Both READMEs say the same."""

import ast
import re
import shlex
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from yizhan.cli.app import app
from yizhan.model.operation import (
    FAMILY,
    Action,
    Operation,
    Pace,
    PasswordForm,
    ResultType,
    Success,
    find_operation,
)
from yizhan.model.reject import Reject
from yizhan.model.settings import Settings
from yizhan.node.config import read_settings
from yizhan.sim.fate import ENDINGS
from yizhan.wire.codes import code_of

from .pages import ADRS, FLOW, PAGES, README, README_ZH, ROOT, Page

SOURCE = ROOT / "src" / "yizhan"
BOTH = pytest.mark.parametrize("page", [README, README_ZH], ids=str)
EVERY = pytest.mark.parametrize("page", PAGES, ids=str)
ROOT_COMMAND = typer.main.get_command(app)


def subcommands(command: Any) -> dict[str, Any]:
    """The commands of a group by name; none for a command."""
    return getattr(command, "commands", {})


@cache
def names_in(path: Path) -> frozenset[str]:
    """Functions, classes, methods and constants that a module defines."""

    def defined(body: list[ast.stmt], prefix: str = "") -> set[str]:
        names: set[str] = set()
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                names.add(prefix + node.name)
                if isinstance(node, ast.ClassDef):
                    names |= defined(node.body, f"{prefix}{node.name}.")
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                names |= {prefix + target.id for target in targets if isinstance(target, ast.Name)}
        return names

    return frozenset(defined(ast.parse(path.read_text(encoding="utf-8")).body))


def places(page: Page) -> list[tuple[str, str]]:
    """Module and name of every `path/file.py:name` in a page."""
    spans = (re.fullmatch(r"([\w/]+\.py)(?::([\w.]+))?", span) for span in page.code_spans)
    return [(match[1], match[2] or "") for match in spans if match]


def file_of(path: str) -> Path:
    """A module of the program, or of what stands beside it."""
    return ROOT / path if path.startswith(("bench/", "tests/")) else SOURCE / path


@EVERY
def test_every_function_named_in_a_page_exists(page: Page) -> None:
    missing = [
        f"{path}:{name}"
        for path, name in places(page)
        if not (file := file_of(path)).is_file() or (name and name not in names_in(file))
    ]
    assert not missing


def test_the_flow_names_functions_of_every_folder_on_the_way() -> None:
    named = places(FLOW)
    assert len(named) > 50
    assert all(name for _, name in named)
    folders = {path.partition("/")[0] for path, _ in named}
    assert folders >= {"front", "wire", "model", "policy", "flow", "store", "sim", "node", "cli", "console"}


def test_a_function_that_does_not_exist_would_be_found() -> None:
    names = names_in(SOURCE / "flow" / "accept.py")
    assert {"Accepting", "Accepting.submit"} <= names
    assert not {"submit", "Accepting.send", "Refusal"} & names


@EVERY
def test_links_lead_somewhere(page: Page) -> None:
    for link in page.links:
        path, _, anchor = link.partition("#")
        target = page.path.parent / path if path else page.path
        assert target.exists(), link
        assert not anchor or anchor in Page(target).anchors, link


def test_both_readmes_have_the_same_shape() -> None:
    assert [level for level, _ in README.headings] == [level for level, _ in README_ZH.headings]
    assert README.blocks == README_ZH.blocks
    assert [len(table) for table in README.tables] == [len(table) for table in README_ZH.tables]


def command_at(words: list[str]) -> tuple[Any, list[str]]:
    """The command that ``words`` (without ``yizhan``) name, and the words that are left."""
    command: Any = ROOT_COMMAND
    while subcommands(command) and words and not words[0].startswith("-"):
        assert words[0] in subcommands(command), words
        command, words = subcommands(command)[words[0]], words[1:]
    return command, words


def command_lines(page: Page) -> list[list[str]]:
    """Every use of ``yizhan`` in a page's shell blocks and code spans, cut into words."""
    shell = [line for block in page.blocks_in("sh") for line in block.splitlines()]
    spans = [span for span in page.code_spans if span.startswith("yizhan ")]
    lines = (re.split(r"(?:^|\| )yizhan ", line, maxsplit=1) for line in [*shell, *spans])
    return [shlex.split(parts[1]) for parts in lines if len(parts) == 2]


@EVERY
def test_commands_and_their_options_exist(page: Page) -> None:
    for words in command_lines(page):
        command, rest = command_at(words)
        options = {
            option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)
        } | {"--help"}
        assert {word for word in rest if word.startswith("--")} <= options, words


@BOTH
def test_the_table_of_commands_is_complete(page: Page) -> None:
    rows = [re.findall(r"`([^`]+)`", row[0]) for row in page.table_with("`yizhan")]
    told = {words[0].removeprefix("yizhan "): set(words[1:]) for words in rows}
    assert told == {name: set(subcommands(command)) for name, command in subcommands(ROOT_COMMAND).items()}


@pytest.mark.parametrize("name", sorted(subcommands(ROOT_COMMAND)))
def test_every_command_has_help(name: str) -> None:
    result = CliRunner().invoke(app, [name, "--help"])
    assert result.exit_code == 0
    assert name in result.stdout


def test_every_command_has_the_switches_that_the_readme_promises() -> None:
    leaves = [
        (name, leaf)
        for name, command in subcommands(ROOT_COMMAND).items()
        for leaf in (subcommands(command).values() or [command])
    ]
    for name, leaf in leaves:
        options = {option for parameter in leaf.params for option in parameter.opts}
        assert ("--json" in options) == (name != "serve"), leaf.name
        # The others work on no gateway of ours: a platform elsewhere, a file, or an SMSC.
        elsewhere = name in ("send", "balance", "replies", "reports", "version", "verify") or leaf.name in (
            "smsc",
            "tell",
        )
        assert ("--data" in options) != elsewhere, leaf.name


# Rows 10 to 19 of the contract's table: what only a call with a message can be refused for.
ABOUT_A_MESSAGE = {
    Reject.NO_VALID_NUMBER,
    Reject.CONTENT_EMPTY,
    Reject.CONTENT_TOO_LONG,
    Reject.SIGNATURE_MISSING,
    Reject.SEND_TIME_MALFORMED,
    Reject.SEND_TIME_PAST,
    Reject.CELL_MALFORMED,
    Reject.TOO_MANY_NUMBERS,
    Reject.KEYWORD,
    Reject.NUMBERS_BLOCKED,
    Reject.BALANCE_TOO_LOW,
}


# What accounts change about themselves is told in a table of its own.
ABOUT_ACCOUNTS = {
    Action.CHANGE_PASSWORD,
    Action.CHANGE_PROFILE,
    Action.REGISTER,
    Action.CLOSE,
    Action.CHARGE_UP,
    Action.MAKE_ACCOUNT,
    Action.GIVE_CREDIT,
}


def operations_in(cell: str) -> list[Operation]:
    """The operations that a cell names, and nothing else."""
    found = [find_operation(name) for name in re.split(r", |、", cell)]
    assert None not in found, cell
    return [operation for operation in found if operation is not None]


def codes_of(operation: Operation) -> set[int]:
    """Every code that a call of it may be answered with."""
    rejects = set(Reject) - {Reject.CARD_WRONG, Reject.ACCOUNT_EXISTS}
    rejects -= set() if operation.submits else ABOUT_A_MESSAGE
    rejects -= {Reject.TOO_SOON} if operation.pace is Pace.NONE else set()
    return {code_of(reject, operation) for reject in rejects}


@BOTH
def test_the_table_of_codes_is_what_the_program_answers(page: Page) -> None:
    head = page.head_of("-1")
    rows = page.table_with("-1")
    assert all(len(row) == len(head) for row in rows)
    told = {
        operation.name: {int(row[0]) for row in rows if row[column]}
        for column in range(2, len(head))
        for operation in operations_in(head[column])
    }
    told_elsewhere = {Action.GREET, Action.NOTHING, *ABOUT_ACCOUNTS}
    judged = [operation for operation in FAMILY if operation.action not in told_elsewhere]
    assert told == {operation.name: codes_of(operation) for operation in judged}


@BOTH
def test_the_table_of_operations_is_the_family(page: Page) -> None:
    rows = page.table_with("IntlSend")
    told = [operation for row in rows for operation in operations_in(row[0])]
    assert len(told) == len(FAMILY)
    assert set(told) == set(FAMILY)
    plain = {"README.md": "plain", "README.zh-CN.md": "明文"}[str(page)]
    by_action = {Action.GREET: ["Hello World"], Action.NOTHING: ["-2"]}
    by_success = {Success.ZERO: ["0"], Success.ONE: ["1"], Success.ID: []}
    for row in rows:
        for operation in operations_in(row[0]):
            asks = operation.action not in by_action
            password = plain if operation.password is PasswordForm.PLAIN else "MD5"
            assert row[1] == (password if asks else ""), operation.name
            answers = by_action.get(operation.action, by_success[operation.success])
            if operation.action in ABOUT_ACCOUNTS:
                answers = ["0"] if operation.result is ResultType.INT else ["OK"]
            elif operation.action is Action.FAILURES:
                answers = ["||number#status#report time#cell", "全部正确提交,无错误返回报告"]
            elif operation.action is Action.REPORTS:
                answers = ["id$$$$$number$$$$$submit time$$$$$flag$$$$$status$$$$$report time|||"]
            elif operation.action is Action.REPLIES:
                answers = ["||number#text#time#cell"]
            assert re.findall(r"`([^`]+)`", row[2]) == answers, operation.name


@BOTH
def test_the_table_of_fates_is_what_the_simulator_does(page: Page) -> None:
    rows = [row for row in page.table_with("0001") if row[0].isdigit()]
    told = {row[0]: (re.findall("[A-Z]{6,}", " ".join(row[1:3])) or [None])[0] for row in rows}
    assert told == {ending: fate.report for ending, fate in ENDINGS.items()}


@BOTH
def test_the_sample_configuration_is_accepted(page: Page, tmp_path: Path) -> None:
    sample = "\n".join(page.blocks_in("toml"))
    file = tmp_path / "yizhan.toml"
    file.write_text(sample, encoding="utf-8")
    assert read_settings(file, {}) == Settings.model_validate(tomllib.loads(sample))


@EVERY
def test_configuration_keys_exist(page: Page) -> None:
    for span in page.code_spans:
        if match := re.fullmatch(r"(server|admin|store|policy|push|log)\.(\w+)", span):
            section = getattr(Settings(), match[1])
            assert hasattr(section, match[2]), span


@BOTH
def test_make_targets_exist(page: Page) -> None:
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    asked = re.findall(r"^make ([\w-]+)$", "\n".join(page.blocks_in("sh")), re.MULTILINE)
    assert set(asked) == {"run", "check", "test", "test-slow", "audit", "bench"}
    assert set(asked) <= set(targets)


def test_decisions_are_numbered_and_built_alike() -> None:
    assert [page.path.name[:4] for page in ADRS] == [f"{number:04d}" for number in range(1, len(ADRS) + 1)]
    for page in ADRS:
        assert page.headings[0][1].startswith(page.path.name[:4])
        assert [words for _, words in page.headings[1:]] == ["Context", "Decision", "Consequences"]


@EVERY
def test_nothing_is_left_to_fill_in(page: Page) -> None:
    assert not re.search(r"TODO|TBD|FIXME|/work/|/tmp/", page.text)

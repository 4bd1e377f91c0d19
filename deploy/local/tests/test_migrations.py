"""A migration runs while the version before it still works: it takes nothing away that that version uses."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from muster_stack.layout import REPOSITORY

_TAKES_AWAY = {"drop_table", "drop_column", "rename_table", "alter_column"}
_BEFORE_THE_RULE = {
    "device-management/migrations/versions/0009_installed_counter.py",
    "ota-service/migrations/versions/0009_groups_and_sites_of_the_copy.py",
    "ota-service/migrations/versions/0017_sessions_know_their_release.py",
}
_MIGRATIONS = sorted(REPOSITORY.glob("*/migrations/versions/[0-9]*.py"))


def refused(source: str) -> list[str]:
    """What `upgrade` does that the version before would not survive, unless `contracts` says that it may."""
    tree = ast.parse(source)
    names = {target.id for node in tree.body if isinstance(node, ast.Assign) for target in _names(node)}
    return [] if "contracts" in names else [call for call in _calls(tree) if call in _TAKES_AWAY]


def _names(node: ast.Assign) -> Iterator[ast.Name]:
    return (target for target in node.targets if isinstance(target, ast.Name))


def _calls(tree: ast.Module) -> Iterator[str]:
    """The operations of `upgrade`; a column that must have a value and has no default is called `alter_column`."""
    for function in tree.body:
        if isinstance(function, ast.FunctionDef) and function.name == "upgrade":
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                    yield "alter_column" if _must_be_given(node) else node.func.attr


def _must_be_given(node: ast.Call) -> bool:
    if not (isinstance(node.func, ast.Attribute) and node.func.attr == "add_column" and len(node.args) > 1):
        return False
    column = ast.unparse(node.args[1])
    return "nullable=False" in column and "server_default" not in column


@pytest.mark.parametrize("path", _MIGRATIONS, ids=lambda path: f"{path.parts[-4]}-{path.stem}")
def test_a_migration_takes_nothing_from_the_version_before(path: Path):
    if str(path.relative_to(REPOSITORY)) not in _BEFORE_THE_RULE:
        assert refused(path.read_text()) == []


@pytest.mark.parametrize(
    "statement",
    [
        'op.drop_column("devices", "name")',
        'op.alter_column("devices", "name", nullable=False)',
        'op.add_column("devices", sa.Column("name", sa.Text(), nullable=False))',
    ],
)
def test_what_takes_something_away_is_said_to_be_the_end_of_something(statement: str):
    source = f"def upgrade():\n    {statement}\n"
    assert len(refused(source)) == 1
    assert refused(f'contracts = "0007"\n{source}') == []


def test_what_only_adds_is_let_through():
    assert refused('def upgrade():\n    op.add_column("devices", sa.Column("name", sa.Text()))\n') == []

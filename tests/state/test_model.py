"""The model owes nothing to what it judges: it imports the standard library and itself."""

import ast
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent
MODEL = {"model", *(path.stem for path in FOLDER.glob("plain_*.py"))}


@pytest.mark.parametrize("name", sorted(MODEL))
def test_the_model_imports_nothing_of_the_project(name):
    tree = ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8"))
    imported = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            imported.add(node.module)
    own = {f"tests.state.{each}" for each in MODEL}
    assert imported, "a model without an import would not know Decimal"
    foreign = {each.partition(".")[0] for each in imported - own} - sys.stdlib_module_names
    assert foreign == set()

"""The checks that guard the house are checks: each refuses a planted violation."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("fleet", "storage", "blocks", "tasks", "flows", "deployments", "interfaces", "simulator")
VIOLATIONS = {
    "fleet/inventory/planted.py": "import fleet.frames.window\n",
    "fleet/detectors/planted.py": "import fleet.collectors.prometheus\n",
    "fleet/frames/planted.py": "import prefect\n",
    "storage/planted.py": "import tasks.policy\n",
    "tasks/planted.py": "import httpx\n",
    "flows/planted.py": "import psycopg\n",
    "simulator/planted.py": "import fleet.errors\n",
    "deployments/planted.py": "import simulator.fleet\n",
}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the code, to plant violations in."""
    copy = tmp_path_factory.mktemp("house")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    return copy


def run(house: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=house, capture_output=True, text=True, check=False)


def lint_imports(house: Path) -> subprocess.CompletedProcess[str]:
    return run(house, str(Path(sys.executable).with_name("lint-imports")), "--no-cache")


def test_import_contracts_hold_and_each_planted_violation_is_named(house: Path) -> None:
    assert lint_imports(house).returncode == 0
    for file, text in VIOLATIONS.items():
        (house / file).write_text(text)
    broken = lint_imports(house)
    for file in VIOLATIONS:
        (house / file).unlink()
    assert broken.returncode != 0
    unnamed = [file for file in VIOLATIONS if file.removesuffix(".py").replace("/", ".") not in broken.stdout]
    assert unnamed == []


def test_the_linter_refuses_a_swallowed_error(house: Path) -> None:
    planted = house / "fleet" / "planted.py"
    planted.write_text('"""Planted."""\n\ntry:\n    open("x")\nexcept Exception:\n    pass\n')
    refused = run(house, sys.executable, "-m", "ruff", "check", "--no-cache", str(planted))
    planted.unlink()
    assert refused.returncode == 1
    assert "BLE001" in refused.stdout


def test_the_type_checker_refuses_an_untyped_function(house: Path) -> None:
    planted = house / "fleet" / "planted.py"
    planted.write_text('"""Planted."""\n\n\ndef double(value):\n    return value * 2\n')
    refused = run(
        house, sys.executable, "-m", "mypy", "--no-incremental", "-m", "fleet.planted", "--follow-imports=skip"
    )
    planted.unlink()
    assert refused.returncode == 1
    assert "no-untyped-def" in refused.stdout

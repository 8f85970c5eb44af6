"""The check for system packages: silent when all is there, one line to copy when it is not."""

from __future__ import annotations

import subprocess
import sys

import pytest

from deployments import system_packages


def test_runs_as_a_plain_script_without_any_package() -> None:
    result = subprocess.run([sys.executable, "-I", "-S", system_packages.__file__], capture_output=True, check=False)
    assert result.returncode == 0
    assert result.stdout + result.stderr == b""


def test_a_user_is_told_the_one_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(system_packages, "LIBRARIES", {"libnot-there.so.7": "libnot-there7"})
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert system_packages.main() == 3
    assert "apt-get install --no-install-recommends libnot-there7\n" in capsys.readouterr().err

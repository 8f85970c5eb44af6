"""Detectors of the extras where their packages are not installed."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from fleet.detectors.contract import Detector
from fleet.detectors.extras.lstm_autoencoder import LstmAutoencoder
from fleet.detectors.extras.optional_package import optional_package
from fleet.detectors.extras.prophet_forecast import ProphetForecast
from fleet.errors import UsageError
from fleet.frames.frame import Frame
from tests.fleet.detectors.series import NOW, keys_of


@pytest.mark.parametrize(
    ("detector", "package", "command"),
    [(ProphetForecast(), "prophet", "make extras-forecast"), (LstmAutoencoder(), "torch", "make extras-deep")],
    ids=lambda each: getattr(each, "name", None),
)
def test_the_error_names_the_package_and_the_command_that_installs_it(
    detector: Detector, package: str, command: str
) -> None:
    if find_spec(package):
        pytest.skip(f"{package} is installed")
    frame = Frame(NOW, 30, keys_of("gauge", 1), np.zeros((1, 20), dtype=np.float32))
    with pytest.raises(UsageError) as raised:
        detector.score(frame, None)
    assert detector.name in raised.value.message
    assert f"package {package}," in raised.value.message
    assert command in raised.value.hint


def test_a_package_that_is_there_but_broken_is_not_called_absent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "half_installed.py").write_text("import of_which_this_part_is_missing\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="of_which_this_part_is_missing"):
        optional_package("half_installed", detector="any", group="deep")

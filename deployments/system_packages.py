"""Checks for the system packages that fleetscope needs, and installs them where it may.

A plain script for any Python 3, since it runs before the virtual environment exists. On Debian and Ubuntu it installs
what is missing when it is root; otherwise it prints the command that does, and exits with 3. Elsewhere it says what is
missing and exits with 3.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import importlib.util
import os
import shutil
import subprocess
import sys

#: What WeasyPrint loads at run time, and the Debian package that has it.
LIBRARIES = {
    "libpango-1.0.so.0": "libpango-1.0-0",
    "libpangoft2-1.0.so.0": "libpangoft2-1.0-0",
    "libharfbuzz.so.0": "libharfbuzz0b",
    "libharfbuzz-subset.so.0": "libharfbuzz-subset0",
    "libfontconfig.so.1": "libfontconfig1",
}
EXIT_MISSING = 3


def missing_packages() -> list[str]:
    """Debian packages of which something cannot be found."""
    missing = [package for library, package in LIBRARIES.items() if not _loads(library)]
    if not _has_font():
        missing += ["fontconfig", "fonts-dejavu-core"]
    if importlib.util.find_spec("ensurepip") is None:
        missing.append("python3-venv")
    return missing


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _has_font() -> bool:
    """Whether fontconfig knows any font: without one a report is a page of boxes."""
    if shutil.which("fc-list") is None:
        return False
    listed = subprocess.run(["fc-list"], capture_output=True, check=False)  # noqa: S607
    return bool(listed.stdout.strip())


def install(packages: list[str]) -> bool:
    """Install Debian packages; returns whether that worked."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    # The second try has fresh package lists; a machine with good lists is spared that.
    for command in (None, ["apt-get", "update", "-qq"]):
        if command is not None:
            subprocess.run(command, env=environment, check=False)  # noqa: S603
        install_command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
        if subprocess.run(install_command, env=environment, check=False).returncode == 0:  # noqa: S603
            return True
    return False


def main() -> int:
    """Check, install or explain."""
    packages = missing_packages()
    if not packages:
        return 0
    listing = " ".join(packages)
    has_apt = shutil.which("apt-get") is not None
    if has_apt and os.geteuid() == 0:
        sys.stderr.write(f"Installing system packages: {listing}\n")
        if install(packages) and not missing_packages():
            return 0
        sys.stderr.write("They could not be installed.\n")
    if has_apt:
        sys.stderr.write(
            f"System packages are missing. As root, run:\n\n  apt-get install --no-install-recommends {listing}\n\n"
        )
    else:
        sys.stderr.write(
            f"System packages are missing; this system's names for these Debian ones are needed: {listing}\n"
        )
    return EXIT_MISSING


if __name__ == "__main__":
    sys.exit(main())

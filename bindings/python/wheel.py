"""Builds a wheel with the shared library inside; the same files give the same bytes.

    python wheel.py LIBRARY TAG DIRECTORY [SBOM…]

LIBRARY is a libb2auth for the platform that TAG names, such as manylinux_2_17_x86_64.manylinux2014_x86_64 or win_amd64.
The SBOMs go where PEP 770 wants them. Needs hatchling and nothing from the network.

Without this script the project builds a wheel for any platform, which takes the library from the system.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.builders.wheel import WheelBuilder

HERE = os.path.dirname(os.path.abspath(__file__))
# How main() speaks to the hook, of which the builder makes an instance of its own.
LIBRARY, TAG, SBOMS = "B2AUTH_WHEEL_LIBRARY", "B2AUTH_WHEEL_TAG", "B2AUTH_WHEEL_SBOMS"


class WithLibrary(BuildHookInterface):  # type: ignore[type-arg]
    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        library, tag = os.environ.get(LIBRARY), os.environ.get(TAG)
        if version != "standard" or not library or not tag:
            return
        # By its contents, not as a link to them.
        build_data["force_include"][os.path.realpath(library)] = "b2auth/" + inside(tag)
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{tag}"
        build_data["sbom_files"] += filter(None, os.environ.get(SBOMS, "").split(os.pathsep))


def inside(tag: str) -> str:
    """The library's name in the package, which b2auth/_library.py looks for."""
    if tag.startswith("win"):
        return "b2auth.dll"
    return "libb2auth.dylib" if tag.startswith("macosx") else "libb2auth.so"


def main(library: str, tag: str, directory: str, *sboms: str) -> None:
    os.environ[LIBRARY] = os.path.abspath(library)
    os.environ[TAG] = tag
    os.environ[SBOMS] = os.pathsep.join(map(os.path.abspath, sboms))
    for wheel in WheelBuilder(HERE).build(directory=os.path.abspath(directory), versions=["standard"]):
        print(wheel)


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])

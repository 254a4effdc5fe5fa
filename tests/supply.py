#!/usr/bin/env python3
"""Looks at what Cargo knows of the dependencies and of this project's own build scripts; cargo-deny does the rest."""

import json
import re
import subprocess
import sys

METADATA = ["cargo", "metadata", "--locked", "--offline", "--format-version", "1"]
# A build script that has only the standard library, and none of these, reaches no network.
REACHES = re.compile(r"\b(net|process|Command|unsafe|extern|include)\b")


def version(text):
    return tuple(int(part) for part in (text + ".0.0").split(".")[:3])


def too_new(packages, ours):
    wanted = next(package["rust_version"] for package in packages if package["name"] == "b2auth")
    for package in packages:
        needs = package["rust_version"]
        if package["id"] in ours:
            if needs != wanted:
                yield f"{package['name']} says {needs}, and b2auth {wanted}"
        elif needs and version(needs) > version(wanted):
            yield f"{package['name']} {package['version']} wants Rust {needs}"


def reaching(packages, ours):
    for package in packages:
        if package["id"] not in ours:
            continue
        for target in package["targets"]:
            if target["kind"] != ["custom-build"]:
                continue
            with open(target["src_path"], encoding="utf-8") as file:
                found = REACHES.search(re.sub(r"//.*", "", file.read()))
            if found:
                yield f"{target['src_path']} has the word {found.group()}"
        for dependency in package["dependencies"]:
            if dependency["kind"] == "build":
                yield f"{package['name']} has the build-dependency {dependency['name']}"


def main():
    metadata = json.loads(subprocess.run(METADATA, check=True, stdout=subprocess.PIPE).stdout)
    packages, ours = metadata["packages"], set(metadata["workspace_members"])
    failed = False
    for name, wrong in [
        ("no dependency wants a newer Rust than Cargo.toml states", list(too_new(packages, ours))),
        ("no build script of ours can reach the network", list(reaching(packages, ours))),
    ]:
        print(f"not ok deny: {name}: {'; '.join(wrong)}" if wrong else f"ok deny: {name}")
        failed = failed or bool(wrong)
    return failed


sys.exit(main())

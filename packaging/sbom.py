#!/usr/bin/env python3
"""What a release owes to others: a bill of materials in CycloneDX, and the licences of every crate.

    packaging/sbom.py TRIPLE RUSTC SBOM LICENCES

writes both files for the library as it is built for that target. The same sources give the same bytes.
"""

import json
import pathlib
import re
import subprocess
import sys
import uuid

# What a crate holds that is not its own work: the C sources inside it.
BUNDLED = {
    "libsqlite3-sys": ("sqlite", "blessing", "sqlite3/sqlite3.h", r'#define SQLITE_VERSION +"([0-9.]+)"'),
}
LICENCE_FILES = re.compile(r"^(licen[cs]e|copying|copyright|notice|unlicense)", re.IGNORECASE)


def metadata(triple):
    command = [
        "cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", triple,
        "--features", "c-library",
    ]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def built(triple):
    """Names and versions of what is built, procedural macros aside. What Cargo resolves for the workspace is more."""
    command = [
        "cargo", "tree", "--locked", "--package", "b2auth", "--features", "c-library", "--target", triple,
        "--edges", "normal,no-proc-macro", "--prefix", "none", "--format", "{p}",
    ]
    text = subprocess.run(command, check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout
    return {(name, version) for name, version in re.findall(r"^(\S+) v(\S+)", text, re.MULTILINE)}


def linked(triple):
    """The packages that end up in the library, and which needs which."""
    data, wanted = metadata(triple), built(triple)
    packages = {package["id"]: package for package in data["packages"]}
    ids = [one for one, package in packages.items() if (package["name"], package["version"]) in wanted]
    graph = {
        node["id"]: sorted(
            dependency["pkg"]
            for dependency in node["deps"]
            if dependency["pkg"] in ids and any(kind["kind"] is None for kind in dependency["dep_kinds"])
        )
        for node in data["resolve"]["nodes"]
        if node["id"] in ids
    }
    return data["resolve"]["root"], packages, graph


def purl(package):
    return f"pkg:cargo/{package['name']}@{package['version']}"


def component(package, sums):
    made = {
        "type": "library",
        "bom-ref": purl(package),
        "name": package["name"],
        "version": package["version"],
        "purl": purl(package),
    }
    if package["license"]:
        made["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
    checksum = sums.get((package["name"], package["version"]))
    if checksum:
        made["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    if package["name"] in BUNDLED:
        name, licence, path, pattern = BUNDLED[package["name"]]
        header = pathlib.Path(package["manifest_path"]).parent / path
        version = re.search(pattern, header.read_text(encoding="utf-8")).group(1)
        made["components"] = [{
            "type": "library", "bom-ref": f"pkg:generic/{name}@{version}", "name": name, "version": version,
            "purl": f"pkg:generic/{name}@{version}", "licenses": [{"license": {"id": licence}}],
        }]
    return made


def checksums():
    """Of each crate, from the lock file."""
    text = pathlib.Path("Cargo.lock").read_text(encoding="utf-8")
    pattern = r'\[\[package\]\]\nname = "(.*)"\nversion = "(.*)"\nsource = ".*"\nchecksum = "(.*)"'
    return {(name, version): checksum for name, version, checksum in re.findall(pattern, text)}


def sbom(triple, rustc, root, packages, graph):
    sums = checksums()
    rust = {
        "type": "library", "bom-ref": f"pkg:generic/rust-std@{rustc}", "name": "rust-std", "version": rustc,
        "purl": f"pkg:generic/rust-std@{rustc}", "licenses": [{"expression": "MIT OR Apache-2.0"}],
    }
    others = sorted((packages[one] for one in graph if one != root), key=purl)
    refs = {one: purl(packages[one]) for one in graph}
    made = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": component(packages[root], sums),
            "properties": [{"name": "b2auth:target", "value": triple}],
        },
        "components": [component(one, sums) for one in others] + [rust],
        "dependencies": [
            {"ref": refs[one], "dependsOn": sorted({refs[other] for other in graph[one]})}
            for one in sorted(graph, key=refs.get)
        ],
    }
    # The number is made of the content, so that it is the same for the same content.
    made["serialNumber"] = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(made, sort_keys=True)).urn
    return json.dumps(made, indent=2, sort_keys=True) + "\n"


def licence_texts(package):
    folder = pathlib.Path(package["manifest_path"]).parent
    found = sorted(path for path in folder.iterdir() if path.is_file() and LICENCE_FILES.match(path.name))
    return [path.read_text(encoding="utf-8", errors="replace").strip() for path in found]


def licences(root, packages, graph):
    """Each text once, below the crates that have it."""
    by_text, without = {}, []
    for one in sorted((packages[one] for one in graph if one != root), key=purl):
        texts = licence_texts(one)
        if not texts:
            without.append(one)
        for text in texts:
            by_text.setdefault(text, []).append(one)
    lines = [
        "The library contains the crates below, under the licences that follow them. SQLite is in the public domain.",
        "Where a crate lets one choose, such as MIT OR Apache-2.0, either may be chosen.",
        "",
    ]
    for one in sorted((packages[one] for one in graph if one != root), key=purl):
        lines.append(f"{one['name']} {one['version']}: {one['license']}, {', '.join(one['authors']) or 'its authors'}")
    for text, users in sorted(by_text.items(), key=lambda row: [purl(user) for user in row[1]]):
        lines += ["", "=" * 79, ", ".join(f"{user['name']} {user['version']}" for user in users), "=" * 79, "", text]
    if without:
        names = ", ".join(f"{one['name']} {one['version']} ({one['license']})" for one in without)
        lines += ["", "=" * 79, f"Without a text of their own, under the terms above: {names}"]
    return "\n".join(lines) + "\n"


def main():
    triple, rustc, sbom_path, licences_path = sys.argv[1:]
    root, packages, graph = linked(triple)
    pathlib.Path(sbom_path).write_text(sbom(triple, rustc, root, packages, graph), encoding="utf-8")
    pathlib.Path(licences_path).write_text(licences(root, packages, graph), encoding="utf-8")


main()

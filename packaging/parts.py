#!/usr/bin/env python3
"""Lists the libraries in the program, with their licences: parts.py TARGET FOLDER [NAME@VERSION=FILE]…

A NAME is a part that is not in Cargo.lock, with its licence file. Writes two files: `authctl.cdx.json`, a list of all parts in
CycloneDX 1.5, and `THIRD-PARTY-LICENSES.txt`, the licence texts of all libraries. Reads only `cargo metadata`, Cargo.lock and the
sources, so the result is reproducible.
"""

import datetime
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tomllib
import uuid


def metadata(target):
    command = ["cargo", "metadata", "--format-version=1", "--locked", f"--filter-platform={target}"]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def linked(graph):
    """The packages that are linked into the program, each with its dependencies. Excludes tests and build scripts."""
    nodes = {node["id"]: node for node in graph["resolve"]["nodes"]}
    uses, waiting = {}, [graph["resolve"]["root"]]
    while waiting:
        name = waiting.pop()
        if name in uses:
            continue
        normal = lambda part: any(kind["kind"] is None for kind in part["dep_kinds"])
        uses[name] = sorted(part["pkg"] for part in nodes[name]["deps"] if normal(part))
        waiting += uses[name]
    return uses


def address(package):
    return f"pkg:cargo/{package['name']}@{package['version']}"


def expression(package):
    # Cargo's older form of OR.
    return re.sub(r"\s*/\s*", " OR ", package["license"] or "NOASSERTION")


def bill(packages, uses, root, checksums, others, moment):
    def component(package, kind):
        found = {
            "type": kind,
            "bom-ref": address(package),
            "name": package["name"],
            "version": package["version"],
            "purl": address(package),
            "licenses": [{"expression": expression(package)}],
        }
        if package["description"]:
            found["description"] = " ".join(package["description"].split())
        checksum = checksums.get((package["name"], package["version"]))
        if checksum:
            found["hashes"] = [{"alg": "SHA-256", "content": checksum}]
        if (package["repository"] or "").startswith("https://"):
            found["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
        return found

    order = sorted((name for name in uses if name != root), key=lambda name: address(packages[name]))
    body = {
        "metadata": {
            "timestamp": moment,
            "tools": {"components": [{"type": "application", "name": "packaging/parts.py"}]},
            "component": component(packages[root], "application"),
        },
        "components": [component(packages[name], "library") for name in order]
        + [
            {"type": "library", "bom-ref": f"pkg:generic/{name}", "name": name.split("@")[0],
             "version": name.split("@")[1], "purl": f"pkg:generic/{name}"}
            for name in others
        ],
        "dependencies": [
            {"ref": address(packages[name]), "dependsOn": sorted(address(packages[part]) for part in uses[name])}
            for name in [root, *order]
        ],
    }
    # Derived from the contents, so it is reproducible.
    number = uuid.uuid5(uuid.NAMESPACE_URL, hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest())
    return {"bomFormat": "CycloneDX", "specVersion": "1.5", "serialNumber": f"urn:uuid:{number}", "version": 1, **body}


def licences(packages, uses, root, others):
    """Every licence text once, with its libraries."""
    texts, without = {}, []
    for name, path in others.items():
        text = pathlib.Path(path).read_text(errors="replace").strip()
        texts.setdefault(text, []).append(name.replace("@", " "))
    for name in sorted(uses, key=lambda name: address(packages[name])):
        if name == root:
            continue
        package = packages[name]
        title = f"{package['name']} {package['version']} ({expression(package)})"
        folder = pathlib.Path(package["manifest_path"]).parent
        named = re.compile(r"(licen[cs]e|copying|notice|copyright|unlicense)", re.IGNORECASE)
        files = [path for path in folder.iterdir() if named.match(path.name)]
        files = sorted({inner for path in files for inner in (path.iterdir() if path.is_dir() else [path])})
        if package["license_file"]:
            files.append(folder / package["license_file"])
        found = set()
        for path in files:
            if path.is_file() and path.suffix not in (".rs", ".toml"):
                found.add(path.read_text(errors="replace").replace("\r\n", "\n").strip())
        if not found:
            without.append(title)
        for text in sorted(found):
            texts.setdefault(text, []).append(title)
    line = "=" * 80
    yield "authctl contains the libraries below, each under its own licence.\n"
    for text, titles in sorted(texts.items(), key=lambda item: (item[1], item[0])):
        yield f"\n{line}\n" + "".join(f"{title}\n" for title in titles) + f"{line}\n\n{text}\n"
    if without:
        yield f"\n{line}\nThese libraries include no licence text, only its name.\n{line}\n\n"
        yield "".join(f"{title}\n" for title in without)


def main(target, folder, *others):
    others = dict(sorted(other.split("=", 1) for other in others))
    graph = metadata(target)
    packages = {package["id"]: package for package in graph["packages"]}
    uses, root = linked(graph), graph["resolve"]["root"]
    lock = tomllib.loads(pathlib.Path("Cargo.lock").read_text())
    checksums = {(part["name"], part["version"]): part.get("checksum") for part in lock["package"]}
    moment = datetime.datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), datetime.UTC)
    found = bill(packages, uses, root, checksums, others, moment.strftime("%Y-%m-%dT%H:%M:%SZ"))
    folder = pathlib.Path(folder)
    (folder / "authctl.cdx.json").write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    (folder / "THIRD-PARTY-LICENSES.txt").write_text("".join(licences(packages, uses, root, others)))
    print(f"{len(found['components'])} libraries")


main(*sys.argv[1:])

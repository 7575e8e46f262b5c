"""Checks the contents of a wheel and a source distribution before they are published.

    python tools/distributions.py dist/*

A wheel has the package's files as they are in this folder, one native module, and its metadata; a source distribution
has the files that git tracks. A native module for Linux contains no folder name of the machine that built it and no
symbols for debuggers. A wheel contains no library, except C++'s if auditwheel adds it for musl.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
LARGEST = 2_000_000  # bytes, of a wheel without libraries
METADATA = {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"}
NOT_IN_SOURCES = (".ci/", ".github/", ".gitignore", ".clang-format")
SYSTEM_LIBRARIES = re.compile(r"(libstdc\+\+|libgcc_s|libm|libc|libdl|libpthread|ld-linux-.+)\.so\.\d+|libc\.musl-.+")
ADDED_FOR_MUSL = re.compile(r"lib(stdc\+\+|gcc_s)-[0-9a-f]+\.so[\d.]*")
LIBRARIES = "fastgrad.libs/"
FOLDERS_OF_A_BUILDER = re.compile(rb"/(?:home|root|tmp|project|opt|Users)/[\x20-\x7e]*")


def tracked() -> dict[str, bytes]:
    """The files that git tracks, or would track."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    return {name: (ROOT / name).read_bytes() for name in names if name}


def package(files: dict[str, bytes]) -> dict[str, bytes]:
    """The files among them that a wheel contains, by their names there."""
    places = {f"{folder}/": f"fastgrad/{folder}/" for folder in ("examples", "benchmarks")}
    places["python/fastgrad/"] = "fastgrad/"
    return {
        place + name.removeprefix(folder): content
        for name, content in files.items()
        for folder, place in places.items()
        if name.startswith(folder) and not name.startswith("examples/notebooks/")
    }


def differences(found: dict[str, bytes], expected: dict[str, bytes]) -> Iterator[str]:
    """How the files of a distribution differ from the expected ones."""
    yield from (f"stray: {name}" for name in sorted(found.keys() - expected.keys()))
    yield from (f"missing: {name}" for name in sorted(expected.keys() - found.keys()))
    yield from (
        f"changed: {name}" for name in sorted(found.keys() & expected.keys()) if found[name] != expected[name]
    )


def faults_of_wheel(path: Path) -> Iterator[str]:
    """The faults of a wheel."""
    with zipfile.ZipFile(path) as archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
        files = {member.filename: archive.read(member) for member in members}
    size = sum(member.compress_size for member in members if not member.filename.startswith(LIBRARIES))
    if size > LARGEST:
        yield f"{size} bytes, more than {LARGEST}"

    info = "-".join(path.name.split("-")[:2]) + ".dist-info/"
    libraries = {name for name in files if name.startswith(LIBRARIES)}
    added = {"sboms/auditwheel.cdx.json"} if libraries else set()
    found_info = {name.removeprefix(info) for name in files if name.startswith(info)}
    yield from (f"stray: {info}{name}" for name in sorted(found_info - METADATA - added))
    yield from (f"missing: {info}{name}" for name in sorted(METADATA - found_info))
    for name in sorted(libraries):
        if "musllinux" not in path.name or not ADDED_FOR_MUSL.fullmatch(name.removeprefix(LIBRARIES)):
            yield f"stray: {name}"

    native = {name for name in files if re.fullmatch(r"fastgrad/_core\.[\w.-]+\.(so|pyd)", name)}
    if len(native) != 1:
        yield f"not one native module, but {native}"
    ours = {name: files[name] for name in files.keys() - native - libraries if not name.startswith(info)}
    yield from differences(ours, package(tracked()))
    for name in native:
        if files[name].startswith(b"\x7fELF"):
            yield from (f"{name}: {fault}" for fault in faults_of_elf(files[name], bool(libraries)))


def faults_of_elf(content: bytes, has_libraries: bool) -> Iterator[str]:
    """The faults of a native module for Linux."""
    yield from (f"names {found.decode()}" for found in FOLDERS_OF_A_BUILDER.findall(content))
    with tempfile.NamedTemporaryFile(suffix=".so") as file:
        file.write(content)
        file.flush()
        command = ["readelf", "--wide", "--dynamic", "--section-headers", file.name]
        shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    for place in re.findall(r"\((?:RPATH|RUNPATH)\).*\[(.*)\]", shown):
        if not has_libraries or place != f"$ORIGIN/../{LIBRARIES.rstrip('/')}":
            yield f"looks for libraries in {place}"
    yield from (f"is not stripped: {name}" for name in re.findall(r"\] (\.symtab|\.debug\S*)", shown))
    for library in re.findall(r"\(NEEDED\).*\[(.*)\]", shown):
        if not SYSTEM_LIBRARIES.fullmatch(library) and not (has_libraries and ADDED_FOR_MUSL.fullmatch(library)):
            yield f"needs {library}"


def faults_of_sources(path: Path) -> Iterator[str]:
    """The faults of a source distribution."""
    folder = path.name.removesuffix(".tar.gz") + "/"
    found = {}
    with tarfile.open(path) as archive:
        for member in archive.getmembers():
            if not member.isfile() or not member.name.startswith(folder):
                yield f"stray: {member.name}"
            else:
                file = archive.extractfile(member)
                assert file is not None
                found[member.name.removeprefix(folder)] = file.read()
    if found.pop("PKG-INFO", None) is None:
        yield "missing: PKG-INFO"
    yield from differences(
        found, {name: content for name, content in tracked().items() if not name.startswith(NOT_IN_SOURCES)}
    )


def main(paths: list[str]) -> int:
    """Print the faults of each, or its size."""
    if not paths:
        raise SystemExit(__doc__)
    total = 0
    for path in map(Path, paths):
        faults = list(faults_of_wheel(path) if path.suffix == ".whl" else faults_of_sources(path))
        total += len(faults)
        print(f"{path.name}: {path.stat().st_size:,} bytes, {len(faults)} faults")
        print("".join(f"  {fault}\n" for fault in faults), end="")
    return int(total > 0)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

"""`python -m benchmarks.instructions`: the instructions of the hot paths, compared with committed numbers.

`valgrind --tool=callgrind` counts them, so the load of the machine does not matter. Each path runs n and 2 n times;
the difference excludes the surrounding code. There are two numbers: the instructions of fastgrad's own library, which
may change by 1 %, and all instructions, including the interpreter's and the C library's, which may change by 3 %.

The counts depend on the compiler, the interpreter and the instruction set (valgrind does not support AVX-512). If
these differ from those of the committed numbers, nothing is compared. To compare two revisions there, write the
numbers of the first and pass them to the second:

    python -m benchmarks.instructions --update --file before.json
    python -m benchmarks.instructions --file before.json
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from ctypes import CDLL
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from fastgrad import _core

from .hot_paths import PATHS

COMMITTED = Path(__file__).with_suffix(".json")
# The library's own counts repeat exactly, and an additional branch is 1 to 5 % of them. The interpreter's depend on
# the addresses of objects, by up to 0.4 %.
OWN_TOLERANCE, TOLERANCE = 0.01, 0.03
ADDR_NO_RANDOMIZE = 0x0040000  # of personality(2)
LIBRARY = Path(_core.__file__).name


@dataclass(frozen=True)
class Count:
    """Instructions per unit of a path."""

    own: float  # in fastgrad's library
    all: float

    def change_from(self, before: Count) -> Count:
        """The relative differences."""
        return Count(self.own / before.own - 1.0, self.all / before.all - 1.0)


@dataclass(frozen=True)
class Counts:
    """The results of one run of callgrind, and the combination that they belong to."""

    combination: Mapping[str, str]
    paths: Mapping[str, Count]

    @classmethod
    def read(cls, file: Path) -> Counts:
        found = json.loads(file.read_text())
        return cls(found["combination"], {name: Count(**count) for name, count in found["paths"].items()})

    def write(self, file: Path) -> None:
        paths = {name: asdict(count) for name, count in self.paths.items()}
        file.write_text(json.dumps({"combination": self.combination, "paths": paths}, indent=2) + "\n")


# --- counting


def count(valgrind: str, names: Sequence[str], folder: Path) -> Counts:
    """Run the paths under callgrind, which writes its files into the folder."""

    def same_addresses() -> None:
        CDLL(None).personality(ADDR_NO_RANDOMIZE)

    command = [valgrind, "--tool=callgrind", f"--callgrind-out-file={folder / 'out'}", "--dump-before=getppid"]
    command += [
        "--compress-strings=no",
        "--compress-pos=no",
        sys.executable,
        "-m",
        f"{__package__}.hot_paths",
        *names,
    ]
    # Hashes of strings decide where dictionaries look, and NumPy's threads where memory is allocated.
    environment = os.environ | {"PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, preexec_fn=same_addresses, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command[:2])} failed with status {done.returncode}:\n{done.stderr}")
    # Three marks a path: the third writes the instructions of 2 n runs, the second those of n.
    last = {name: 3 * position for position, name in enumerate(names, start=1)}
    paths = {name: per_unit(name, folder / f"out.{part - 1}", folder / f"out.{part}") for name, part in last.items()}
    return Counts(json.loads(done.stdout), paths)


def per_unit(name: str, once: Path, twice: Path) -> Count:
    path = PATHS[name]
    (own, total), (own_of_twice, total_of_twice) = instructions(once), instructions(twice)
    units = path.runs * path.units
    return Count(round((own_of_twice - own) / units, 2), round((total_of_twice - total) / units, 2))


def instructions(part: Path) -> tuple[int, int]:
    """The instructions of fastgrad's library, and all instructions.

    `ob=` names the library of the following lines, each of which has a position and its instructions. The line after
    `calls=` belongs to the called function, which has separate lines.
    """
    own = total = 0
    is_custom = is_call = False
    with part.open() as lines:
        for line in lines:
            if line.startswith("ob="):
                is_custom = line.rstrip().endswith(LIBRARY)
            elif line.startswith("calls="):
                is_call = True
            elif line[0].isdigit():
                cost = 0 if is_call else int(line.split()[1])
                total += cost
                own += cost if is_custom else 0
                is_call = False
    return own, total


# --- comparing


def differences(here: Mapping[str, str], there: Mapping[str, str]) -> list[str]:
    """The differences that make the two combinations incomparable."""
    keys = dict.fromkeys([*there, *here])
    return [f"{key}: {there.get(key)}; here {here.get(key)}" for key in keys if here.get(key) != there.get(key)]


def line(name: str, found: Count, before: Count | None) -> str:
    """A row of the table."""
    own, total = f"{found.own:,.1f}", f"{found.all:,.1f}"
    if before is None:
        return row(name, PATHS[name].unit, own, "", total, "")
    change = found.change_from(before)
    return row(name, PATHS[name].unit, own, f"{change.own:+.2%}", total, f"{change.all:+.2%}")


def row(*cells: str) -> str:
    return "{:<27}{:<11}{:>15}{:>10}{:>15}{:>10}".format(*cells).rstrip()


def complaints(found: Counts, before: Counts) -> Iterator[str]:
    """Each path that changed by more than the tolerances, or has no number to compare with."""
    for name, count in found.paths.items():
        if name not in before.paths:
            yield f"{name}: not counted before"
            continue
        change = count.change_from(before.paths[name])
        parts = (("own", change.own, OWN_TOLERANCE), ("all", change.all, TOLERANCE))
        moved = [f"{part} {by:+.1%}" for part, by, tolerance in parts if abs(by) > tolerance]
        if moved:
            yield f"{name}: {', '.join(moved)}"


def parse() -> argparse.Namespace:
    about, _, details = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.instructions",
        description=about.partition(": ")[2],
        epilog=details,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="path", help=f"all by default: {', '.join(PATHS)}")
    parser.add_argument("--file", type=Path, default=COMMITTED, help=f"the numbers (default: {COMMITTED.name})")
    parser.add_argument("--update", action="store_true", help="write the file instead")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep callgrind's files, for callgrind_annotate")
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in PATHS]
    if unknown:
        parser.error(f"no path named {', '.join(unknown)}: choose from {', '.join(PATHS)}")
    if options.update and options.names:
        parser.error("--update counts every path: name none")
    return options


def main() -> int:
    options = parse()
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        print("valgrind is not installed: no instructions were counted")
        return 0
    with TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        found = count(valgrind, options.names or list(PATHS), folder)
    before = None if options.update else Counts.read(options.file)
    incomparable = differences(found.combination, before.combination) if before else []
    print(row("path", "per", "fastgrad's own", "", "all", ""))
    for name, each in found.paths.items():
        print(line(name, each, None if before is None or incomparable else before.paths.get(name)))
    if before is None:
        found.write(options.file)
        return 0
    if incomparable:
        print(
            f"Nothing was compared: the numbers of {options.file.name} belong to another combination.",
            *incomparable,
            sep="\n  ",
        )
        return 0
    moved = list(complaints(found, before))
    if not moved:
        print("No path moved.")
        return 0
    print("More or fewer instructions than committed; --update writes them, where that is meant.", *moved, sep="\n  ")
    return 1


if __name__ == "__main__":
    sys.exit(main())

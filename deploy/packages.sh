# shellcheck shell=bash
# Sourced by the scripts beside it: what has to be installed, and how. Nothing is installed that is there already.

# Packages that compiling Stoa needs, by Debian's names.
# shellcheck disable=SC2034 # used by the scripts that source this
build_packages=(
    git ca-certificates pkg-config libsqlite3-dev libcmark-gfm-dev libcmark-gfm-extensions-dev zlib1g-dev
)

say() { printf '%s\n' "$*" >&2; }
die() {
    say "error: $*"
    exit 1
}

# need_packages NAME...: installs the Debian packages that are missing. On other systems it only checks what it can
# and says what to do, because guessing names there would install the wrong thing.
need_packages() {
    case $(uname -s) in
        Darwin) need_brew ;;
        *)
            if command -v apt-get >/dev/null && command -v dpkg-query >/dev/null; then
                need_debian "$@"
            else
                say "note: this is not a Debian; if the build fails, install what these packages hold: $*"
            fi
            ;;
    esac
}

need_debian() {
    local package missing=() as_root=()
    for package in "$@"; do
        # shellcheck disable=SC2016 # the ${...} is dpkg-query's, not the shell's
        if [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) != installed ]]; then
            missing+=("$package")
        fi
    done
    ((${#missing[@]})) || return 0
    if [[ $(id -u) != 0 ]]; then
        command -v sudo >/dev/null || die "these packages are missing and there is no sudo: ${missing[*]}"
        as_root=(sudo)
    fi
    say "installing: ${missing[*]}"
    "${as_root[@]}" apt-get update -q </dev/null >&2 || die "apt-get update failed"
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -q --no-install-recommends "${missing[@]}" </dev/null >&2 ||
        die "apt-get could not install: ${missing[*]}"
}

need_brew() {
    local prefix
    prefix=$(brew --prefix 2>/dev/null || echo /opt/homebrew)
    # Homebrew's sqlite is not linked into its prefix, since macOS has one of its own (without a .pc file).
    export PKG_CONFIG_PATH="$prefix/opt/sqlite/lib/pkgconfig:$prefix/opt/zlib/lib/pkgconfig:${PKG_CONFIG_PATH:-}"
    if ! pkg-config --exists sqlite3 libcmark-gfm zlib 2>/dev/null; then
        die "please run: brew install pkg-config sqlite cmark-gfm zlib"
    fi
}

# Swift 6.2 is what Package.swift asks for.
need_swift() {
    local version major minor
    command -v swift >/dev/null || die "swift is not on the PATH; install Swift 6.2 or newer: https://www.swift.org/install"
    version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' | head -n 1)
    [[ $version ]] || die "'swift --version' did not answer; is the toolchain installed completely?"
    IFS=. read -r major minor <<<"$version"
    if ((major < 6 || (major == 6 && minor < 2))); then
        die "Swift $version is too old, 6.2 or newer is needed: https://www.swift.org/install"
    fi
}

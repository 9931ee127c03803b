#!/usr/bin/env bash
# From a fresh clone to a running Stoa: installs what is missing, builds, serves.
set -euo pipefail

usage() {
    cat <<'EOF'
usage: deploy/run.sh [--port N] [--volume FOLDER] [--help] [further arguments of `stoa serve`]

Installs what is missing to build Stoa (Debian packages; with sudo only if you are not root), builds it in release
mode into .build-release, and serves the page on http://127.0.0.1:8080 with its sessions in ./stoa-volume.
Without further settings the embedded demo model answers. For a real one set, for example,
  OPENAI_API_KEY=...                                       every chat model of api.openai.com
  OPENAI_BASE_URL=http://127.0.0.1:8090/v1                 any OpenAI-compatible server (see deploy/local-model.sh)
  STOA_OPENAI_MODELS=name,name                             only these models
The first build takes several minutes. Ctrl-C stops the server.
EOF
}

port=8080
volume=./stoa-volume
arguments=()
while (($#)); do
    case $1 in
        --help | -h)
            usage
            exit 0
            ;;
        --port | --volume)
            (($# >= 2)) || {
                usage >&2
                exit 64
            }
            if [[ $1 == --port ]]; then port=$2; else volume=$2; fi
            shift 2
            ;;
        --port=*) port=${1#*=} && shift ;;
        --volume=*) volume=${1#*=} && shift ;;
        *) arguments+=("$1") && shift ;;
    esac
done

# A relative volume means relative to where the command was typed, not to the clone.
case $volume in
    ./stoa-volume) ;;
    /*) ;;
    *) volume=$PWD/$volume ;;
esac

cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=deploy/packages.sh
source deploy/packages.sh

[[ $port =~ ^[0-9]{1,5}$ ]] || die "--port wants a number, not '$port'"
need_swift
need_packages "${build_packages[@]}"

build=(swift build -c release --product stoa --scratch-path .build-release)
# The Swift runtime goes into the binary, so that it also runs where no toolchain is; macOS brings its own.
[[ $(uname -s) == Darwin ]] || build+=(--static-swift-stdlib)
say "building (several minutes the first time) ..."
"${build[@]}" </dev/null >&2

binary=$("${build[@]}" --show-bin-path </dev/null)/stoa
say "serving http://127.0.0.1:$port  (volume: $volume)"
# exec: signals reach the server itself, so that Ctrl-C and SIGTERM let running answers finish.
exec "$binary" serve --volume "$volume" --port "$port" ${arguments[@]+"${arguments[@]}"}

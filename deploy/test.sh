#!/usr/bin/env bash
# Every check of this repository, as named steps. CI runs this and nothing else.
# shellcheck disable=SC2317 # the steps are called by their names
set -uo pipefail

steps=(
    packages format shell build tidy test botocore providers vfs browser cluster watching operators nfs bench deploy
)

usage() {
    cat <<'EOF'
usage: deploy/test.sh [--long] [--only STEP]... [--help]

Runs every check, from a fresh clone on a machine that has only Swift (Debian: packages are installed as needed).
  packages  installs what the other steps need
  format    swift format lint --strict
  shell     shellcheck of every script
  build     swift build --build-tests; a warning in our own code fails
  tidy      the style of the source tree and its imports (TidyTests)
  test      swift test: all other test targets
  botocore  requests to Bedrock and its streams, compared with AWS's own client
  providers stoa serve against servers that play Bedrock and OpenAI-compatible ones; with --long a real small model too
  browser   the page in a real Chromium
  cluster   four tasks behind HAProxy: refreshes, kills, stops, replacement, load, chaos (about four minutes)
  watching  the metrics page read by Prometheus's own parsers, each number moved by what it counts, alert rules, top, health;
            with --long also on real NFS hosts
  operators twenty starts at once, backups under writers, conversions, deletion, kills of every command (about four minutes)
  vfs       the VFS in C under sanitizers: faults, deaths and power cuts at every call
  nfs       the volume on real NFS hosts: call budgets and a few faults; with --long the whole fault matrix
  bench     stoa-bench on such hosts: budgets, its counts against counts from outside, a stall, the torture; with --long
            every table of BENCHMARKS.md
  deploy    the templates in moto, deploy.sh against it, ECS's life cycle with real processes (about four minutes);
            with --long also the image in a debootstrap and a task on a quarter of a CPU

  --only STEP  only this step; may be given several times
  --long       lets tests that know a longer run take it (STOA_TEST_LONG=1)
Logs of the steps are in .build/checks. The exit status is 0 only if no step failed.
EOF
}

only=()
long=0
while (($#)); do
    case $1 in
        --help | -h)
            usage
            exit 0
            ;;
        --long) long=1 && shift ;;
        --only | --only=*)
            if [[ $1 == --only ]]; then
                (($# >= 2)) || {
                    usage >&2
                    exit 64
                }
                step=$2
                shift 2
            else
                step=${1#*=}
                shift
            fi
            [[ " ${steps[*]} " == *" $step "* ]] || {
                printf 'error: no step %s; steps are: %s\n' "$step" "${steps[*]}" >&2
                exit 64
            }
            only+=("$step")
            ;;
        *)
            usage >&2
            exit 64
            ;;
    esac
done

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
# shellcheck source=deploy/packages.sh
source deploy/packages.sh
# Nothing may wait for an answer that nobody gives.
exec </dev/null
((long)) && export STOA_TEST_LONG=1
need_swift
logs=.build/checks
mkdir -p "$logs"

test_packages=(
    chromium haproxy socat curl util-linux python3 python3-venv sqlite3 procps fonts-dejavu-core shellcheck gcc libc6-dev
)

deployment_packages=(jq git haproxy curl debootstrap docker-compose binutils python3-venv)

laboratory_packages=(user-mode-linux nfs-kernel-server nfs-common kmod socat iproute2 procps)

step_packages() { need_packages "${build_packages[@]}" "${test_packages[@]}"; }

step_format() {
    swift format lint --strict --recursive --parallel --configuration .swift-format Package.swift Sources Tests
}

# Scripts are files whose first line says so, wherever they are.
scripts() {
    local file
    while IFS= read -r file; do
        if head -n 1 "$file" | grep -qE '^#!.*\b(ba)?sh$|^# shellcheck shell='; then printf '%s\n' "$file"; fi
    done < <(find .ci deploy Tests -type f -size -200k | sort)
}

step_shell() {
    command -v shellcheck >/dev/null || skip "shellcheck is not installed"
    local file files=()
    while IFS= read -r file; do files+=("$file"); done < <(scripts)
    printf '%s\n' "${files[@]}"
    shellcheck --external-sources --source-path=SCRIPTDIR --severity=warning "${files[@]}"
}

step_build() {
    local log=$logs/build.warnings
    # pipefail: the build's own status counts. Only files that are compiled now can warn; a fresh clone compiles all.
    swift build --build-tests 2>&1 | tee "$log" || return 1
    if grep -E "^$PWD/(Sources|Tests|migrations)/.*: warning:" "$log" | sort -u | grep .; then
        echo "error: warnings in our own code"
        return 1
    fi
}

# By itself: reading the whole tree keeps the threads busy that the other tests measure time on.
step_tidy() { bounded 300 swift test --skip-build --disable-xctest --filter '^TidyTests\.'; }

# One target after the other: each measures waits, and the threads of a small machine are few.
step_test() {
    local target status=0
    for target in Tests/*Tests; do
        target=${target#Tests/}
        [[ $target == TidyTests || -z $(find "Tests/$target" -name '*.swift' -print -quit) ]] && continue
        printf -- '--- %s\n' "$target"
        bounded "$((long ? 3600 : 600))" swift test --skip-build --disable-xctest --filter "^$target\\." || status=1
    done
    return "$status"
}

step_botocore() { bounded 600 Tests/ChatModelsTests/botocore/run; }

step_providers() {
    [[ -x .build/debug/stoa ]] || {
        echo "error: .build/debug/stoa is not built; run the step build first"
        return 1
    }
    ((long)) || {
        bounded 300 Tests/Providers/run --stoa .build/debug/stoa
        return
    }
    # The first time llama.cpp is compiled, which takes up to half an hour.
    bounded 3600 deploy/local-model.sh --install-only || return 1
    local port=$((20000 + RANDOM % 20000)) server status
    deploy/local-model.sh --port "$port" &
    server=$!
    for _ in {1..120}; do
        curl --silent --fail --output /dev/null "http://127.0.0.1:$port/v1/models" && break
        sleep 1
    done
    bounded 3000 Tests/Providers/run --stoa .build/debug/stoa --local "http://127.0.0.1:$port/v1"
    status=$?
    kill "$server"
    wait "$server" 2>/dev/null
    return "$status"
}

step_browser() {
    [[ -x Tests/BrowserTests/run ]] || skip "Tests/BrowserTests/run is not there"
    [[ -x .build/debug/stoa ]] || {
        echo "error: .build/debug/stoa is not built; run the step build first"
        return 1
    }
    bounded 900 Tests/BrowserTests/run --stoa .build/debug/stoa
}

# The debug build is slower than what is promised of the release build under load, which the test takes into account.
step_cluster() {
    [[ -x .build/debug/stoa ]] || {
        echo "error: .build/debug/stoa is not built; run the step build first"
        return 1
    }
    bounded "$((long ? 3600 : 900))" Tests/Cluster/run --stoa .build/debug/stoa
}

step_watching() {
    [[ -x .build/debug/stoa ]] || {
        echo "error: .build/debug/stoa is not built; run the step build first"
        return 1
    }
    # For promtool. RUNLEVEL: its server is not to run here.
    RUNLEVEL=1 need_packages prometheus python3-venv
    bounded 300 Tests/Watching/run --stoa .build/debug/stoa || return 1
    ((long)) || return 0
    [[ $(uname -sm) == "Linux x86_64" && $(id -u) == 0 && -w /dev/net/tun ]] || return 0
    RUNLEVEL=1 need_packages "${laboratory_packages[@]}"
    bounded 600 Tests/Watching/run --nfs --stoa .build/debug/stoa
}

# Processes only, no packages but python3. With --long: every command killed ten times, 200,000 messages converted, and a
# rolling deploy over a change of the schema, for which two releases are built first.
step_operators() {
    [[ -x .build/debug/stoa ]] || {
        echo "error: .build/debug/stoa is not built; run the step build first"
        return 1
    }
    if ((long)); then
        bounded 3600 Tests/Operators/releases || return 1
        bounded 7200 Tests/Operators/run --long --stoa .build/debug/stoa
    else
        bounded 900 Tests/Operators/run --stoa .build/debug/stoa
    fi
}

# Nothing of it needs an account, and nothing of it a container engine.
step_deploy() {
    [[ -x .build/debug/stoa ]] || {
        echo "error: .build/debug/stoa is not built; run the step build first"
        return 1
    }
    need_packages "${deployment_packages[@]}"
    if ((!long)); then
        bounded 1500 Tests/Deploy/run --stoa .build/debug/stoa
        return
    fi
    # What the image is measured with; a debug build would say nothing.
    local product
    for product in stoa stoa-bench; do
        swift build -c release --static-swift-stdlib --product "$product" --scratch-path .build-release || return 1
    done
    bounded 5400 Tests/Deploy/run --long --stoa .build/debug/stoa
}

step_vfs() { bounded 600 Tests/VolumeVFS/run; }

# Real hosts: kernels in user mode, about five minutes; the whole matrix takes about 45.
step_nfs() {
    [[ $(uname -sm) == "Linux x86_64" ]] || skip "kernels in user mode are packaged for Linux on x86_64 only"
    [[ $(id -u) == 0 && -w /dev/net/tun ]] || skip "hosts with a network of their own need root and /dev/net/tun"
    # RUNLEVEL: the NFS server is for the laboratory's hosts, not for this machine.
    RUNLEVEL=1 need_packages "${laboratory_packages[@]}"
    # Optimised, because a kernel in user mode is slow; only what storage needs is compiled, about a minute.
    swift build -c release --product storage-worker --scratch-path .build-lab || return 1
    local worker=.build-lab/release/storage-worker
    if ((long)); then
        bounded 7200 Tests/NFSLab/run --long --worker "$worker"
    else
        bounded 1200 Tests/NFSLab/run --short --worker "$worker"
    fi
    local status=$?
    ((status == 3)) && skip "the laboratory cannot run here"
    return "$status"
}

# The harness that others are to believe: its numbers are held against counts that it did not make. About three minutes.
step_bench() {
    [[ $(uname -s) == Linux ]] || skip "what the kernel counts is read as Linux tells it"
    need_packages strace
    swift build -c release --product stoa-bench --scratch-path .build-lab || return 1
    local bench=.build-lab/release/stoa-bench store
    for store in volume files; do bounded 120 Tests/Bench/strace "$bench" "$store" || return 1; done
    [[ $(uname -m) == x86_64 ]] || skip "kernels in user mode are packaged for x86_64 only"
    [[ $(id -u) == 0 && -w /dev/net/tun ]] || skip "hosts with a network of their own need root and /dev/net/tun"
    RUNLEVEL=1 need_packages "${laboratory_packages[@]}"
    if ((long)); then
        bounded 7200 Tests/Bench/run --long --bench "$bench"
    else
        bounded 900 Tests/Bench/run --short --bench "$bench"
    fi
    local status=$?
    ((status == 3)) && skip "the laboratory cannot run here"
    return "$status"
}

# bounded SECONDS COMMAND...: a test that hangs is a failure, not a reason to wait for ever. (macOS has no timeout.)
bounded() {
    local seconds=$1
    shift
    if ! command -v timeout >/dev/null; then
        "$@"
        return
    fi
    timeout --kill-after=10 "$seconds" "$@"
    local status=$?
    ((status == 124)) && echo "error: still running after $seconds s: $*"
    return "$status"
}

# skip REASON: ends the step (each runs in a shell of its own) without a verdict. Never silent.
skip() {
    echo "SKIPPED: $*"
    exit 77
}

summary=()
failed=0
for step in "${steps[@]}"; do
    if ((${#only[@]})) && [[ " ${only[*]} " != *" $step "* ]]; then continue; fi
    printf '\n=== %s\n' "$step"
    started=$SECONDS
    ("step_$step") 2>&1 | tee "$logs/$step.log"
    status=${PIPESTATUS[0]}
    case $status in
        0) verdict=passed ;;
        77) verdict="SKIPPED: $(sed -n 's/^SKIPPED: //p' "$logs/$step.log" | tail -n 1)" ;;
        *)
            verdict="FAILED (status $status)"
            failed=1
            ;;
    esac
    summary+=("$(printf '%-10s %5d s  %s' "$step" $((SECONDS - started)) "$verdict")")
    # Without its packages or a build, the steps behind would only repeat the same message.
    if ((status != 0)) && [[ $step == packages || $step == build ]]; then
        summary+=("the steps after it did not run")
        break
    fi
done

printf '\n=== summary\n'
printf '%s\n' "${summary[@]}"
((failed)) && printf 'FAILED\n' || printf 'all passed\n'
exit "$failed"

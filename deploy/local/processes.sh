# shellcheck shell=bash disable=SC2154
# Sourced by `cluster`: processes that are started, recognised and ended under $state.
# A process is known by its id and its birth: an id alone may have been given to somebody else's process since.
# run/NAME.pid holds "PID BIRTH", run/NAME.out what it printed.

birth() {
    if [[ -r /proc/$1/stat ]]; then
        # The 22nd field; the second one, the name, may hold blanks.
        local stat
        stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
        # shellcheck disable=SC2086 # to be split
        set -- ${stat##*)}
        # A zombie has ended; it only waits to be noticed.
        [[ $1 != Z ]] || return 1
        echo "${20}"
    else
        ps -o lstart= -p "$1" 2>/dev/null | tr ' ' _ | grep .
    fi
}

# pid_of NAME: prints the id, or fails when no such process runs.
pid_of() {
    local pid born
    [[ -f $state/run/$1.pid ]] || return 1
    read -r pid born <"$state/run/$1.pid" || return 1
    [[ $(birth "$pid" || true) == "$born" ]] || return 1
    echo "$pid"
}

# launch NAME COMMAND...: in a session of its own, so that neither Ctrl-C here nor the end of this shell reaches it.
launch() {
    local name=$1 detach=() pid born
    shift
    ! command -v setsid >/dev/null || detach=(setsid)
    # 9 is the lock of this script: a task must not hold it.
    ${detach[@]+"${detach[@]}"} "$@" >"$state/run/$name.out" 2>>"$state/logs/${name%%.*}.log" </dev/null 9>&- &
    pid=$!
    disown "$pid"
    if ! born=$(birth "$pid"); then return 0; fi
    echo "$pid $born" >"$state/run/$name.pid"
}

# end NAME SECONDS: SIGTERM, and kill -9 for one that does not go.
end() {
    local pid deadline=$((SECONDS + $2))
    if pid=$(pid_of "$1"); then
        kill -TERM "$pid" 2>/dev/null || true
        # One that is stopped hears nothing, so it is woken.
        kill -CONT "$pid" 2>/dev/null || true
        while pid_of "$1" >/dev/null; do
            if ((SECONDS >= deadline)); then
                say "warning: $1 (process $pid) did not end within $2 s; killing it"
                kill -KILL "$pid" 2>/dev/null || true
                sleep 0.2
                break
            fi
            sleep 0.1
        done
    fi
    rm -f "$state/run/$1.pid" "$state/run/$1.out"
}

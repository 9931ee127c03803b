# shellcheck shell=bash disable=SC2154
# Sourced by deploy.sh: a chat through the public address, as a browser would have it.

readonly smoke_answer_seconds_max=90
readonly smoke_tasks_seconds_max=60
readonly smoke_reachable_seconds_max=${STOA_SMOKE_REACHABLE_SECONDS_MAX:-600}

# smoke URL: a session, a conversation, a turn whose answer is followed as a stream, and the same conversation read from
# every other task. What it made is deleted afterwards.
smoke() {
    local url=$1 folder status=0
    folder=$(mktemp -d)
    chmod 700 "$folder"
    smoke_in "$url" "$folder" || status=$?
    # The session and all that is in it.
    [[ ! -s $folder/key ]] || ask DELETE /session >/dev/null || say "  warning: the session of the test was not deleted"
    rm -rf "$folder"
    return "$status"
}

# ask METHOD PATH [BODY]: the answer's body; the task's name goes to $folder/task. The key is in a file, because arguments
# are seen by everybody on this machine.
ask() {
    local body=()
    (($# < 3)) || body=(--header "Content-Type: application/json" --data "$3")
    curl --silent --show-error --fail-with-body --max-time 30 --retry 3 --retry-connrefused --request "$1" \
        --config "$folder/key" "${body[@]}" --dump-header "$folder/head" "$url/api/v1$2" || return 1
    sed -n 's/^[Xx]-[Ss]erved-[Bb]y: *\([^[:cntrl:]]*\).*/\1/p' "$folder/head" | tail -n 1 >"$folder/task"
}

smoke_in() {
    local url=$1 folder=$2 key conversation model answered wanted deadline
    : >"$folder/key"
    # A new name, or a new distribution, takes a while to be known everywhere.
    deadline=$((SECONDS + smoke_reachable_seconds_max))
    until ask GET /models >"$folder/models" 2>"$folder/error"; do
        ((SECONDS < deadline)) || {
            say "  $url does not answer after $smoke_reachable_seconds_max s: $(tail -n 1 "$folder/error")"
            return 1
        }
        sleep 2
    done
    ask POST /sessions '{}' >"$folder/session" || fails "no session can be made" "$folder/session" || return
    key=$(jq -r .key "$folder/session")
    printf 'header = "Authorization: Bearer %s"\n' "$key" >"$folder/key"
    conversation=smoke$(date +%s)
    # The embedded model, if it is offered: the test is of the deployment, and costs nothing.
    model=$(jq -r '[.models[] | select(.provider == "demo")][0].id // .default' "$folder/models")
    ask POST /conversations "{\"id\": \"$conversation\", \"model\": \"$model\"}" >"$folder/answer" ||
        fails "no conversation can be made" "$folder/answer" || return
    ask POST "/conversations/$conversation/messages" "{\"id\": \"p$conversation\", \"text\": \"Hello. Are you there?\"}" \
        >"$folder/answer" || fails "no question can be asked" "$folder/answer" || return
    answered=$(<"$folder/task")
    follow "$conversation" || return
    say "  a session, a question, and its answer as a stream of $(grep -c '^event:' "$folder/stream") events, by $answered"
    read_from_others "$conversation"
}

# fails WHAT FILE: says it, with the server's own words.
fails() {
    say "  $1: $(head -c 300 "$2" 2>/dev/null)"
    return 1
}

# The state of the answer as the stream has told it so far. Its last line may still be on its way.
answer_state() {
    sed -n 's/^data: //p' "$folder/stream" | jq -rR 'fromjson? | .message? | objects
        | select(.role == "assistant").state' | tail -n 1
}

# Reads the stream until the answer has ended.
follow() {
    local pid state deadline=$((SECONDS + smoke_answer_seconds_max))
    : >"$folder/stream"
    curl --silent --no-buffer --max-time "$smoke_answer_seconds_max" --config "$folder/key" \
        "$url/api/v1/conversations/$1/events" >"$folder/stream" &
    pid=$!
    while :; do
        state=$(answer_state)
        [[ ! $state || $state == running ]] || break
        # Between the last byte and the end of the process there may have been one more: so it is asked first.
        if ((SECONDS >= deadline)) || ! kill -0 "$pid" 2>/dev/null; then break; fi
        sleep 0.2
    done
    kill "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
    state=$(answer_state)
    [[ $state != complete ]] || return 0
    say "  the answer did not come to its end, it is '$state': $(tail -n 3 "$folder/stream" | head -c 300)"
    return 1
}

# The same conversation, from each task that the load balancer deals out, until two have been met.
read_from_others() {
    local seen=() task deadline=$((SECONDS + smoke_tasks_seconds_max)) wanted
    wanted=$(describe_service | jq -r '.runningCount')
    ((wanted < 2)) || wanted=2
    while ((SECONDS < deadline)); do
        ask GET "/conversations/$1" >"$folder/answer" || fails "the conversation cannot be read" "$folder/answer" || return
        task=$(<"$folder/task")
        [[ $(jq -r '[.messages[] | select(.role == "assistant")][0].state' "$folder/answer") == complete ]] ||
            fails "task $task does not have the answer" "$folder/answer" || return
        [[ " ${seen[*]} " == *" $task "* ]] || seen+=("$task")
        if ((${#seen[@]} >= wanted)); then
            say "  read again from ${#seen[@]} task(s): ${seen[*]}"
            return 0
        fi
        sleep 0.2
    done
    say "  $wanted tasks run, but only ${seen[*]} answered within $smoke_tasks_seconds_max s: are the others ready?"
    return 1
}

# shellcheck shell=bash
# Starting and ending the rig's own processes, each by its own pid. Sourced, never run; needs RIG_DIR.
#
# A pid file holds the pid and the process's start time. Pids are reused, so both must match before a signal is sent.

start_time() {
    local stat
    stat="$(cat "/proc/$1/stat" 2>/dev/null)" || return 1
    stat="${stat##*) }"                    # the name before it may hold blanks and brackets
    awk '{ print $20 }' <<<"$stat"         # field 22 of the whole line
}

# start_process NAME COMMAND…: in a session of its own, so that Ctrl-C in the terminal does not reach it.
start_process() {
    local name="$1" pid
    shift
    setsid "$@" </dev/null >>"$RIG_DIR/log/$name.log" 2>&1 &
    pid=$!
    echo "$pid $(start_time "$pid")" >"$RIG_DIR/pid/$name"
}

# Prints the pid if the process NAME is alive, whether running or stopped.
pid_of() {
    local pid started
    [ -e "$RIG_DIR/pid/$1" ] || return 1
    read -r pid started <"$RIG_DIR/pid/$1" || return 1
    [ -n "$started" ] && [ "$(start_time "$pid")" = "$started" ] || return 1
    [ "$(process_state "$pid")" != Z ] || return 1
    echo "$pid"
}

process_state() {
    local stat
    stat="$(cat "/proc/$1/stat" 2>/dev/null)" || return 1
    stat="${stat##*) }"
    echo "${stat%% *}"
}

signal_process() {
    local pid
    pid="$(pid_of "$1")" || fail "$1 is not running, so it cannot get a $2. See $RIG_DIR/log/$1.log."
    kill -s "$2" "$pid"
}

# Returns once the signal has taken effect: an OSD that is "paused" but still answering would make tests lie.
pause_process() {
    signal_process "$1" STOP
    wait_for 10 "$1 to stop running" is_paused "$1"
}

# The signal is sent at once, but each thread obeys in its own time.
is_paused() {
    local pid states
    pid="$(pid_of "$1")" || return 1
    states="$(cat "/proc/$pid"/task/*/stat 2>/dev/null | sed 's/.*) \(.\) .*/\1/' | sort -u)"
    [ "$states" = T ]
}

# stop_process NAME [SIGNAL]: ends it and waits for its end; a process that is not there is fine.
stop_process() {
    local name="$1" pid
    if pid="$(pid_of "$name")"; then
        kill -s "${2:-TERM}" "$pid" 2>/dev/null || true
        kill -s CONT "$pid" 2>/dev/null || true      # a stopped process does not see TERM
        if ! poll 10 is_gone "$name"; then
            say "$name did not end within 10 s of SIGTERM: SIGKILL"
            kill -s KILL "$pid" 2>/dev/null || true
            poll 10 is_gone "$name" || fail "$name (pid $pid) does not end, not even by SIGKILL. See $RIG_DIR/log/$name.log."
        fi
    fi
    rm -f "$RIG_DIR/pid/$name"
}

is_gone() { ! pid_of "$1" >/dev/null; }

# poll SECONDS COMMAND…: true as soon as the command is.
poll() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$deadline" ] || return 1
        sleep 0.1
    done
}

# wait_for SECONDS WHAT COMMAND…: as poll, but failing is an error that says what did not happen.
wait_for() {
    local seconds="$1" what="$2"
    shift 2
    poll "$seconds" "$@" || fail "waited $seconds s for $what in vain. The logs are in $RIG_DIR/log."
}

# wait_until_up NAME SECONDS COMMAND…: as wait_for, but notices at once when the process has died.
wait_until_up() {
    local name="$1" deadline=$((SECONDS + $2))
    shift 2
    until "$@" >/dev/null 2>&1; do
        if is_gone "$name"; then
            tail -n 15 "$RIG_DIR/log/$name.log" >&2 || true
            fail "$name ended while starting; its last words are above, all of them in $RIG_DIR/log/$name.log."
        fi
        [ "$SECONDS" -lt "$deadline" ] || fail "$name runs but does not answer. See $RIG_DIR/log/$name.log."
        sleep 0.1
    done
}

# shellcheck shell=bash
# How the demo shows what it does: commands, answers, times; in colour on a terminal. Sourced, never run; needs RIG_DIR.

# shellcheck disable=SC2034  # the acts use the colours, too
# NO_COLOR, when it is not empty, means no colour: https://no-color.org
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    bold=$'\e[1;36m' dim=$'\e[2m' good=$'\e[32m' bad=$'\e[31m' plain=$'\e[0m'
else
    bold="" dim="" good="" bad="" plain=""
fi

# Where the lines go as well, without colour; nowhere while it is empty.
transcript=""

# line COLOUR TEXT…
line() {
    local colour="$1"
    shift
    printf '%s%s%s\n' "$colour" "$*" "${colour:+$plain}"
    [ -z "$transcript" ] || printf '%s\n' "$*" >>"$transcript"
}

indented() { sed 's/^/    /'; }

# MARK: Steps and their times

step_began=""

# heading TEXT…: a new step; the one before has ended.
heading() {
    end_step
    echo
    line "$bold" "== $*"
    step_began="$EPOCHREALTIME"
}

end_step() {
    [ -z "$step_began" ] || line "$dim" "    ($(seconds_since "$step_began") s)"
    step_began=""
}

# seconds_since MOMENT: with two digits after the point, whatever the locale's point is.
seconds_since() { awk -v from="${1/,/.}" -v to="${EPOCHREALTIME/,/.}" 'BEGIN { printf "%.2f", to - from }'; }

# MARK: Commands and calls

# show COMMAND…: the command as one would type it, and what it prints.
show() {
    printf '%s$ %s%s\n' "$dim" "$*" "$plain"
    "$@" 2>&1 | indented
}

# curl_config NODE: what every call of Docker's has is in here: a POST without a Content-Type.
curl_config() {
    cat >"$RIG_DIR/$1/docker.curl" <<CURL
unix-socket = "$RIG_DIR/$1/rbd.sock"
header = "Accept: application/vnd.docker.plugins.v1.2+json"
header = "Content-Type:"
silent
show-error
max-time = 60
CURL
}

# post NODE METHOD BODY: one of Docker's calls. The answer is in $answer, its status in $code.
post() {
    local reply
    reply="$(curl --config "$RIG_DIR/$1/docker.curl" --data "$3" --write-out '\n%{http_code}' "http://plugin/$2")" ||
        fail "$2 got no answer from $1."
    code="${reply##*$'\n'}"
    answer="${reply%$'\n'*}"
    jq -e . <<<"$answer" >/dev/null 2>&1 || fail "$2 was answered (status $code) with what is no JSON: $answer"
}

error_of_answer() { jq -r '.Err // ""' <<<"$answer"; }

expect_success() {
    [ -z "$(error_of_answer)" ] || fail "$1 was refused: $(error_of_answer)"
    [ "$code" = 200 ] || fail "$1 was answered with status $code; only 200 is success to Docker."
}

# ask METHOD BODY: to the first node, with all that goes over the wire.
ask() {
    printf "%s\$ curl --config docker.curl --data '%s' http://plugin/%s%s\n" "$dim" "$2" "$1" "$plain"
    post node-a "$1" "$2"
    jq . <<<"$answer" | indented
}

# call METHOD BODY: the same, and an error in the answer ends the demo.
call() {
    ask "$1" "$2"
    expect_success "$1"
}

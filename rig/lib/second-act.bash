# shellcheck shell=bash
# The demo's second act: a node freezes, another one takes its volume over. Sourced by rig/demo, never run.
#
# README shows these lines ('make readme' writes them there), so they are few and short.
#
# shellcheck disable=SC2034,SC2154  # stage.bash and rig/demo set and use them

# on NODE METHOD BODY: a call and its answer, in a line each.
on() {
    line "$dim" "$1> $2 $3"
    post "$1" "$2" "$3"
    line "" "    $(jq -c . <<<"$answer")"
}

tell() { line "$good" "    $*"; }

# MARK: The writer, as a database in a container of node-a

# Appends records to a file that it holds open, each with fsync, until that fails; notes the number of each record that
# is safe, and in the end the reason. To be started in the background: its pid is the writer's.
write_records() {
    exec python3 - "$1" "$RIG_DIR/tmp/acknowledged" "$RIG_DIR/tmp/refusal" <<'PYTHON'
import itertools, os, signal, sys

signal.signal(signal.SIGINT, signal.SIG_IGN)    # Ctrl-C is for the demo, which ends this
with open(sys.argv[1], "ab", buffering=0) as records, open(sys.argv[2], "w") as acknowledged:
    try:
        for number in itertools.count(1):
            records.write(b"record %d\n" % number)
            os.fsync(records.fileno())
            print(number, file=acknowledged, flush=True)
    except OSError as error:
        with open(sys.argv[3], "w") as refusal:
            print(error.strerror, file=refusal)
PYTHON
}

acknowledged() { wc -l <"$RIG_DIR/tmp/acknowledged"; }

some_are_acknowledged() { [ -e "$RIG_DIR/tmp/acknowledged" ] && [ "$(acknowledged)" -ge 20 ]; }

writer_has_ended() { ! kill -s 0 "$writer" 2>/dev/null; }

end_writer() {
    [ -z "${writer:-}" ] || kill "$writer" 2>/dev/null || true
}

# expect_acknowledged FILE: it begins with every record that is acknowledged by now.
expect_acknowledged() {
    local count
    count="$(acknowledged)"
    seq -f 'record %.0f' "$count" | cmp - <(head -n "$count" "$1") >&2 ||
        fail "a record that was acknowledged is not in $1."
}

# MARK: Taking over

# Docker and Swarm ask again; so does this.
mount_at_last() {
    local deadline=$((SECONDS + 120))
    line "$dim" "$1> VolumeDriver.Mount $2    # again and again"
    until post "$1" VolumeDriver.Mount "$2" && [ -z "$(error_of_answer)" ]; do
        [ "$SECONDS" -lt "$deadline" ] || fail "$1 did not get the volume within two minutes: $(error_of_answer)"
        sleep 0.5
    done
    line "" "    $(jq -c . <<<"$answer")"
}

# What serves node-a: its plugin and, unless the kernel does it, the process that carries the data.
processes_of_node() { processes_below "$RIG_DIR/$1" rbd-plugin qemu-storage-daemon rbd-nbd | paste -sd ' '; }

client_in_record() {
    etcdctl get --print-value-only docker/volume/rbd/mounts/ledger | jq -r '.clients[0] // ""'
}

blocklist_entry() { ceph --conf "$RIG_ADMIN_CONF" osd blocklist ls 2>/dev/null | grep -F "$1 " || true; }

# has_let_go NODE: nothing is mounted or mapped there any more.
has_let_go() {
    [ -z "$(mounts_below "$RIG_DIR/$1")" ] && [ -z "$(loop_devices_below "$RIG_DIR/$1")" ] &&
        none_below "$RIG_DIR/$1" qemu-storage-daemon rbd-nbd
}

# MARK: The act

second_act() {
    local first second client frozen count refusal entry

    heading "node-a creates a volume, mounts it, and appends records to it, each with fsync"
    on node-a VolumeDriver.Create '{"Name":"ledger","Opts":{"pool":"rbd","size":"206"}}'
    expect_success VolumeDriver.Create
    on node-a VolumeDriver.Mount '{"Name":"ledger","ID":"writer"}'
    expect_success VolumeDriver.Mount
    first="$(jq -r .Mountpoint <<<"$answer")"
    : >"$first/records"
    write_records "$first/records" &
    writer=$!
    wait_for 120 "the first records to be written" some_are_acknowledged
    client="$(client_in_record)"

    heading "node-b asks for the volume while node-a is alive"
    on node-b VolumeDriver.Mount '{"Name":"ledger","ID":"reader"}'
    [ -n "$(error_of_answer)" ] || fail "node-b has mounted a volume that node-a has mounted."

    heading "node-a freezes: its plugin, and the process that carries the volume's data"
    frozen="$(processes_of_node node-a)"
    line "$dim" "\$ kill -STOP $frozen"
    # shellcheck disable=SC2086  # several pids
    kill -s STOP $frozen

    heading "node-b asks again, and takes the volume over once node-a has been silent for $node_ttl"
    mount_at_last node-b '{"Name":"ledger","ID":"reader"}'
    second="$(jq -r .Mountpoint <<<"$answer")"
    entry="$(blocklist_entry "$client")"
    [ -n "$entry" ] || fail "node-a's Ceph client $client is not on the blocklist."
    tell "node-a's Ceph client $client is on Ceph's blocklist until ${entry#* }"
    count="$(acknowledged)"
    expect_acknowledged "$second/records"
    cp "$second/records" "$RIG_DIR/tmp/taken-over"
    tell "node-b has every one of the $count acknowledged records"

    heading "node-a wakes, with a write under way"
    line "$dim" "\$ kill -CONT $frozen"
    # shellcheck disable=SC2086
    kill -s CONT $frozen
    wait_for 120 "node-a's write to be refused" writer_has_ended
    writer=""
    refusal="$(cat "$RIG_DIR/tmp/refusal")"
    line "$bad" "    node-a's write is refused: $refusal"
    wait_for 120 "node-a to let go of the volume" has_let_go node-a
    # A write that was safe before the freeze may be acknowledged only now.
    expect_acknowledged "$second/records"
    cmp "$RIG_DIR/tmp/taken-over" "$second/records" >&2 || fail "node-a has changed what node-b has mounted."
    tell "node-a has let go of the volume; nothing of what node-b took over has changed"
    end_step
    transcript=""

    heading "node-b gives the volume back, and removes it"
    on node-b VolumeDriver.Unmount '{"Name":"ledger","ID":"reader"}'
    expect_success VolumeDriver.Unmount
    on node-b VolumeDriver.Remove '{"Name":"ledger"}'
    expect_success VolumeDriver.Remove
}

/// `ResponseHeader`: part of every answer.
struct WireHeader: Decodable, Sendable {
    var cluster_id: WireUInt64?
    var member_id: WireUInt64?
    var revision: WireInt64?
    var raft_term: WireUInt64?

    /// Every answer but a watch's refusal carries the store's revision, and no store is at revision 0.
    func requireRevision() throws(WireViolation) -> Int64 {
        guard let revision, revision.value > 0 else { throw WireViolation("field header.revision is missing") }
        return revision.value
    }

    func model() throws(WireViolation) -> ResponseHeader {
        guard let cluster_id, let member_id else {
            throw WireViolation("field header.cluster_id or header.member_id is missing")
        }
        return ResponseHeader(
            clusterID: cluster_id.value, memberID: member_id.value, revision: try requireRevision(),
            raftTerm: raft_term?.value ?? 0)
    }
}

/// `mvccpb.KeyValue`.
struct WireKeyValue: Decodable, Sendable {
    var key: WireBytes
    var create_revision: WireInt64?
    var mod_revision: WireInt64
    var version: WireInt64?
    var value: WireBytes?
    var lease: WireInt64?

    /// A key that exists: it has been created and written at least once.
    func model() throws(WireViolation) -> KeyValue {
        guard let create_revision, let version else {
            throw WireViolation("field kv.create_revision or kv.version is missing")
        }
        return KeyValue(
            keyBytes: key.bytes, value: value?.bytes ?? [], createRevision: create_revision.value,
            modRevision: mod_revision.value, version: version.value, lease: lease.map { LeaseID($0.value) })
    }
}

extension [WireKeyValue] {
    func model() throws(WireViolation) -> [KeyValue] {
        var kvs: [KeyValue] = []
        kvs.reserveCapacity(count)
        for kv in self { kvs.append(try kv.model()) }
        return kvs
    }
}

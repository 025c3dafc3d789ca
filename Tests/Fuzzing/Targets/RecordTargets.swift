import VolumeCore

@testable import EtcdState
@testable import NodeStorage

/// What stands under one key in etcd: whoever may write there writes what he likes.
struct RecordTarget<Record: CheckedRecord & Hashable & Sendable>: FuzzTarget {
    let name: String
    let key: String
    /// What the driver does with a record without asking further.
    let use: @Sendable (Record) throws(Broken) -> Void

    var words: [String] { RecordWords.all }

    func run(_ input: [UInt8]) async throws(Broken) -> String {
        _ = RecordCodec.writeToken(of: input)
        switch Self.read(input, key) {
        case .failure(let error):
            try hold(error.description.contains(key), "a refusal does not name the key: \(error)")
            try hold(!error.why.isEmpty, "a refusal gives no reason")
            return kind(error.why)
        case .success(let record):
            try use(record)
            guard case .success(let bytes) = Result(catching: { try RecordCodec.encode(record, write: "w") }) else {
                throw Broken("what was read cannot be written again")
            }
            guard case .success(let again) = Self.read(bytes, key), again == record else {
                throw Broken("what was written again reads as another record")
            }
            return "read \(bytes.count.bitWidth - bytes.count.leadingZeroBitCount)"
        }
    }

    private static func read(_ input: [UInt8], _ key: String) -> Result<Record, VolumeError> {
        Result { () throws(VolumeError) in try RecordCodec.decode(Record.self, from: input, key: key) }
    }
}

enum RecordWords {
    static let all = [
        "volumes/db", "\"adopted\":true", "\"phase\":\"ready\"", "\"phase\":\"creating\"", "\"schema\":2", "spec",
        "ext4", "xfs", "btrfs", "object-map", "exclusive-lock", "bit-40", "errors=panic", "logdev=/dev/sda", "-d",
        "10.0.0.9:0/9", "[fd00::1]:0/7", "/dev/rbd0", "/mnt/volumes/../db", "attached", "fencing",
    ]

    static let volumes = RecordTarget<VolumeRecord>(name: "record-volume", key: "p/volumes/db") {
        record throws(Broken) in
        try hold(record.name.text == "db", "the record of another volume was read")
        let spec = record.spec
        for word in spec.mkfsOptions + spec.mountOptions {
            try hold(!word.utf8.contains(UInt8(ascii: "/")), "a path among the options: \(word)")
        }
        try OptionChecks.reachNothingElse(spec)
        _ = FuseFolder.name(of: record.image)
    }

    static let mounts = RecordTarget<Attachment>(name: "record-mount", key: "p/mounts/db") { record throws(Broken) in
        for path in [record.device, record.mountpoint].compactMap(\.self) { try PathChecks.meansWhatItSays(path) }
        try hold(record.device?.hasPrefix("/dev/") != false, "a device that is none: \(record.device ?? "")")
        _ = record.epoch.next
        _ = record.counting("x").counting("0a1b").uncounting("0a1b").countingAnew("x")
        for client in record.clients { try ClientAddressChecks.isOneClient(client) }
    }

    static let readers = RecordTarget<Readers>(name: "record-readers", key: "p/readers/db") { readers throws(Broken) in
        for mount in readers.all {
            try hold(mount.clients.isEmpty && mount.fenced == nil, "a reader that would have to be shut out")
            for path in [mount.device, mount.mountpoint].compactMap(\.self) { try PathChecks.meansWhatItSays(path) }
            try hold(readers[mount.owner.node] == mount, "a reader in another one's place")
        }
    }

    static let policies = RecordTarget<Policy>(name: "record-policy", key: "p/policies/gold") { policy in
        _ = (policy.contradiction, policy.values)
    }

    static let nodes = RecordTarget<NodeRecord>(name: "record-node", key: "p/nodes/a") { record throws(Broken) in
        try hold(record.node == "a", "the record of another node was read")
    }

    static let cluster = RecordTarget<ClusterRecord>(name: "record-cluster", key: "p/cluster") { _ in }
}

extension RecordWords {
    static let targets: [any FuzzTarget] = [volumes, mounts, readers, policies, nodes, cluster]
}

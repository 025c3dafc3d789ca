import UntrustedJSON
import VolumeCore

@testable import EtcdState
@testable import NodeStorage

/// `docker volume create -o …`: the options as they come, a JSON object of texts.
struct OptionTarget: FuzzTarget {
    let name = "options"
    let words = VolumeOption.allCases.map(\.rawValue) + OptionChecks.words

    func run(_ input: [UInt8]) async throws(Broken) -> String {
        guard let options = try? UntrustedJSON.decode([String: String].self, from: input) else { return "" }
        switch Result(catching: { () throws(VolumeError) in try Self.request(options) }) {
        case .failure(let error):
            try hold(
                error.description.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f },
                "the refusal is not one plain line: \(error.description.debugDescription)")
            try hold(error.outcome == .refused, "a refusal that is none: \(error)")
            return kind(error.why)
        case .success(let request):
            try OptionChecks.reachNothingElse(request.spec)
            try hold(request.contradiction(to: request.spec) == nil, "it contradicts itself")
            try hold(
                (try? Self.request(request.options)) == request, "it reads as another request by the plugin's own names"
            )
            try Self.survivesItsRecord(request)
            return "\(request.spec.filesystem) \(request.given.map(\.rawValue).sorted()) \(request.adoption)"
        }
    }

    private static func request(_ options: [String: String]) throws(VolumeError) -> VolumeRequest {
        try VolumeRequest(options: options, defaults: VolumeDefaults(pool: "rbd"))
    }

    /// What is accepted goes into etcd, and is checked again when it is read there.
    private static func survivesItsRecord(_ request: VolumeRequest) throws(Broken) {
        do {
            let record = VolumeRecord(
                name: try VolumeName("db"), uid: "u0", phase: .creating, spec: request.spec, options: request.options,
                createdAt: "2026-01-02T03:04:05Z", origin: request.adopt ? .adopted : .blank)
            let bytes = try RecordCodec.encode(record, write: "w")
            let read = try RecordCodec.decode(VolumeRecord.self, from: bytes, key: "volumes/db")
            guard read == record else { throw Broken("its record reads as another one") }
        } catch let broken as Broken {
            throw broken
        } catch {
            throw Broken("it is accepted, and its record is not: \(error)")
        }
    }
}

/// What accepted options never do.
enum OptionChecks {
    static let words = [
        "ext4", "xfs", "btrfs", "512M", "10G", "1.5G", "10 GiB", "1T", "4P", "mountOptions", "Data_Pool", "Adopt",
        "filesystem", "object-map", "exclusive-lock", "layering", "61", "0750",
        "true", "own", "noatime", "discard", "errors=panic", "errors=remount-ro", "data=ordered", "context=x",
        "subvol=a", "logdev=", "remount", "bind", "x-systemd", "-m", "-E", "-O", "-l", "-d", "-b", "--data",
        "size=64m", "logdev=x", "lazy_itable_init=1", "queue_depth=128", "crush_location=x", "ms_mode=legacy",
        "noshare", "share", "ip=1.2.3.4", "ro", "rw",
    ]

    /// Neither another device nor a file of the host, nor more options than were looked at.
    static func reachNothingElse(_ spec: VolumeSpec) throws(Broken) {
        for word in spec.mkfsOptions + spec.mountOptions + spec.mapOptions {
            try hold(
                !word.isEmpty && word.utf8.allSatisfy { (0x21...0x7e).contains($0) }, "a word that is none: \(word)")
        }
        let data = MountOptions(spec.mountOptions).data
        // As the kernel divides them.
        let seen = data.utf8.split(separator: UInt8(ascii: ",")).map { text(Array($0)) }
        try hold(Set(seen).isSubset(of: spec.mountOptions), "the kernel sees other mount options: \(data)")
        if (try? spec.refuseDangerousOptions(of: VolumeName("db"))) != nil {
            for word in ["errors=panic", "fatal_errors=panic", "remount", "bind", "test_dummy_encryption"] {
                try hold(!seen.contains(word), "\(word) gets to the kernel")
            }
        }
        try mkfsWritesNowhereElse(spec)
    }

    private static func mkfsWritesNowhereElse(_ spec: VolumeSpec) throws(Broken) {
        guard (try? spec.checkMkfsOptions()) != nil else { return }
        let command = MkfsCommand(spec.filesystem, size: spec.size, words: spec.mkfsOptions).options
        for word in command {
            try hold(!word.contains("/") && !word.contains("logdev"), "mkfs is told of another device: \(command)")
        }
    }
}

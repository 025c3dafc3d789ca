/// Which filesystem a device bears, by the magic numbers of the superblocks.
public struct FilesystemSignature: Sendable, Hashable {
    /// How much of the device's beginning has to be read.
    public static let length = 128 << 10

    /// The filesystems whose mark is there: normally one or none.
    public let found: [FilesystemType]

    public init(head: [UInt8]) {
        found = FilesystemType.allCases.filter { type in
            let mark = type.facts.mark
            return head.count >= mark.offset + mark.bytes.count && head[mark.offset...].starts(with: mark.bytes)
        }
    }

    /// `it has no ext4, but xfs`.
    public static func lack(of filesystem: FilesystemType, _ found: [FilesystemType]) -> String {
        let there = found.map(\.rawValue).joined(separator: " and ")
        return "it has no \(filesystem.rawValue)" + (there.isEmpty ? "" : ", but \(there)")
    }
}

extension VolumeError {
    /// A device does not hold the filesystem that its volume has.
    /// - Parameter told: the kernel's own words, if it tried to mount it.
    public static func wrongFilesystem(
        _ what: String, wanted: FilesystemType, found: [FilesystemType], told: String? = nil,
        outcome: Outcome = .refused
    ) -> VolumeError {
        VolumeError(
            .damaged, what, why: FilesystemSignature.lack(of: wanted, found) + (told.map { " (\($0))" } ?? ""),
            remedy: "look at the image by hand; nothing was changed", outcome: outcome)
    }
}

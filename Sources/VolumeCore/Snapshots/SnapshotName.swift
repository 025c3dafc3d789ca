/// The name of a snapshot, checked once: letters, digits, `_`, `.` and `-`, at most 128. librbd takes any; the tools of Ceph read
/// `image@snapshot`.
public struct SnapshotName: Sendable, Hashable, Comparable {
    public static let maximumLength = 128

    public let text: String

    /// - Throws: `VolumeError` with code `invalidName`.
    public init(_ text: String) throws(VolumeError) {
        guard let first = text.utf8.first, text.utf8.count <= Self.maximumLength, NameBytes.isLetterOrDigit(first),
            text.utf8.allSatisfy({ NameBytes.isLetterOrDigit($0) || "_.-".utf8.contains($0) })
        else {
            throw VolumeError(
                .invalidName, "use \(ShownText.quoted(text, limit: 40)) as the name of a snapshot",
                why: "it is not one",
                remedy: "use letters, digits, '_', '.' and '-', beginning with a letter or a digit, at most"
                    + " \(Self.maximumLength) characters",
                outcome: .refused)
        }
        self.text = text
    }

    public static func < (left: Self, right: Self) -> Bool { left.text < right.text }
}

extension SnapshotName: CustomStringConvertible {
    public var description: String { text }
}

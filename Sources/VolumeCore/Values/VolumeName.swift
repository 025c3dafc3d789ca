/// A volume's name, checked once and safe from then on as an RBD image name, an etcd key and a directory.
///
/// The Docker daemon checks nothing for plugins: `..`, slashes, blanks and 10 kB names do arrive.
public struct VolumeName: Sendable, Hashable, Comparable {
    public static let maximumLength = 200

    public let text: String

    /// - Throws: `VolumeError` with code `invalidName`, naming what is wrong.
    public init(_ text: String) throws(VolumeError) {
        if let fault = Self.fault(in: text) {
            throw VolumeError(
                .invalidName, "use \(ShownText.quoted(text, limit: 40)) as a volume name", why: fault,
                remedy: "use letters, digits, '_', '.' and '-', beginning with a letter or a digit,"
                    + " at most \(Self.maximumLength) characters",
                outcome: .refused)
        }
        self.text = text
    }

    private static func fault(in text: String) -> String? {
        let bytes = text.utf8
        guard let first = bytes.first else { return "it is empty" }
        if bytes.count > maximumLength { return "it is \(bytes.count) bytes long" }
        if let odd = text.unicodeScalars.first(where: { !isAllowed($0) }) {
            return "it contains \(ShownText.quoted(String(odd)))"
        }
        if !isAlphanumeric(first) { return "it begins with '\(Character(UnicodeScalar(first)))'" }
        if text.hasPrefix(VolumeRecord.unfinishedPrefix) {
            return "names that begin with '\(VolumeRecord.unfinishedPrefix)' are reserved for unfinished images"
        }
        if text.hasPrefix(VolumeRecord.removedPrefix) {
            return
                "names that begin with '\(VolumeRecord.removedPrefix)' are reserved for the images of removed volumes"
        }
        return nil
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }

    private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
        scalar.isASCII && (isAlphanumeric(UInt8(scalar.value)) || scalar == "_" || scalar == "." || scalar == "-")
    }

    public static func < (left: Self, right: Self) -> Bool { left.text < right.text }
}

extension VolumeName: CustomStringConvertible {
    public var description: String { text }
}

extension VolumeName: Codable {
    public init(from decoder: any Decoder) throws {
        try self.init(decoder.singleValueContainer().decode(String.self))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}

/// A volume's name, checked once and safe from then on as an RBD image name, an etcd key and a directory.
///
/// The Docker daemon checks nothing for plugins: `..`, slashes, blanks and 10 kB names do arrive. `POLICY/NAME`, as contiv's volplugin
/// had it, is the one name with a slash that can be given: the volume's is `POLICY.NAME` then, and so is its image's.
public struct VolumeName: Sendable, Comparable {
    public static let maximumLength = 200

    /// What keys, images and folders are called.
    public let text: String
    /// The policy that was named before a slash.
    public let policy: PolicyName?

    /// The name as Docker knows it.
    public var given: String { policy.map { "\($0)/\(text.dropFirst($0.text.count + 1))" } ?? text }

    /// A name as people and Docker give it.
    /// - Throws: `VolumeError` with code `invalidName`, naming what is wrong.
    public init(given: String) throws(VolumeError) {
        let steps = PathSteps.of(given)
        guard steps.count == 2, let policy = try? PolicyName(steps[0]), (try? VolumeName(steps[1])) != nil else {
            self = try VolumeName(given)
            return
        }
        self.init(text: try VolumeName("\(policy).\(steps[1])").text, policy: policy)
    }

    private init(text: String, policy: PolicyName?) {
        self.text = text
        self.policy = policy
    }

    /// A name as records, keys and images have it.
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
        policy = nil
    }

    private static func fault(in text: String) -> String? {
        let bytes = text.utf8
        guard let first = bytes.first else { return "it is empty" }
        if bytes.count > maximumLength { return "it is \(bytes.count) bytes long" }
        if let odd = text.unicodeScalars.first(where: { !isAllowed($0) }) {
            return "it contains \(ShownText.quoted(String(odd)))"
        }
        if !NameBytes.isLetterOrDigit(first) { return "it begins with '\(Character(UnicodeScalar(first)))'" }
        if text.hasPrefix(VolumeRecord.unfinishedPrefix) {
            return "names that begin with '\(VolumeRecord.unfinishedPrefix)' are reserved for unfinished images"
        }
        if text.hasPrefix(VolumeRecord.removedPrefix) {
            return
                "names that begin with '\(VolumeRecord.removedPrefix)' are reserved for the images of removed volumes"
        }
        if text.hasPrefix(VolumeRecord.keptPrefix) {
            return
                "names that begin with '\(VolumeRecord.keptPrefix)' are reserved for the images that the trash keeps"
        }
        return nil
    }

    private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
        scalar.isASCII
            && (NameBytes.isLetterOrDigit(UInt8(scalar.value)) || scalar == "_" || scalar == "." || scalar == "-")
    }

    public static func < (left: Self, right: Self) -> Bool { left.text < right.text }
}

/// Two names that mean one image are the same name, however they are given.
extension VolumeName: Hashable {
    public static func == (left: Self, right: Self) -> Bool { left.text == right.text }

    public func hash(into hasher: inout Hasher) { hasher.combine(text) }
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

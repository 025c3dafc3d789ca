/// One boot of one node. A node that reboots keeps its name and gets a new boot id; whatever an earlier boot had
/// mapped or mounted is gone.
public struct NodeIdentity: Sendable, Hashable, Codable {
    /// The node's name, `NODE_NAME` or the host name. Unique in the cluster.
    public let node: String
    /// The kernel's `/proc/sys/kernel/random/boot_id`.
    public let boot: String

    public init(node: String, boot: String) {
        self.node = node
        self.boot = boot
    }
}

/// Counts the owners a volume has had. Grows with every claim and is never lowered or reused.
public struct Epoch: Sendable, Hashable, Comparable, Codable {
    public let number: UInt64

    public init(_ number: UInt64) { self.number = number }

    public static let none = Epoch(0)

    public var next: Epoch { Epoch(number + 1) }

    public static func < (left: Self, right: Self) -> Bool { left.number < right.number }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        number = try container.decode(UInt64.self)
        guard number < UInt64.max else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "no epoch can follow \(number)")
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(number)
    }
}

extension Epoch: CustomStringConvertible {
    public var description: String { "\(number)" }
}

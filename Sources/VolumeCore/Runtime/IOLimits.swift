/// How much a volume may be read and written in a second; `nil` where nothing bounds it.
public struct IOLimits: Sendable, Hashable {
    /// Reads and writes together, in operations a second.
    public var iops: UInt64?
    public var readIOPS: UInt64?
    public var writeIOPS: UInt64?
    /// Reads and writes together, in bytes a second.
    public var bps: UInt64?
    public var readBPS: UInt64?
    public var writeBPS: UInt64?

    public init(
        iops: UInt64? = nil, readIOPS: UInt64? = nil, writeIOPS: UInt64? = nil, bps: UInt64? = nil,
        readBPS: UInt64? = nil, writeBPS: UInt64? = nil
    ) {
        self.iops = iops
        self.readIOPS = readIOPS
        self.writeIOPS = writeIOPS
        self.bps = bps
        self.readBPS = readBPS
        self.writeBPS = writeBPS
    }

    public static let none = IOLimits()
}

extension IOLimits: CustomStringConvertible {
    /// Those that are set, by the names of the options.
    public var all: [(name: String, value: UInt64)] {
        [
            ("iops", iops), ("read-iops", readIOPS), ("write-iops", writeIOPS), ("bps", bps), ("read-bps", readBPS),
            ("write-bps", writeBPS),
        ].compactMap { name, value in value.map { (name, $0) } }
    }

    /// `iops=500 write-bps=20971520`; `none`.
    public var description: String {
        all.isEmpty ? "none" : all.map { "\($0.name)=\($0.value)" }.joined(separator: " ")
    }
}

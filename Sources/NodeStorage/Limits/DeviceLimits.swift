import VolumeCore

/// The limits of a device that a control group can have: for reads and for writes, and none for both together.
struct DeviceLimits: Sendable, Hashable {
    var readBPS: UInt64?
    var writeBPS: UInt64?
    var readIOPS: UInt64?
    var writeIOPS: UInt64?

    static let none = DeviceLimits()
}

extension DeviceLimits {
    /// What of the limits a control group can hold. The kernel counts operations in 32 bits, of which the largest number means
    /// that there is no limit.
    init(_ limits: IOLimits) {
        let mostOperations = UInt64(UInt32.max)
        readBPS = limits.readBPS
        writeBPS = limits.writeBPS
        readIOPS = limits.readIOPS.flatMap { $0 < mostOperations ? $0 : nil }
        writeIOPS = limits.writeIOPS.flatMap { $0 < mostOperations ? $0 : nil }
    }

    /// The names in `io.max` (cgroup v2).
    private static let words: [(word: String, limit: any WritableKeyPath<DeviceLimits, UInt64?> & Sendable)] = [
        ("rbps", \.readBPS), ("wbps", \.writeBPS), ("riops", \.readIOPS), ("wiops", \.writeIOPS),
    ]

    /// The files of cgroup v1, which hold a line for each device.
    static let files: [(file: String, limit: any WritableKeyPath<DeviceLimits, UInt64?> & Sendable)] = [
        ("blkio.throttle.read_bps_device", \.readBPS), ("blkio.throttle.write_bps_device", \.writeBPS),
        ("blkio.throttle.read_iops_device", \.readIOPS), ("blkio.throttle.write_iops_device", \.writeIOPS),
    ]

    /// Reads `io.max`: `8:16 rbps=max wbps=1048576 riops=max wiops=max`, a line for each device that has limits.
    init(ioMax text: String, device number: String) {
        for item in Self.line(of: number, in: text) ?? [] {
            let parts = item.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, let known = Self.words.first(where: { $0.word == parts[0] }) else { continue }
            self[keyPath: known.limit] = UInt64(parts[1])
        }
    }

    /// What to write to `io.max`, so that the device has exactly these limits.
    func ioMax(of number: String) -> String {
        let items = Self.words.map { "\($0.word)=\(self[keyPath: $0.limit].map(String.init) ?? "max")" }
        return ([number] + items).joined(separator: " ")
    }

    /// The device's limit in a file of cgroup v1: `8:16 1048576`.
    static func limit(of number: String, inLegacy text: String) -> UInt64? {
        line(of: number, in: text)?.first.flatMap { UInt64($0) }
    }

    /// What follows the device's number on its line.
    private static func line(of number: String, in text: String) -> ArraySlice<Substring>? {
        text.split(separator: "\n").lazy.map { $0.split(separator: " ") }.first { $0.first == number[...] }?.dropFirst()
    }
}

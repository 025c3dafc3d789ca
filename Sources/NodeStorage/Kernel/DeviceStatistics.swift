import VolumeCore

/// What the kernel has counted of a block device since it was attached: `/sys/block/<name>/stat`, described in the kernel's
/// Documentation/block/stat.rst.
public struct DeviceStatistics: Sendable, Hashable {
    /// Requests that have ended, and what they carried in bytes.
    public var reads: UInt64
    public var writes: UInt64
    public var readBytes: UInt64
    public var writtenBytes: UInt64
    /// What the requests have waited for their end, added up.
    public var readTime: Duration
    public var writeTime: Duration
    /// Requests that have begun and not ended. Where they do not become fewer for long, the device hangs.
    public var inFlight: UInt64

    /// - Parameter line: the file's only line. `nil` when it is none.
    init?(_ line: String) {
        let fields = line.split(separator: " ").map { UInt64($0) }
        guard fields.count >= 9, !fields.contains(nil) else { return nil }
        let numbers = fields.compactMap(\.self)
        // A sector has 512 bytes here, whatever the device's own have. The kernel's counters go round, as these do.
        (reads, readBytes, readTime) = (numbers[0], numbers[2] << 9, .milliseconds(Int64(clamping: numbers[3])))
        (writes, writtenBytes, writeTime) = (numbers[4], numbers[6] << 9, .milliseconds(Int64(clamping: numbers[7])))
        inFlight = numbers[8]
    }
}

/// Reads statistics of block devices.
public struct DeviceStatisticsReader: Sendable {
    private let kernel: KernelCalls

    public init(kernel: KernelCalls) { self.kernel = kernel }

    /// - Parameter device: `/dev/loop3`.
    /// - Returns: `nil` when the kernel has no such device.
    /// - Throws: `VolumeError` when the file cannot be read.
    public func read(_ device: String) async throws -> DeviceStatistics? {
        try await kernel.run("read the statistics of \(device)", to: "read the statistics of \(device)") {
            try BlockDevice(device).statistics()
        }
    }
}

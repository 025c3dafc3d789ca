/// What a mounted volume does, between two looks.
public struct VolumeLoad: Sendable, Equatable, Encodable {
    public var volume: String
    public var pool: String
    /// A second; `nil` while there was only one look since its device was mapped, and where the device has no statistics.
    public var rates: Rates?
    /// Requests that have not ended yet.
    public var inFlight: UInt64?
    /// In bytes, of the image.
    public var size: UInt64?
    /// In bytes, of the filesystem.
    public var used: UInt64?
    /// What is used of what containers can use, in percent: as `df` has it. `nil` where the filesystem did not answer.
    public var full: Double?
    public var inodesFull: Double?
    /// In force, by the names of their options; operations or bytes a second.
    public var limits: [String: UInt64]

    public struct Rates: Sendable, Equatable, Encodable {
        public var reads: Double
        public var writes: Double
        public var readBytes: Double
        public var writtenBytes: Double
        /// How long a read took on average, in milliseconds; `nil` when none has ended.
        public var readMilliseconds: Double?
        public var writeMilliseconds: Double?
    }
}

/// All mounted volumes of a node, between two looks at its metrics.
public struct NodeLoad: Sendable, Equatable {
    /// The busiest first: by the bytes that it moves, by the operations, by its name.
    public var volumes: [VolumeLoad]
    /// How many have no metrics of their own, because METRICS_VOLUMES allows no more.
    public var leftOut: Int

    /// - Parameters:
    ///   - before: an earlier look; `nil` if there was none.
    ///   - seconds: how long that is ago.
    public init(_ now: Scrape, since before: Scrape?, seconds: Double) {
        leftOut = Int(clamping: now.count("rbd_plugin_volumes_without_metrics", [:]) ?? 0)
        let mounted = now.values.keys.filter { $0.name == Self.prefix + "size_bytes" }.map(\.labels)
        volumes = mounted.map { VolumeLoad($0, now, before, seconds, now.limits(of: $0)) }
            .sorted { $0.precedes($1) }
    }

    fileprivate static let prefix = "rbd_plugin_volume_"
}

extension VolumeLoad {
    fileprivate init(
        _ labels: [String: String], _ now: Scrape, _ before: Scrape?, _ seconds: Double, _ limits: [String: UInt64]
    ) {
        func count(_ name: String) -> UInt64? { now.count(NodeLoad.prefix + name, labels) }
        (volume, pool) = (labels["volume"] ?? "", labels["pool"] ?? "")
        rates = before.flatMap { Rates(labels, now, $0, seconds) }
        inFlight = count("io_in_flight")
        (size, used) = (count("size_bytes"), count("used_bytes"))
        full = Self.percent(of: used, available: count("available_bytes"))
        let (inodes, usedInodes) = (count("inodes"), count("used_inodes"))
        inodesFull = inodes == 0 ? nil : Self.percent(usedInodes, of: inodes)
        self.limits = limits
    }

    private static func percent(of used: UInt64?, available: UInt64?) -> Double? {
        guard let used, let available else { return nil }
        return percent(used, of: used.addingReportingOverflow(available).partialValue)
    }

    private static func percent(_ part: UInt64?, of whole: UInt64?) -> Double? {
        guard let part, let whole, whole > 0 else { return nil }
        return Double(part) / Double(whole) * 100
    }

    fileprivate func precedes(_ other: VolumeLoad) -> Bool {
        func order(_ load: VolumeLoad) -> (Double, Double) {
            guard let rates = load.rates else { return (0, 0) }
            return (-rates.readBytes - rates.writtenBytes, -rates.reads - rates.writes)
        }
        return order(self) == order(other) ? volume < other.volume : order(self) < order(other)
    }
}

extension VolumeLoad.Rates {
    /// `nil` when something is missing, or less than before: the device was mapped anew meanwhile.
    fileprivate init?(_ labels: [String: String], _ now: Scrape, _ before: Scrape, _ seconds: Double) {
        guard seconds > 0 else { return nil }
        func grown(_ name: String) -> Double? {
            let series = Scrape.Series("\(NodeLoad.prefix)\(name)_total", labels)
            guard let new = now.values[series], let old = before.values[series], new >= old else { return nil }
            return new - old
        }
        guard let reads = grown("reads"), let writes = grown("writes"), let readBytes = grown("read_bytes"),
            let writtenBytes = grown("written_bytes"), let readSeconds = grown("read_seconds"),
            let writeSeconds = grown("write_seconds")
        else { return nil }
        self.reads = reads / seconds
        self.writes = writes / seconds
        self.readBytes = readBytes / seconds
        self.writtenBytes = writtenBytes / seconds
        readMilliseconds = reads > 0 ? readSeconds / reads * 1000 : nil
        writeMilliseconds = writes > 0 ? writeSeconds / writes * 1000 : nil
    }
}

extension Scrape {
    fileprivate func count(_ name: String, _ labels: [String: String]) -> UInt64? {
        values[Series(name, labels)].flatMap { $0 >= 0 && $0 < 0x1p63 ? UInt64($0) : nil }
    }

    fileprivate func limits(of labels: [String: String]) -> [String: UInt64] {
        var limits: [String: UInt64] = [:]
        for (series, value) in values where series.name == NodeLoad.prefix + "limit" {
            guard let limit = series.labels["limit"], value >= 0, value < 0x1p63 else { continue }
            if series.labels.merging(labels, uniquingKeysWith: { $1 }) == series.labels {
                limits[limit] = UInt64(value)
            }
        }
        return limits
    }
}

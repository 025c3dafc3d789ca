/// The key of an entry says when it was made, by which node and of which volume: so what is to go is found without reading any entry.
public struct HistoryKey: Sendable, Hashable {
    public var at: WallTime
    public var node: String
    /// Of the write.
    public var token: String
    public var volume: VolumeName

    public init(at time: WallTime, node: String, token: String, volume: VolumeName) {
        at = time
        self.node = node
        self.token = token
        self.volume = volume
    }
}

extension HistoryKey: CustomStringConvertible, LosslessStringConvertible {
    /// Sorted by time.
    public var description: String { "\(at)/\(node)/\(token)/\(volume)" }

    /// - Returns: `nil` for what the plugin would not have written.
    public init?(_ text: String) {
        let parts = PathSteps.of(text)
        guard parts.count == 4, let at = WallTime(parts[0]), let volume = try? VolumeName(parts[3]),
            !parts[1].isEmpty, !parts[2].isEmpty
        else { return nil }
        self.init(at: at, node: parts[1], token: parts[2], volume: volume)
    }
}

/// How much history is kept.
public struct HistoryBounds: Sendable, Hashable {
    /// `.zero`: there is none.
    public var keep: Duration
    public var perVolume: Int
    public var inAll: Int

    public init(keep: Duration, perVolume: Int = 500, inAll: Int = 20_000) {
        self.keep = keep
        self.perVolume = perVolume
        self.inAll = inAll
    }
}

/// Decides which entries have been kept for long enough. Pure.
public enum HistorySweep {
    /// - Parameters:
    ///   - keys: of all entries, the oldest first.
    ///   - me: the node that sweeps. Its clock alone decides nothing: where other nodes have written, it is no more than a day after
    ///     the last of that. Else a node whose clock is years ahead would take everybody's history away.
    /// - Returns: the oldest first.
    public static func due(
        _ keys: [HistoryKey], bounds: HistoryBounds, me: String, at now: WallTime
    ) -> [HistoryKey] {
        let lastOfOthers = keys.last { $0.node != me }?.at
        let time = min(now, lastOfOthers.map { $0 + .seconds(86_400) } ?? now)
        var counts = keys.reduce(into: [VolumeName: Int]()) { $0[$1.volume, default: 0] += 1 }
        var due: Set<HistoryKey> = []
        for key in keys where time - key.at > bounds.keep || counts[key.volume, default: 0] > bounds.perVolume {
            due.insert(key)
            counts[key.volume, default: 0] -= 1
        }
        // What one volume has too much of goes first: a busy one does not push the history of the others out.
        let rest = keys.filter { !due.contains($0) }
        if rest.count > bounds.inAll { due.formUnion(rest.prefix(rest.count - bounds.inAll)) }
        return keys.filter(due.contains)
    }
}

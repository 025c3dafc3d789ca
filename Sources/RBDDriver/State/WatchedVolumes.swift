import EtcdClient
import Logging
import Synchronization
import VolumeCore

/// This node's copy of all volumes: read once, then kept up to date by watching etcd.
public final class WatchedVolumes: VolumeCatalog {
    private struct Copy {
        var entries = SortedVolumes()
        /// Names that were nobody's at a revision which the watch has not told yet: what it tells of them up to then is
        /// out of date.
        var tombstones: [VolumeName: Int64] = [:]
        /// Up to here the watch has told everything.
        var told: Int64 = 0
        var isLoaded = false
        var isCurrent = false
        /// Those who wait for the first reading; `nil` once it is over.
        var waiting: [CheckedContinuation<Void, Never>]? = []

        func revision(of name: VolumeName) -> Int64? { entries[name]?.revision ?? tombstones[name] }

        mutating func take(toldUpTo revision: Int64) {
            told = revision
            tombstones = tombstones.filter { $0.value > revision }
        }
    }

    private let copy = Mutex(Copy())
    private let keys: StateKeys
    private let log: Logger

    public init(keys: StateKeys, log: Logger) {
        self.keys = keys
        self.log = log
    }

    public func find(_ name: VolumeName) -> StoredVolume? {
        copy.withLock { $0.entries[name] }.flatMap { $0.volume == nil ? nil : $0 }
    }

    public func compactMap<Kept>(_ transform: (StoredVolume) -> Kept?) -> [Kept] {
        // Nobody waits for it: there can be very many.
        let entries = copy.withLock(\.entries)
        return entries.compactMap { $0.volume == nil ? nil : transform($0) }
    }

    public func unsettled() -> [StoredVolume] {
        let entries = copy.withLock(\.entries)
        return entries.unsettled.filter { $0.volume != nil }
    }

    public var isLoaded: Bool { copy.withLock { $0.isLoaded } }

    /// Whether the watch is running: etcd's changes arrive at once.
    public var isCurrent: Bool { copy.withLock { $0.isCurrent } }

    public func firstReading() async {
        await withCheckedContinuation { continuation in
            let isOver = copy.withLock { copy in
                copy.waiting?.append(continuation)
                return copy.waiting == nil
            }
            if isOver { continuation.resume() }
        }
    }

    private func endFirstReading() {
        let waiting = copy.withLock { copy in
            defer { copy.waiting = nil }
            return copy.waiting ?? []
        }
        for continuation in waiting { continuation.resume() }
    }

    public func observe(_ stored: StoredVolume) {
        copy.withLock { copy in
            if let known = copy.revision(of: stored.name), known >= stored.revision { return }
            let isGone = stored.volume == nil && stored.attachment == nil
            copy.entries[stored.name] = isGone ? nil : stored
            // Any number of names can be asked for that are nobody's: none is remembered for longer than it has to be.
            copy.tombstones[stored.name] = isGone && stored.revision > copy.told ? stored.revision : nil
        }
    }

    /// How many names are remembered for being nobody's.
    var tombstones: Int { copy.withLock(\.tombstones.count) }

    /// Keeps the copy up to date until the task is cancelled. Survives any outage of etcd, during which the copy stays
    /// as it was.
    public func run(client: EtcdClient, clock: any DriverClock, retryAfter: Duration = .seconds(1)) async {
        defer { endFirstReading() }
        while !Task.isCancelled {
            do {
                var pages: [Task<StoredVolumes, Never>] = []
                for try await element in client.follow(prefix: keys.prefix) { await take(element, &pages) }
            } catch {
                log.error("etcd refuses to be watched; it is tried again", metadata: ["error": "\(error)"])
            }
            copy.withLock { $0.isCurrent = false }
            endFirstReading()
            try? await clock.sleep(for: retryAfter)
        }
    }

    /// - Parameter pages: of a reading that is under way. Each is decoded while the next one is fetched.
    func take(_ element: FollowElement, _ pages: inout [Task<StoredVolumes, Never>]) async {
        switch element {
        case .page(let entries, let isFirst):
            if isFirst { pages = [] }
            pages.append(Task { decode(entries) })
        case .snapshot(let revision):
            var volumes = StoredVolumes(keys: keys)
            for page in pages { volumes.merge(await page.value) }
            pages = []
            replace(with: volumes, at: revision)
        case .events(let events, let revision):
            for event in events { take(event) }
            copy.withLock { $0.take(toldUpTo: revision) }
        case .progress(let revision): copy.withLock { $0.take(toldUpTo: revision) }
        case .connected: copy.withLock { $0.isCurrent = true }
        case .disconnected(let error):
            copy.withLock { $0.isCurrent = false }
            endFirstReading()
            log.warning("etcd is out of reach; volumes are answered from memory", metadata: ["error": "\(error)"])
        }
    }

    private func decode(_ entries: [KeyValue]) -> StoredVolumes {
        var volumes = StoredVolumes(keys: keys)
        for entry in entries {
            do { try volumes.take(entry) } catch { log.error("\(error)") }
        }
        return volumes
    }

    private func replace(with volumes: StoredVolumes, at revision: Int64) {
        let loaded = SortedVolumes(volumes.all(at: revision))
        copy.withLock { copy in
            let newer = copy.entries.compactMap { $0.revision > revision ? $0 : nil }
            copy.entries = loaded
            for stored in newer { copy.entries[stored.name] = stored }
            copy.take(toldUpTo: revision)
            for name in copy.tombstones.keys { copy.entries[name] = nil }
            copy.isLoaded = true
        }
        endFirstReading()
        log.info("volumes read from etcd", metadata: ["count": "\(volumes.count)", "revision": "\(revision)"])
    }

    private func take(_ event: WatchEvent) {
        guard let (kind, text) = keys.parse(event.key), kind != .nodes, let name = try? VolumeName(text) else { return }
        do {
            let entry = try Entry(kind, event)
            copy.withLock { copy in
                // One transaction writes both keys at one revision: equal is not old.
                guard event.revision >= copy.revision(of: name) ?? 0 else { return }
                var stored = copy.entries[name] ?? StoredVolume(name: name, revision: 0)
                entry.apply(to: &stored)
                stored.revision = event.revision
                let isGone = stored.volume == nil && stored.attachment == nil
                copy.entries[name] = isGone ? nil : stored
                copy.tombstones[name] = nil
            }
        } catch {
            log.error("\(error)")
        }
    }

    /// One key as an event leaves it.
    private enum Entry {
        case volume(Revisioned<VolumeRecord>?)
        case attachment(Revisioned<Attachment>?)

        init(_ kind: StateKeys.Kind, _ event: WatchEvent) throws(VolumeError) {
            let value = event.keyValue?.value
            switch kind {
            case .mounts:
                let record = try value.map { bytes throws(VolumeError) in
                    try RecordCodec.decode(Attachment.self, from: bytes, key: event.key)
                }
                self = .attachment(record.map { Revisioned($0, revision: event.revision) })
            case .volumes, .nodes:
                let record = try value.map { bytes throws(VolumeError) in
                    try RecordCodec.decode(VolumeRecord.self, from: bytes, key: event.key)
                }
                self = .volume(record.map { Revisioned($0, revision: event.revision) })
            }
        }

        func apply(to stored: inout StoredVolume) {
            switch self {
            case .volume(let volume): stored.volume = volume
            case .attachment(let attachment): stored.attachment = attachment
            }
        }
    }
}

import EtcdClient
import Logging
import Synchronization
import VolumeCore

/// This node's copy of all volumes: read once, then kept up to date by watching etcd.
public final class WatchedVolumes: VolumeCatalog {
    private struct Copy {
        /// An entry with neither record is a tombstone: a deletion that this node knows of before the watch does.
        var entries: [VolumeName: StoredVolume] = [:]
        var isLoaded = false
        var isCurrent = false
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

    public func all() -> [StoredVolume] {
        copy.withLock { copy in copy.entries.values.filter { $0.volume != nil } }.sorted { $0.name < $1.name }
    }

    public var isLoaded: Bool { copy.withLock { $0.isLoaded } }

    /// Whether the watch is running: etcd's changes arrive at once.
    public var isCurrent: Bool { copy.withLock { $0.isCurrent } }

    public func observe(_ stored: StoredVolume) {
        copy.withLock { copy in
            if let known = copy.entries[stored.name], known.revision >= stored.revision { return }
            copy.entries[stored.name] = stored
        }
    }

    /// Keeps the copy up to date until the task is cancelled. Reads everything anew after a compaction; survives any
    /// outage of etcd, during which the copy stays as it was.
    public func run(client: EtcdClient, clock: any DriverClock, retryAfter: Duration = .seconds(1)) async {
        while !Task.isCancelled {
            do {
                let revision = try await load(from: client)
                try await follow(client, after: revision)
            } catch {
                log.warning("the watch on etcd ended; it is begun anew", metadata: ["error": "\(error)"])
            }
            copy.withLock { $0.isCurrent = false }
            try? await clock.sleep(for: retryAfter)
        }
    }

    private func load(from client: EtcdClient) async throws -> Int64 {
        let listed = try await client.list(prefix: keys.prefix)
        var volumes = StoredVolumes(keys: keys)
        for entry in listed.kvs {
            do { try volumes.take(entry) } catch { log.error("\(error)") }
        }
        let loaded = volumes.sorted(at: listed.revision)
        copy.withLock { copy in
            let newer = copy.entries.filter { $0.value.revision > listed.revision }
            copy.entries = Dictionary(uniqueKeysWithValues: loaded.map { ($0.name, $0) })
            copy.entries.merge(newer) { $1 }
            copy.isLoaded = true
            copy.isCurrent = true
        }
        log.info("volumes read from etcd", metadata: ["count": "\(loaded.count)", "revision": "\(listed.revision)"])
        return listed.revision
    }

    /// Returns when the watch was compacted away: then everything has to be read anew.
    private func follow(_ client: EtcdClient, after revision: Int64) async throws {
        for try await batch in client.watch(.prefix(keys.prefix), from: revision + 1) {
            switch batch {
            case .events(let events, _): for event in events { take(event) }
            case .compacted: return
            case .connected: copy.withLock { $0.isCurrent = true }
            case .disconnected: copy.withLock { $0.isCurrent = false }
            }
        }
    }

    private func take(_ event: WatchEvent) {
        guard let (kind, text) = keys.parse(event.key), kind != .nodes, let name = try? VolumeName(text) else { return }
        do {
            let entry = try Entry(kind, event)
            copy.withLock { copy in
                var stored = copy.entries[name] ?? StoredVolume(name: name, revision: 0)
                // One transaction writes both keys at one revision: equal is not old.
                guard event.revision >= stored.revision else { return }
                entry.apply(to: &stored)
                stored.revision = event.revision
                let isGone = stored.volume == nil && stored.attachment == nil
                copy.entries[name] = isGone ? nil : stored
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
            switch (kind, event.value) {
            case (.volumes, let value?):
                let record = try RecordCodec.decode(VolumeRecord.self, from: value, key: event.key)
                self = .volume(Revisioned(record, revision: event.revision))
            case (.mounts, let value?):
                let record = try RecordCodec.decode(Attachment.self, from: value, key: event.key)
                self = .attachment(Revisioned(record, revision: event.revision))
            case (.mounts, nil): self = .attachment(nil)
            case (_, nil), (.nodes, _): self = .volume(nil)
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

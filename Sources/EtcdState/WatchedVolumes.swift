import EtcdClient
import Logging
import Synchronization
import VolumeCore

/// This node's copy of all volumes and policies: read once, then kept up to date by watching etcd.
public final class WatchedVolumes: VolumeCatalog, PolicyCatalog {
    private struct Copy {
        /// Also what can be read of names of which the other record cannot.
        var entries = SortedVolumes()
        /// Which records are there and cannot be read: nothing is said of their names.
        var unreadable: [VolumeName: Set<RecordKind>] = [:]
        /// Those that can be read.
        var policies: [PolicyName: Revisioned<Policy>] = [:]
        /// Following etcd broke off: it may have another history by the next reading.
        var isInDoubt = false
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

        func find(_ name: VolumeName) -> StoredVolume? { unreadable[name] == nil ? entries[name] : nil }

        mutating func mark(_ kind: RecordKind, of name: VolumeName, isReadable: Bool) {
            if isReadable {
                unreadable[name]?.remove(kind)
                if unreadable[name]?.isEmpty == true { unreadable[name] = nil }
            } else {
                unreadable[name, default: []].insert(kind)
            }
        }

        mutating func take(observed stored: StoredVolume) {
            if let known = revision(of: stored.name), known >= stored.revision { return }
            let isGone = stored.isAbsent
            entries[stored.name] = isGone ? nil : stored
            unreadable[stored.name] = nil
            // Any number of names can be asked for that are nobody's: none is remembered for longer than it has to be.
            tombstones[stored.name] = isGone && stored.revision > told ? stored.revision : nil
        }

        mutating func take(toldUpTo revision: Int64) {
            told = revision
            tombstones = tombstones.filter { $0.value > revision }
        }
    }

    private let copy = Mutex(Copy())
    private let keys: StateKeys
    private let log: Logger
    private let unreadable: UnreadableKeys
    private let onGlobal: @Sendable (GlobalSettings) -> Void

    /// - Parameters:
    ///   - unreadable: is told of what is left out.
    ///   - onGlobal: is told of the settings of all nodes, at first and whenever they change. While they cannot be read nothing is
    ///     told: those of before stay in force.
    public init(
        keys: StateKeys, unreadable: UnreadableKeys, log: Logger,
        onGlobal: @escaping @Sendable (GlobalSettings) -> Void = { _ in }
    ) {
        self.keys = keys
        self.onGlobal = onGlobal
        self.unreadable = unreadable
        self.log = log
    }

    public func find(_ name: VolumeName) -> StoredVolume? {
        copy.withLock { $0.find(name) }.flatMap { $0.volume == nil ? nil : $0 }
    }

    public func compactMap<Kept>(_ transform: (StoredVolume) -> Kept?) -> [Kept] {
        // Nobody waits for it: there can be very many.
        let (entries, unreadable) = copy.withLock { ($0.entries, $0.unreadable) }
        return entries.compactMap { $0.volume == nil || unreadable[$0.name] != nil ? nil : transform($0) }
    }

    public var count: Int { copy.withLock(\.entries.count) }

    public func policy(_ name: PolicyName) -> Policy? { copy.withLock { $0.policies[name]?.record } }

    public func unsettled() -> [StoredVolume] {
        let (entries, unreadable) = copy.withLock { ($0.entries, $0.unreadable) }
        return entries.unsettled.filter { $0.volume != nil && unreadable[$0.name] == nil }
    }

    public func claimed() -> [StoredVolume] {
        let (entries, unreadable) = copy.withLock { ($0.entries, $0.unreadable) }
        return entries.unsettled.filter { $0.trash != nil && unreadable[$0.name] == nil }
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
        copy.withLock { $0.take(observed: stored) }
    }

    /// How many names are remembered for being nobody's.
    var tombstones: Int { copy.withLock(\.tombstones.count) }

    /// Keeps the copy up to date until the task is cancelled. Survives any outage of etcd, during which the copy stays
    /// as it was.
    public func run(client: EtcdClient, clock: any DriverClock, retryAfter: Duration = .seconds(1)) async {
        defer { endFirstReading() }
        while !Task.isCancelled {
            do {
                var pages: [Task<WatchedPage, Never>] = []
                for try await element in client.follow(keys.records) { await take(element, &pages) }
            } catch {
                log.error("etcd refused the watch on all volumes; trying again", metadata: ["error": "\(error)"])
                copy.withLock { $0.isInDoubt = true }
            }
            copy.withLock { $0.isCurrent = false }
            endFirstReading()
            try? await clock.sleep(for: retryAfter)
        }
    }

    /// - Parameter pages: of a reading that is under way. Each is decoded while the next one is fetched.
    func take(_ element: FollowElement, _ pages: inout [Task<WatchedPage, Never>]) async {
        switch element {
        case .page(let entries, let isFirst):
            if isFirst {
                pages = []
                if copy.withLock(\.isInDoubt) { forgetAll() }
            }
            pages.append(Task { decode(entries) })
        case .snapshot(let revision):
            var all = WatchedPage(keys: keys)
            for page in pages { all.merge(await page.value) }
            pages = []
            replace(with: all, at: revision)
        case .events(let events, let revision):
            for event in events { take(event) }
            copy.withLock { $0.take(toldUpTo: revision) }
        case .replaced: forgetAll()
        case .progress(let revision): copy.withLock { $0.take(toldUpTo: revision) }
        case .connected: copy.withLock { $0.isCurrent = true }
        case .disconnected(let error):
            copy.withLock { $0.isCurrent = false }
            endFirstReading()
            log.warning("cannot reach etcd; answering from memory", metadata: ["error": "\(error)"])
        }
    }

    private func decode(_ entries: [KeyValue]) -> WatchedPage {
        var page = WatchedPage(keys: keys)
        for entry in entries { page.take(entry, orReportTo: unreadable) }
        return page
    }

    private func replace(with read: WatchedPage, at revision: Int64) {
        let volumes = read.volumes
        let loaded = SortedVolumes(volumes.halves(at: revision))
        copy.withLock { copy in
            let newer = copy.entries.compactMap { $0.revision > revision ? $0 : nil }
            copy.entries = loaded
            copy.unreadable = volumes.unreadable
            copy.policies = read.policies.byName
            for stored in newer {
                copy.entries[stored.name] = stored
                copy.unreadable[stored.name] = nil
            }
            copy.take(toldUpTo: revision)
            for name in copy.tombstones.keys {
                copy.entries[name] = nil
                copy.unreadable[name] = nil
            }
            copy.isLoaded = true
        }
        if let global = read.global {
            onGlobal(global)
        } else if !read.hasUnreadableGlobal {
            onGlobal(GlobalSettings())
        }
        endFirstReading()
        log.info("read all volumes from etcd", metadata: ["volumes": "\(volumes.count)", "revision": "\(revision)"])
    }

    /// etcd may have another history: nothing that is known from the former one is answered any more, however high its
    /// revisions are. Until all is read anew etcd itself is asked.
    private func forgetAll() {
        copy.withLock { copy in
            copy.entries = SortedVolumes()
            (copy.unreadable, copy.policies, copy.tombstones, copy.told) = ([:], [:], [:], 0)
            (copy.isLoaded, copy.isCurrent, copy.isInDoubt) = (false, false, false)
        }
        log.warning("etcd may have been restored from a backup; reading all volumes again")
    }

    private func take(_ event: WatchEvent) {
        if event.key == keys.global { return takeGlobal(event) }
        if takePolicy(event) { return }
        guard let (kind, name) = volumeKey(of: event) else { return }
        copy.withLock { copy in
            // One transaction writes several keys at one revision: equal is not old.
            guard event.revision >= copy.revision(of: name) ?? 0 else { return }
            var stored = copy.entries[name] ?? StoredVolume(name: name, revision: 0)
            copy.mark(kind, of: name, isReadable: take(event, kind, into: &stored))
            stored.revision = event.revision
            let isGone = stored.isAbsent && copy.unreadable[name] == nil
            copy.entries[name] = isGone ? nil : stored
            copy.tombstones[name] = nil
        }
    }

    private func takeGlobal(_ event: WatchEvent) {
        do throws(VolumeError) {
            onGlobal(try event.keyValue.map { entry throws(VolumeError) in try GlobalRecord.decode(entry) } ?? .init())
        } catch {
            unreadable.report(error, of: event.key, revision: event.revision)
        }
    }

    /// - Returns: whether the key is a policy's.
    private func takePolicy(_ event: WatchEvent) -> Bool {
        do throws(VolumeError) {
            guard let name = try keys.policyName(of: event.key) else { return false }
            var policies = StoredPolicies(keys: keys)
            if let entry = event.keyValue { policies.take(entry, orReportTo: unreadable) }
            let now = policies.byName[name]
            copy.withLock { $0.policies[name] = now }
        } catch {
            if event.keyValue != nil { unreadable.report(error, of: event.key, revision: event.revision) }
        }
        return true
    }

    /// `nil` for a key that is about no volume.
    private func volumeKey(of event: WatchEvent) -> (kind: RecordKind, name: VolumeName)? {
        do {
            return try keys.parse(event.key)
        } catch {
            if event.keyValue != nil { unreadable.report(error, of: event.key, revision: event.revision) }
            return nil
        }
    }

    /// - Returns: whether what is there now can be read.
    private func take(_ event: WatchEvent, _ kind: RecordKind, into stored: inout StoredVolume) -> Bool {
        do {
            try stored.take(kind, event.keyValue?.value, of: event.key, revision: event.revision)
            return true
        } catch {
            unreadable.report(error, of: event.key, revision: event.revision)
            stored.forget(kind)
            return false
        }
    }
}

/// What was read of some of the keys.
struct WatchedPage {
    private(set) var volumes: StoredVolumes
    private(set) var policies: StoredPolicies
    private(set) var global: GlobalSettings?
    private(set) var hasUnreadableGlobal = false
    private let keys: StateKeys

    init(keys: StateKeys) {
        self.keys = keys
        volumes = StoredVolumes(keys: keys)
        policies = StoredPolicies(keys: keys)
    }

    mutating func take(_ entry: KeyValue, orReportTo unreadable: UnreadableKeys) {
        volumes.take(entry, orReportTo: unreadable)
        policies.take(entry, orReportTo: unreadable)
        guard entry.key == keys.global else { return }
        do throws(VolumeError) {
            global = try GlobalRecord.decode(entry)
        } catch {
            hasUnreadableGlobal = true
            unreadable.report(error, of: entry.key, revision: entry.modRevision)
        }
    }

    /// Takes in what others have of other keys.
    mutating func merge(_ others: WatchedPage) {
        volumes.merge(others.volumes)
        policies.merge(others.policies)
        global = others.global ?? global
        hasUnreadableGlobal = hasUnreadableGlobal || others.hasUnreadableGlobal
    }
}

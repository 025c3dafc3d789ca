import InMemoryPorts
import RBDDriver
import Synchronization
import VolumeCore

extension Mutation {
    func applyToStore(_ ports: inout DriverPorts) {
        let real = ports.store
        var store = AlteredStore(real)
        switch self {
        case .quotasAreNotGuarded: store.guardsQuotas = false
        case .readersForgetTheOthers:
            store.committing = { change, read in
                var alone = change
                if case .put(let readers) = change.readers {
                    var own = Readers(volumeUID: readers.volumeUID)
                    for mount in readers.all where read.readers?.record[mount.owner.node] != mount {
                        own[mount.owner.node] = mount
                    }
                    alone.readers = .put(own)
                }
                return try await real.commit(alone, over: read)
            }
        case .guardsAreIgnored:
            store.committing = { change, read in try await real.commit(change, over: try await real.read(read.name)) }
        case .attachmentGuardIsIgnored:
            store.committing = { change, read in
                var current = read
                current.attachment = try await real.read(read.name).attachment
                return try await real.commit(change, over: current)
            }
        case .unknownIsTakenForDone:
            store.committing = { change, read in
                do {
                    return try await real.commit(change, over: read)
                } catch let error as VolumeError where error.outcome == .unknown {
                    return change.applied(to: read)
                }
            }
        case .recordGoesBeforeUnmap:
            store.committing = { change, read in
                if case .put(let record) = change.attachment, record.state == .detaching {
                    _ = try await real.commit(.init(attachment: .delete), over: read)
                    return change.applied(to: read)
                }
                if change.attachment == .delete, read.attachment?.record.state == .detaching { return read }
                return try await real.commit(change, over: read)
            }
        case .mountComesBeforeRecord:
            store.committing = { change, read in
                if case .put(let record) = change.attachment, record.state == .attaching, !record.clients.isEmpty {
                    return change.applied(to: read)
                }
                return try await real.commit(change, over: read)
            }
        case .lastDeleteIsUnguarded:
            store.committing = { change, read in
                guard change.attachment == .delete, read.attachment?.record.state == .detaching else {
                    return try await real.commit(change, over: read)
                }
                return try await real.commit(change, over: try await real.read(read.name))
            }
        case .newClientIsNotRecorded:
            store.committing = { change, read in
                if case .put(let record) = change.attachment, record.state == .attaching,
                    let before = read.attachment?.record, before.state == .attaching, !before.clients.isEmpty,
                    before.clients != record.clients
                {
                    return change.applied(to: read)
                }
                return try await real.commit(change, over: read)
            }
        case .undoForgetsItsClaim:
            store.committing = { change, read in
                if case .put(let record) = change.attachment, record.state == .attaching, record.mountIDs.isEmpty,
                    read.attachment?.record.mountIDs.isEmpty == false
                {
                    return try await real.commit(.init(attachment: .delete), over: read)
                }
                return try await real.commit(change, over: read)
            }
        case .deletesAreNotDone:
            store.committing = { change, read in
                if change.attachment == .delete { return change.applied(to: read) }
                return try await real.commit(change, over: read)
            }
        case .recordOfVolumeGoesFirst:
            store.committing = { change, read in
                if case .put(let record) = change.volume, record.phase == .removing {
                    _ = try await real.commit(.init(volume: .delete), over: read)
                    return change.applied(to: read)
                }
                if change.volume == .delete, read.volume?.record.phase == .removing { return change.applied(to: read) }
                return try await real.commit(change, over: read)
            }
        case .readsComeFromTheCopy:
            let catalog = ports.catalog
            store.reading = { name in
                _ = try await real.read(name)
                return catalog.find(name) ?? StoredVolume(name: name, revision: 0)
            }
        case .readsAreStale:
            let memory = LastReads()
            store.reading = { name in
                let fresh = try await real.read(name)
                return memory.exchange(fresh)
            }
        case .doubtIsDenial:
            store.reading = { name in
                do { return try await real.read(name) } catch { return StoredVolume(name: name, revision: 0) }
            }
        case .idsAreNotCounted:
            store.reading = { name in
                var stored = try await real.read(name)
                stored.attachment?.record.mountIDs = [:]
                return stored
            }
        default: store.committing = { change, read in try await real.commit(altered(change, read), over: read) }
        }
        ports.store = store
    }

    func applyToHistory(_ ports: inout DriverPorts, _ real: InMemoryVolumeStore) {
        var silent = real
        switch self {
        case .takeOversAreNotTold:
            silent.telling = { HistoryRule.step($0, over: $1).flatMap { $0.event == .takingOver ? nil : $0 } }
            ports.store = silent
        default:
            silent.telling = { _, _ in nil }
            var store = AlteredStore(silent)
            store.committing = { [silent] change, read in
                guard let written = try await silent.commit(change, over: read) else { return nil }
                if let step = real.telling(change, read) { try await real.tellAfterwards(step, of: read.name) }
                return written
            }
            ports.store = store
        }
    }

    /// What is written in place of `change`.
    private func altered(_ change: StoreChange, _ read: StoredVolume) -> StoreChange {
        var altered = change
        if self == .wishesOutliveVolumes, change.volume == .delete { altered.desired = .keep }
        if self == .readyComesFirst, case .put(var volume) = change.volume, volume.phase == .creating {
            volume.phase = .ready
            altered.volume = .put(volume)
        }
        guard case .put(var record) = change.attachment else { return altered }
        switch self {
        case .reattachForgetsClients:
            if record.state == .attaching, read.attachment?.record.owner == record.owner,
                record.clients == read.attachment?.record.clients
            {
                record.clients = []
            }
        case .wishesAreLost: record.wantedBy = nil
        case .epochIsKept:
            if record.state == .fencing { record.epoch = read.attachment?.record.epoch ?? record.epoch }
        case .epochIsForgotten:
            if case .put = change.volume { altered.volume = .keep }
        case .addressIsNotRecorded:
            record.clients = []
        case .fenceForgetsTheFirst:
            if record.state == .fencing, let former = read.attachment?.record { record.fenced = .init(former) }
        default: break
        }
        altered.attachment = .put(record)
        return altered
    }
}

extension StoreChange {
    /// As if it had been written. What nobody has written has no revision of its own.
    fileprivate func applied(to read: StoredVolume) -> StoredVolume {
        var next = applied(to: read, at: read.revision)
        if let revision = read.volume?.revision { next.volume?.revision = revision }
        if let revision = read.attachment?.revision { next.attachment?.revision = revision }
        return next
    }
}

/// What was read of each name the last time but one: every second read shows that.
private final class LastReads: Sendable {
    private let reads = Mutex<[VolumeName: (count: Int, last: StoredVolume)]>([:])

    func exchange(_ fresh: StoredVolume) -> StoredVolume {
        reads.withLock { reads in
            let before = reads[fresh.name]
            let count = (before?.count ?? 0) + 1
            reads[fresh.name] = (count, fresh)
            return count % 2 == 0 ? before?.last ?? fresh : fresh
        }
    }
}

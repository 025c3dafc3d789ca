import EtcdClient
import VolumeCore

/// The volume store on etcd: every write is one transaction, guarded with the revisions of all records of the name.
public struct EtcdVolumeStore: VolumeStore {
    private let client: EtcdClient
    private let keys: StateKeys
    private let clock: any DriverClock
    private let tokens: any TokenSource
    /// The longest that one request may take.
    private let timeout: Duration
    private let unreadable: UnreadableKeys
    private let author: HistoryAuthor?

    /// - Parameters:
    ///   - unreadable: is told of what is left out when everything is read.
    ///   - author: who makes the changes, for the history; `nil`: they leave none.
    public init(
        client: EtcdClient, keys: StateKeys, clock: any DriverClock, tokens: any TokenSource, timeout: Duration,
        unreadable: UnreadableKeys, author: HistoryAuthor? = nil
    ) {
        self.unreadable = unreadable
        self.author = author
        self.client = client
        self.keys = keys
        self.clock = clock
        self.tokens = tokens
        self.timeout = timeout
    }

    private var remaining: Duration { Deadline.limiting(timeout, now: clock.now()) }

    public func read(_ name: VolumeName) async throws -> StoredVolume {
        try await VolumeError.explainingEtcd("read the state of volume \(name)") {
            let reading = Transaction(when: [], then: readings(name))
            return try stored(name, try await client.transaction(reading, timeout: remaining)).volume
        }
    }

    public func readAtOnce() async throws -> AllVolumes {
        try await VolumeError.explainingEtcd("read the state of all volumes") {
            let listed = try await client.list(keys.records, timeout: remaining)
            var volumes = StoredVolumes(keys: keys)
            for entry in listed.kvs { volumes.take(entry, orReportTo: unreadable) }
            return AllVolumes(volumes.sorted(at: listed.revision), revision: listed.revision)
        }
    }

    public func readAttachments() async throws -> [VolumeName: [Attachment]] {
        try await VolumeError.explainingEtcd("read where volumes are mounted") {
            var volumes = StoredVolumes(keys: keys)
            var revision: Int64 = 0
            for kind in [RecordKind.mount, .readers] {
                let listed = try await client.list(prefix: keys.folder(kind), timeout: remaining)
                for entry in listed.kvs { volumes.take(entry, orReportTo: unreadable) }
                revision = listed.revision
            }
            return Dictionary(uniqueKeysWithValues: volumes.all(at: revision).map { ($0.name, $0.allMounts) })
        }
    }

    public func commit(
        _ change: StoreChange, over read: StoredVolume, within quota: QuotaGuard?
    ) async throws -> StoredVolume? {
        let token = tokens.token()
        var transaction = try guarded(change, over: read, token: token)
        transaction.when += quota.map(guards) ?? []
        if let policy = QuotaRule.policy(addedToBy: change, over: read) { transaction.then.append(mark(policy, token)) }
        var entry = history(of: change, over: read, token: token)
        return try await VolumeError.explainingEtcd("record the state of volume \(read.name)") {
            var mayHaveHappened = false
            while true {
                do {
                    var transaction = transaction
                    if let entry { transaction.then.append(entry) }
                    let answer = try await client.transaction(transaction, timeout: remaining)
                    if answer.succeeded { return change.applied(to: read, at: answer.revision) }
                    let now = try stored(read.name, answer)
                    return mayHaveHappened && now.isWrittenBy(token, change) ? now.volume : nil
                } catch let error as EtcdError where error.mayBeOfHistory && entry != nil && remaining > .zero {
                    // The change counts for more than what is told of it: a full etcd refuses every put, but no deletion.
                    entry = nil
                    mayHaveHappened = mayHaveHappened || error.outcome == .unknown
                } catch let error as EtcdError where error.outcome == .unknown && remaining > .zero {
                    // The guards make the repetition harmless: had the first one happened, they hold no more, and the
                    // token in the record tells whose write it was.
                    mayHaveHappened = true
                    try await clock.sleep(for: .milliseconds(100))
                }
            }
        }
    }

    /// What the change leaves in the history; `nil` for nothing. Nothing that is wrong with the entry keeps the change from being made.
    private func history(of change: StoreChange, over read: StoredVolume, token: String) -> Operation? {
        guard let author, let step = HistoryRule.step(change, over: read) else { return nil }
        let entry = HistoryEntry(step, of: read.name, by: author, at: clock.wallTime())
        let key = HistoryKey(at: entry.at, node: entry.node, token: token, volume: entry.volume)
        return try? .put(keys.history(key), RecordCodec.encode(entry, write: token))
    }

    private func readings(_ name: VolumeName) -> [Operation] {
        RecordKind.allCases.map { .get(keys.record($0, of: name)) }
    }

    private func guarded(_ change: StoreChange, over read: StoredVolume, token: String) throws -> Transaction {
        var (guards, writes): ([Comparison], [Operation]) = ([], [])
        for kind in RecordKind.allCases {
            let key = keys.record(kind, of: read.name)
            guards.append(kind.slot.revision(read).map { .modRevision(key, equals: $0) } ?? .keyAbsent(key))
            if let write = try kind.slot.operation(change, on: key, token: token) { writes.append(write) }
        }
        return Transaction(when: guards, then: writes, otherwise: readings(read.name))
    }

    private func guards(_ quota: QuotaGuard) -> [Comparison] {
        let policy = Comparison.modRevision(keys.policy(quota.policy), equals: quota.policyRevision)
        guard let revision = quota.recordsRevision else { return [policy] }
        return [policy, .modRevision(keys.quota(quota.policy), .less, revision + 1)]
    }

    /// That it was written is all that the key says.
    private func mark(_ policy: PolicyName, _ token: String) -> Operation {
        .put(keys.quota(policy), #"{"write":"\#(token)"}"#)
    }

    /// What the reads in an answer say.
    private func stored(_ name: VolumeName, _ answer: TransactionResponse) throws -> ReadBack {
        var volumes = StoredVolumes(keys: keys)
        var tokens: Set<String> = []
        for entry in answer.responses.flatMap(\.kvs) {
            try volumes.take(entry)
            if let token = RecordCodec.writeToken(of: entry.value) { tokens.insert(token) }
        }
        let found = volumes.sorted(at: answer.revision).first
        return ReadBack(volume: found ?? StoredVolume(name: name, revision: answer.revision), tokens: tokens)
    }
}

extension RecordSlot {
    /// What a change does to the key; `nil` for nothing.
    fileprivate func operation(_ change: StoreChange, on key: String, token: String) throws -> Operation? {
        switch write(change) {
        case .keep: nil
        case .put(let record): .put(key, try RecordCodec.encode(record, write: token))
        case .delete: .delete(key)
        }
    }

    fileprivate func isPut(_ change: StoreChange) -> Bool { if case .put = write(change) { true } else { false } }

    fileprivate func isDeleted(_ change: StoreChange) -> Bool { write(change) == .delete }
}

extension EtcdError {
    /// Whether the same change might be accepted without an entry of the history.
    fileprivate var mayBeOfHistory: Bool { code == .noSpace || outcome == .refused }
}

/// The records as read back, with the tokens of the writes that put them there.
private struct ReadBack {
    var volume: StoredVolume
    var tokens: Set<String>

    /// Whether what stands there is the outcome of the write with this token. A deletion leaves no token; but when the
    /// key is gone, then what was to be done is done.
    func isWrittenBy(_ token: String, _ change: StoreChange) -> Bool {
        if tokens.contains(token) { return true }
        let slots = RecordKind.allCases.map(\.slot)
        let deleted = slots.filter { $0.isDeleted(change) }
        return !slots.contains { $0.isPut(change) } && !deleted.isEmpty
            && deleted.allSatisfy { $0.revision(volume) == nil }
    }
}

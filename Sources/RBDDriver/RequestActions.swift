import VolumeCore

/// What an operator asks the nodes to do. Works without the plugin running on this node, as long as it runs on one that can do it.
public struct RequestActions: Sendable {
    private let store: any VolumeStore
    private let snapshots: any SnapshotStore
    private let clock: any DriverClock
    private let tokens: any TokenSource
    /// The records say that this one has asked: `operator@n1`.
    private let me: String

    public init(
        store: any VolumeStore, snapshots: any SnapshotStore, clock: any DriverClock, tokens: any TokenSource,
        me: String
    ) {
        self.store = store
        self.snapshots = snapshots
        self.clock = clock
        self.tokens = tokens
        self.me = me
    }

    /// Asks for work on a volume. Mounting and unmounting take a moment: that long it is tried again.
    /// - Returns: the request as it is recorded.
    /// - Throws: as `RequestRule.ask`.
    public func ask(_ work: RequestedWork, of nameText: String) async throws -> WorkRequest {
        let end = clock.now() + .seconds(15)
        let token = tokens.token()
        while true {
            let stored = try await store.read(try VolumeName(given: nameText))
            // The answer before may have been lost.
            if let mine = stored.request?.record, mine.token == token { return mine }
            do {
                let request = try RequestRule.ask(work, of: stored, token: token, by: me, at: clock.wallTime())
                if try await store.commit(RequestRule.change(request, of: stored), over: stored) != nil {
                    return request
                }
                guard clock.now() < end else {
                    throw VolumeError.changedMeanwhile("ask for work on volume \(nameText)")
                }
            } catch let error as VolumeError where error.code == .conflict && clock.now() < end {
                guard stored.attachment.map({ $0.record.state != .attached }) == true else { throw error }
                try await clock.sleep(for: .milliseconds(500))
            }
        }
    }

    /// Waits until the request has come to its end.
    /// - Parameters:
    ///   - limit: how long; `nil` for as long as it takes.
    ///   - tell: is told of the request whenever it has changed.
    /// - Returns: the request as it ended; `nil` when the time is up.
    /// - Throws: `VolumeError` with code `notFound` when somebody has taken it away.
    public func wait(
        for request: WorkRequest, of nameText: String, limit: Duration? = nil, _ tell: (WorkRequest) -> Void = { _ in }
    ) async throws -> WorkRequest? {
        let end = limit.map { clock.now() + $0 }
        var last: WorkRequest?
        while true {
            let now = try await find(request, of: nameText)
            if now != last { tell(now) }
            if !now.isUnfinished { return now }
            last = now
            if let end, clock.now() >= end { return nil }
            try await clock.sleep(for: .milliseconds(250))
        }
    }

    private func find(_ request: WorkRequest, of nameText: String) async throws -> WorkRequest {
        let stored = try await store.read(try VolumeName(given: nameText))
        guard let now = stored.request?.record, now.token == request.token else {
            throw VolumeError(
                .notFound, "wait until volume \(nameText) is \(request.work)",
                why: "somebody has taken the request away",
                outcome: .refused)
        }
        return now
    }

    /// The requests of all volumes, by their names.
    public func list() async throws -> [StoredVolume] {
        try await store.readAll().filter { $0.request != nil }.sorted { $0.name < $1.name }
    }

    /// - Throws: `VolumeError` with code `notFound` when there is none.
    public func find(_ nameText: String) async throws -> StoredVolume {
        let stored = try await store.read(try VolumeName(given: nameText))
        guard stored.request != nil else {
            throw VolumeError(
                .notFound, "find the request of volume \(nameText)", why: "there is none", outcome: .refused)
        }
        return stored
    }

    /// Takes the request away. Where that ended half-way, the image is taken as it is.
    public func remove(_ nameText: String) async throws {
        let stored = try await find(nameText)
        try RequestRule.remove(stored)
        if stored.request?.record.isHalfDone == true, let volume = stored.volume?.record, let id = volume.imageID {
            do {
                try await snapshots.acceptHalfRolledBack(volume.image, id: id)
            } catch let error as VolumeError where error.code == .notFound {
                // Nothing is left of the image.
            }
        }
        guard try await store.commit(RequestRule.change(nil, of: stored), over: stored) != nil else {
            throw VolumeError.changedMeanwhile("remove the request of volume \(nameText)")
        }
    }

    /// Takes back a request that no node has begun with.
    /// - Returns: `false` when a node is at it, or it has come to its end.
    func withdraw(_ request: WorkRequest, of nameText: String) async throws -> Bool {
        let stored = try await store.read(try VolumeName(given: nameText))
        guard let now = stored.request?.record, now.token == request.token else { return true }
        guard now.state == .waiting else { return false }
        return try await store.commit(RequestRule.change(nil, of: stored), over: stored) != nil
    }
}

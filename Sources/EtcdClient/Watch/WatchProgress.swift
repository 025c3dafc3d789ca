/// How far a watch has come, and what each message of the server's means for it. Pure.
struct WatchProgress {
    enum Step: Equatable {
        /// Tell these to the reader, and go on.
        case tell([WatchElement])
        /// The member's store ends before what was seen already: it lags behind, or the history is another one.
        case behind(WatchElement)
        /// The history that is needed is gone. The end.
        case compacted(revision: Int64)
        /// The history is another one. The end.
        case replaced(revision: Int64)
        /// The server will not watch.
        case refused(ServerRefusal)
    }

    /// The first revision that has not been seen; nil before the first connection of a watch that begins "now".
    private(set) var nextRevision: Int64?
    private var clusterID: UInt64?

    init(from revision: Int64?) {
        nextRevision = revision
    }

    mutating func receive(_ response: WireWatchResponse) throws(WireViolation) -> Step {
        if response.canceled == true { return Self.cancellation(response) }
        if response.created == true { return try connected(try response.header.model()) }
        let events = response.events ?? []
        return events.isEmpty
            ? progressed(try response.header.requireRevision()) : try happened(events)
    }

    private static func cancellation(_ response: WireWatchResponse) -> Step {
        if let compacted = response.compact_revision, compacted.value > 0 {
            return .compacted(revision: compacted.value)
        }
        return .refused(ServerRefusal(cancelReason: response.cancel_reason ?? ""))
    }

    private mutating func connected(_ header: ResponseHeader) throws(WireViolation) -> Step {
        if let clusterID, clusterID != header.clusterID { return .replaced(revision: header.revision) }
        clusterID = header.clusterID
        let told = WatchElement.connected(revision: header.revision)
        guard let nextRevision else {
            nextRevision = header.revision + 1
            return .tell([told])
        }
        return header.revision < nextRevision - 1 ? .behind(told) : .tell([told])
    }

    /// An answer without events is a progress notification: everything up to its revision has been told.
    private mutating func progressed(_ revision: Int64) -> Step {
        guard revision >= nextRevision ?? 0 else { return .tell([]) }
        nextRevision = revision + 1
        return .tell([.progress(revision: revision)])
    }

    /// The header's revision is not the events': a watch that is catching up gets the store's there. The watch goes on
    /// after the last event.
    private mutating func happened(_ wire: [WireEvent]) throws(WireViolation) -> Step {
        var events: [WatchEvent] = []
        for event in wire { events.append(try event.model()) }
        let revision = events.map(\.revision).max() ?? 0
        guard revision >= nextRevision ?? 0 else { throw WireViolation("events older than what was asked for") }
        nextRevision = revision + 1
        return .tell([.events(events, revision: revision)])
    }
}

/// What becomes of the work that operators ask for: who may ask for what, who does it, and how it ends.
public enum RequestRule {
    /// How long a request that has come to its end stays, for whoever asked.
    public static let kept = Duration.seconds(3600)

    /// The request that no operation on the volume may get past: work is under way that changes the image, or it has failed
    /// half-way.
    public static func holding(_ stored: StoredVolume) -> WorkRequest? {
        guard let request = current(stored) else { return nil }
        if case .other = request.work { return stored.volume?.record.heldFor == request.token ? request : nil }
        return request.work.holdsVolume && (request.isUnfinished || request.isHalfDone) ? request : nil
    }

    /// The request, if it is about this incarnation of the volume.
    public static func current(_ stored: StoredVolume) -> WorkRequest? {
        guard let request = stored.request?.record, request.volumeUID == stored.volume?.record.uid else { return nil }
        return request
    }

    /// - Throws: `VolumeError` with code `unfinished` while a request holds the volume.
    public static func refuseWhileHeld(_ stored: StoredVolume, _ what: String) throws(VolumeError) {
        guard let request = holding(stored) else { return }
        if request.isHalfDone {
            throw VolumeError(
                .damaged, what,
                why: "it was to be \(request.work), and that failed half-way: \(request.result ?? "nobody knows why")",
                remedy:
                    "roll it back to a snapshot with 'rbd-plugin snapshot rollback', or take its image as it is with"
                    + " 'rbd-plugin request rm \(stored.name)'",
                outcome: .refused)
        }
        let node = request.node.map { " by node \($0.node)" } ?? ""
        let progress = request.progress.map { ", \($0) % done" } ?? ""
        throw VolumeError(
            .unfinished, what, why: "it is being \(request.work)\(node) (since \(request.since)\(progress))",
            remedy: "try again when that is done; 'rbd-plugin request get \(stored.name)' shows how far it is",
            outcome: .refused)
    }

    /// Puts the request, or takes it away with `nil`. Whether one holds the volume stands in the volume's own record as well: older
    /// versions, which know nothing of requests, leave that volume alone.
    public static func change(_ request: WorkRequest?, of stored: StoredVolume) -> StoreChange {
        var change = StoreChange(request: request.map { .put($0) } ?? .delete)
        guard var volume = stored.volume?.record, request?.volumeUID ?? volume.uid == volume.uid else { return change }
        let isHeld = request.map { $0.work.holdsVolume && ($0.isUnfinished || $0.isHalfDone) } ?? false
        let heldFor = isHeld ? request?.token : nil
        guard volume.heldFor != heldFor else { return change }
        volume.heldFor = heldFor
        change.volume = .put(volume)
        return change
    }

    /// A new request for the volume: a write beside the plugins (`OperatorWriteRule`).
    /// - Throws: `VolumeError`: `notFound`; `conflict` while the volume is not ready, or while it is being mounted, unmounted or
    ///   subject of another request; `inUse` when a node has the volume that none may have; `conflict` when none has it mounted
    ///   that has to be.
    public static func ask(
        _ work: RequestedWork, of stored: StoredVolume, token: String, by asker: String, at now: WallTime
    ) throws(VolumeError) -> WorkRequest {
        let what = "have volume \(stored.name) \(work)"
        guard let volume = stored.volume?.record else { throw VolumeError.noSuchVolume(what) }
        try OperatorWriteRule.refuseUnlessReady(volume, what)
        if work.holdsVolume { try SharedVolumeRule.refuseWriting(volume, what) }
        if work == .trim, volume.spec.access == .readOnly {
            throw VolumeError(
                .invalidOption, what, why: "it is read-only: nobody has freed anything", outcome: .refused)
        }
        if let other = current(stored) {
            let isReplaced = !other.isUnfinished && (!other.isHalfDone || work.holdsVolume)
            guard isReplaced else {
                try refuseWhileHeld(stored, what)
                throw VolumeError(
                    .conflict, what, why: "it is to be \(other.work) first (asked for by \(other.askedBy))",
                    remedy: "wait until that is done; see 'rbd-plugin request get \(stored.name)'", outcome: .refused)
            }
        }
        try OperatorWriteRule.refuseWhileUnderWay(stored, what)
        if work.holdsVolume, let attachment = stored.attachment?.record {
            throw VolumeError.mountedOnNode(
                what, attachment, remedy: "stop the containers that use it there, and try again")
        }
        if !work.holdsVolume, stored.attachment == nil {
            throw VolumeError(.conflict, what, why: "no node has it mounted", outcome: .refused)
        }
        return WorkRequest(volumeUID: volume.uid, token: token, work: work, askedBy: asker, since: now)
    }

    /// Whether an operator may take the request away: a write beside the plugins.
    /// - Throws: `VolumeError`: `notFound`; `conflict` while the image is being changed, or while the volume is being mounted or
    ///   unmounted.
    public static func remove(_ stored: StoredVolume) throws(VolumeError) {
        let what = "remove the request of volume \(stored.name)"
        guard let request = stored.request?.record else {
            throw VolumeError(.notFound, what, why: "there is none", outcome: .refused)
        }
        if let holding = holding(stored), holding.isUnfinished, holding.hasBegun {
            throw VolumeError(
                .conflict, what,
                why: "the volume is being \(request.work), and is neither what it was nor what it is to be",
                remedy: "wait until it is done; when its node has died, another one does it", outcome: .refused)
        }
        if case .other = request.work {
            throw VolumeError(
                .conflict, what, why: "it is to be \(request.work)",
                remedy: "remove it with the program of that version", outcome: .refused)
        }
        // Only the record tells the plugin that the filesystem may have to be thawed.
        if case .snapshot = request.work, request.state == .running, request.hasBegun,
            request.node == stored.attachment?.record.owner
        {
            throw VolumeError(
                .conflict, what, why: "node \(request.node?.node ?? "?") is taking the snapshot",
                remedy: "wait until that is done", outcome: .refused)
        }
        try OperatorWriteRule.refuseWhileUnderWay(stored, what)
    }

    /// What a node does about the request of a volume now.
    /// - Parameters:
    ///   - nodeIsAlive: whether the node that is at it has a heartbeat; asked only for other nodes.
    ///   - me: this node, at whose hands the request is not right now.
    public static func decide(
        _ stored: StoredVolume, me: NodeIdentity, nodeIsAlive: Bool, at now: WallTime
    ) -> RequestStep {
        guard let request = stored.request?.record else { return .nothing }
        guard let volume = stored.volume?.record, request.volumeUID == volume.uid else { return .clear }
        if case .other = request.work { return .nothing }
        guard request.isUnfinished else { return isForgotten(request, me, at: now) ? .clear : .nothing }
        guard volume.phase == .ready else { return .nothing }
        if request.work.holdsVolume {
            if volume.isShared { return .end(request.failed("nobody ever writes to its image", at: now)) }
            guard stored.attachment == nil, request.node.map({ $0.node != me.node && nodeIsAlive }) != true else {
                return .nothing
            }
            return .work(request.taken(by: me))
        }
        guard let attachment = stored.attachment?.record else {
            return .end(request.failed("the volume was unmounted before it was done", at: now))
        }
        guard attachment.owner == me, attachment.state == .attached else { return .nothing }
        if request.work == .trim, volume.spec.access == .readOnly {
            return .end(request.failed("it is read-only: nobody has freed anything", at: now))
        }
        return .work(request.taken(by: me))
    }

    /// Its own node clears it away; another one some time later, when that is gone.
    private static func isForgotten(_ request: WorkRequest, _ me: NodeIdentity, at now: WallTime) -> Bool {
        guard let endedAt = request.endedAt, !request.isHalfDone else { return false }
        return now - endedAt >= (request.node == me ? kept : kept + kept / 4)
    }
}

/// What a node does about a request.
public enum RequestStep: Sendable, Hashable {
    case nothing
    /// Record that this node is at it, and do it.
    case work(WorkRequest)
    /// It cannot be done any more: record that.
    case end(WorkRequest)
    /// Nobody needs the record any more.
    case clear
}

extension WorkRequest {
    /// As it is when the node is at it.
    func taken(by node: NodeIdentity) -> WorkRequest {
        var taken = self
        taken.state = .running
        taken.node = node
        return taken
    }

    public func done(_ result: String, at now: WallTime) -> WorkRequest { ended(.done, result, at: now) }

    public func failed(_ reason: String, at now: WallTime) -> WorkRequest { ended(.failed, reason, at: now) }

    private func ended(_ state: State, _ result: String, at now: WallTime) -> WorkRequest {
        var ended = self
        ended.state = state
        ended.result = result
        ended.endedAt = now
        return ended
    }
}

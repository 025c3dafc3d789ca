import Logging
import VolumeCore

extension VolumeDriver {
    /// Creates the volume, or finds that it is there as asked for. Safe to repeat after any failure.
    ///
    /// record `creating` → image under the attempt's own name, with the uid in its metadata and a filesystem → rename to
    /// the volume's name → record `ready`.
    public func create(_ nameText: String, options: [String: String]) async throws {
        if let topic = OptionHelp.topic(in: options) {
            log.info("told what options there are", metadata: ["topic": "\(topic.prefix(40))"])
            guard topic == OptionHelp.policies else {
                throw OptionHelp.answer(to: topic, defaults: settings.defaults)
            }
            throw OptionHelp.answer(with: try await policies())
        }
        let name = try VolumeName(given: nameText)
        let asked = try AskedOptions(options)
        _ = try asked.policy(of: name)
        try await operation("create", name) {
            let end = (Deadline.current ?? ports.clock.now()) + settings.undoBudget
            do {
                try await create(name, asked)
            } catch {
                guard try await isReadyAfterAll(name, asked, by: end) else { throw error }
                log.step("another node has created the volume", name, ["error": "\(error)"])
            }
        }
    }

    /// Whatever went wrong here: another node may have carried on, and this one may have failed for that very reason.
    /// - Parameter end: by when the caller has to have an answer: undoing what was done may have used up most of the time.
    /// - Returns: whether the same Create, repeated, would find the volume as asked for.
    /// - Throws: what it would say of a volume that is there otherwise.
    private func isReadyAfterAll(_ name: VolumeName, _ asked: AskedOptions, by end: Moment) async throws -> Bool {
        guard let stored = try? await Deadline.$current.withValue(end, operation: { try await read(name) }),
            let record = stored.volume?.record
        else { return false }
        let request = try VolumeRequest(asked, repeating: record, defaults: settings.defaults)
        return try rules.create(name, record, request, me, false) == .finished
    }

    private func create(_ name: VolumeName, _ asked: AskedOptions) async throws {
        var giveUp = ports.clock.now() + settings.handOverWait
        var begun: Set<String> = []
        // What this call has begun with it records again, whatever the policy says by then: its image is made so.
        var anew: VolumeRequest?
        while true {
            let stored = try await read(name)
            let request: VolumeRequest
            var policy: NamedPolicy?
            if let record = stored.volume?.record {
                request = try VolumeRequest(asked, repeating: record, defaults: settings.defaults)
            } else if let anew, !begun.isEmpty {
                request = anew
                policy = try await ports.policyStore.named(anew.policy)
            } else {
                policy = try await ports.policyStore.ofNewVolume(asked.policy(of: name), "create volume \(name)")
                request = try await self.request(asked, of: name, policy)
                anew = request
            }
            let step = try rules.create(
                name, stored.volume?.record, request, me, try await attemptIsAlive(stored))
            var abandoned: VolumeRecord?
            switch step {
            case .finished: return
            case .begin: break
            case .carryOn(let record): abandoned = record
            case .wait where ports.clock.now() < giveUp:
                try await ports.clock.sleep(for: settings.pollInterval)
                continue
            case .wait(let node):
                // Its call may be long over, with nobody left to repeat it. That is never certain, but it need not be:
                // each attempt has an image of its own, and the rename decides between them.
                log.step("no longer waiting for another node's create", name, ["node": "\(node.node)"])
                abandoned = stored.volume?.record
            }
            let pool = abandoned?.image.pool ?? request.spec.pool
            let isReady = try await inSlot(of: pool, to: "create volume \(name)") {
                if let abandoned { return try await carryOn(abandoned, over: stored, adopting: request.adopt) }
                return try await begin(name, request, policy, over: stored, &begun)
            }
            if isReady { return }
            // Another node was faster: it gets its time, or two nodes would go on undoing each other's attempts.
            giveUp = ports.clock.now() + settings.handOverWait
        }
    }

    /// What is asked for, of a volume that is not there yet. A clone has of its parent what nobody says of it.
    private func request(
        _ asked: AskedOptions, of name: VolumeName, _ policy: NamedPolicy?
    ) async throws -> VolumeRequest {
        guard let clone = asked.clone else {
            return try VolumeRequest(asked, defaults: settings.defaults, policy: policy)
        }
        let parent = try CloneRule.parent(try await read(clone.volume), for: name).record
        return try VolumeRequest(
            asked, defaults: CloneRule.defaults(settings.defaults, of: parent.spec), policy: policy)
    }

    private func policies() async throws -> [PolicyName: Policy] {
        try await Deadline.$current.withValue(ports.clock.now() + settings.workBudget) {
            try await ports.policyStore.readAll().mapValues(\.record)
        }
    }

    func attemptIsAlive(_ stored: StoredVolume) async throws -> Bool {
        guard let record = stored.volume?.record, record.phase == .creating else { return false }
        return try await isAlive(record.attempt?.by)
    }

    /// - Parameters:
    ///   - policy: that of the volume, as it is now.
    ///   - begun: the uids with which this call has begun before.
    /// - Returns: `false` when another node was faster: decide again.
    private func begin(
        _ name: VolumeName, _ request: VolumeRequest, _ policy: NamedPolicy?, over stored: StoredVolume,
        _ begun: inout Set<String>
    ) async throws -> Bool {
        // What an attempt before this one has made is recorded again, however many volumes there are by now.
        if begun.isEmpty { try await checkRoom(for: name) }
        if request.clone == nil {
            try settings.limits.check(request, of: name)
            try await checkMapper(request.spec, name)
        }
        var record = VolumeRecord(
            name: name, uid: VolumeUID.make(home: ports.home(), token: ports.tokens.token()), phase: .creating,
            spec: request.spec, options: request.options,
            createdAt: ports.clock.timestamp(), attempt: .init(by: me, token: ports.tokens.token()))
        record.isProtected = request.isProtected
        record.policy = request.policy
        record.runtime = request.runtime
        if let clone = request.clone {
            try await become(clone, &record, request)
            try await checkFound(record, request)
        }
        // Both only look. What the first one says of the pool is clearer, so its error goes first.
        let image = record.image
        async let found = ports.images.inspect(image)
        try await ports.images.preflight(record.spec)
        if let existing = try await found {
            if let uid = existing.uid, begun.contains(uid) {
                record.uid = uid
                return try await recordAgain(record, existing, over: stored)
            }
            guard request.adopt else { throw foreign(record.image) }
            try refuseUsers(of: existing, image)
            record.origin = .adopted
            record.spec = try await adoptedSpec(of: existing, image, request)
            try await checkFound(record, request)
        } else if request.adopt {
            throw AdoptRule.absent(image)
        }
        let change = StoreChange(volume: .put(record))
        guard
            let creating = try await commit(
                change, over: stored, counting: record.spec.size, under: policy, "create volume \(name)")
        else { return false }
        if !record.adopted { begun.insert(record.uid) }
        log.step("creating volume", name, ["image": "\(record.image)", "size": "\(record.spec.size)"])
        return try await build(record, over: creating)
    }

    /// Checks what the volume is to be where what is there already decides that: its image, or what it is made out of.
    private func checkFound(_ record: VolumeRecord, _ request: VolumeRequest) async throws {
        try settings.limits.check(record)
        try request.checkPolicy(of: record)
        try await checkMapper(record.spec, record.name)
    }

    /// Nodes that create at the same moment do not count each other: there may be a few volumes more than the limit.
    private func checkRoom(for name: VolumeName) async throws {
        let count = try await volumeCount()
        try settings.limits.checkRoom(for: name, beside: count)
    }

    private func volumeCount() async throws -> Int {
        if !ports.catalog.isLoaded { await ports.catalog.firstReading() }
        if ports.catalog.isLoaded { return ports.catalog.count }
        return try await ports.store.readAll().count
    }

    /// Another node took this call's attempt for dead and undid it, before the attempt had made its image: now the image
    /// has the volume's name, and no record tells of it. It has taken its place in Ceph, whatever the policy allows.
    private func recordAgain(
        _ record: VolumeRecord, _ image: ImageDescription, over stored: StoredVolume
    ) async throws -> Bool {
        guard let creating = try await commit(.init(volume: .put(record)), over: stored) else { return false }
        log.step("another node undid this create; recording it again", record.name, ["image": "\(record.image)"])
        return try await finish(record.withoutAttempt, imageID: image.id, over: creating)
    }

    /// Takes an attempt over that was given up. It may have come as far as the finished image.
    /// - Parameter adopting: whether the Create that carries on asks for an image that is there already.
    private func carryOn(
        _ record: VolumeRecord, over stored: StoredVolume, adopting: Bool
    ) async throws -> Bool {
        log.step("continuing an unfinished create", record.name, ["uid": "\(record.uid)"])
        if !record.adopted, let existing = try await ports.images.inspect(record.image) {
            guard existing.uid == record.uid else {
                try await discard(record, over: stored)
                throw foreign(record.image)
            }
            return try await finish(record.withoutAttempt, imageID: existing.id, over: stored)
        }
        // A new image is not what it asks for, whoever has begun to make one.
        if adopting, !record.adopted { throw AdoptRule.absent(record.image) }
        try settings.limits.check(record)
        try await checkMapper(record.spec, record.name)
        let next = try await sweepAbandoned(record.retried(by: me, token: ports.tokens.token()))
        guard let begun = try await commit(.init(volume: .put(next)), over: stored) else { return false }
        return try await build(next, over: begun)
    }

    private func build(_ record: VolumeRecord, over stored: StoredVolume) async throws -> Bool {
        guard let attempt = record.attempt else { return false }
        orphans.noteBeginning(in: record.image.pool)
        do {
            let id =
                record.adopted
                ? try await adoptImage(record)
                : try await makeImage(record, record.unfinishedImage(ofAttempt: attempt.token))
            return try await finish(record, imageID: id, over: stored)
        } catch {
            return try await giveUp(record, over: stored, after: error)
        }
    }

    /// - Returns: librbd's id of the image, which has the volume's name and a whole filesystem now.
    private func makeImage(_ record: VolumeRecord, _ unfinished: ImageReference) async throws -> String {
        // The attempt may be one of an earlier version of this program, which let more in.
        try record.spec.checkMkfsOptions()
        let id =
            if let origin = record.clonedFrom {
                try await makeClone(unfinished, of: record, from: origin)
            } else {
                try await ports.formatter.createFormatted(unfinished, spec: record.spec, uid: record.uid)
            }
        do {
            try await ports.images.rename(unfinished, to: record.image.name)
            return id
        } catch let error as VolumeError where error.code == .alreadyExists {
            guard let taken = try await ports.images.inspect(record.image), taken.uid == record.uid else {
                throw foreign(record.image)
            }
            try await removeUnfinished(unfinished, of: record)
            return taken.id
        }
    }

    private func finish(_ record: VolumeRecord, imageID: String, over stored: StoredVolume) async throws -> Bool {
        var ready = try await sweepAbandoned(record)
        ready.phase = .ready
        ready.imageID = imageID
        ready.attempt = nil
        guard try await commit(CloneRule.ready(ready, at: ports.clock.wallTime()), over: stored) != nil else {
            return false
        }
        log.step("volume is ready", record.name, ["image": "\(record.image)", "image-id": "\(imageID)"])
        return true
    }

    /// - Returns: `true` when the volume is ready all the same; `false` when another node has carried on: decide again.
    private func giveUp(
        _ record: VolumeRecord, over stored: StoredVolume, after error: any Error
    ) async throws -> Bool {
        log.warning("create failed", metadata: ["volume": "\(record.name)", "error": "\(error)"])
        do {
            switch try await undoing({ try await settle(record, over: stored, because: error) }) {
            case .finished: return true
            case .overtaken: return false
            case .undone: break
            }
        } catch let undoError {
            log.error(
                "could not undo a failed create; the plugin undoes it later, unless another create continues it first",
                metadata: ["volume": "\(record.name)", "error": "\(undoError)"])
        }
        throw error
    }

    /// Undoes attempts that failed, so that nothing is left of them; or finishes one, where only the answer was lost.
    ///
    /// A rename that was given up may still come. So it is looked for once more after the unfinished image was removed:
    /// from then on it cannot come any more.
    /// - Parameter failure: of the attempt, for the history.
    func settle(
        _ record: VolumeRecord, over stored: StoredVolume, because failure: (any Error)? = nil
    ) async throws -> SettledCreate {
        let ended = record.withoutAttempt
        if let id = try await renamedImage(record) {
            return try await finish(ended, imageID: id, over: stored) ? .finished : .overtaken
        }
        try await removeUnfinishedImages(of: record)
        if let id = try await renamedImage(record) {
            return try await finish(ended, imageID: id, over: stored) ? .finished : .overtaken
        }
        let deletion = StoreChange.deletion.because(failure.map { "\($0)" })
        return try await commit(deletion, over: stored) == nil ? .overtaken : .undone
    }

    /// The id of the volume's image if a rename has made it that already.
    private func renamedImage(_ record: VolumeRecord) async throws -> String? {
        guard !record.adopted, let image = try await ports.images.inspect(record.image), image.uid == record.uid else {
            return nil
        }
        return image.id
    }

    private func discard(_ record: VolumeRecord, over stored: StoredVolume) async throws {
        try await removeUnfinishedImages(of: record)
        _ = try await commit(.deletion, over: stored)
    }

    private func checkMapper(_ spec: VolumeSpec, _ name: VolumeName) async throws {
        try await refuseUnmappable(spec.featuresOfImage, "create volume \(name)") { names in
            spec.features.contains(.striping) || spec.striping == nil
                ? "leave out \(names): '-o features=…' or RBD_DEFAULT_FEATURES"
                : "leave out \(names): '-o features=…' or RBD_DEFAULT_FEATURES, 'stripe-unit' and 'stripe-count'"
        }
    }

    private func foreign(_ image: ImageReference) -> VolumeError {
        VolumeError(
            .foreignImage, "create volume \(image.name)",
            why: "an image \(image) exists that no volume owns; it was not changed",
            remedy: "use another name, or '-o adopt=true' to use that image with what is on it"
                + (settings.limits.allowsAdoption ? "" : ", where RBD_ALLOW_ADOPT allows that"), outcome: .refused)
    }
}

/// What has become of a Create that failed.
enum SettledCreate {
    /// Only the answer was lost: the volume is ready.
    case finished
    /// Nothing is left of it.
    case undone
    /// Another node has changed the record meanwhile: what becomes of the volume is its affair.
    case overtaken
}

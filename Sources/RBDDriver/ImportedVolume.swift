import VolumeCore

extension BackupActions {
    /// Creates an image of that name and puts the content of a backup into it. Calls the last argument when all of it is on disk,
    /// with the image's id, and keeps the image open until that has returned.
    public typealias Filling = (
        _ image: ImageReference, _ spec: VolumeSpec, _ uid: String, _ whole: (String) async throws -> Void
    ) async throws -> Void

    /// What has come of an import.
    public struct Imported: Sendable {
        public let volume: VolumeRecord
        /// Why the volume does not have the snapshot that the backup leads to; `nil` when it has, or when there is none to have.
        public let missingSnapshot: String?
    }

    /// Makes a volume of a whole backup.
    ///
    /// image under the name of an unfinished one, without a record → its content → record `creating` → rename to the volume's name →
    /// record `ready` → snapshot. Nothing shows of it before its content is whole. If it breaks off before, it removes the image;
    /// if it is killed, the plugins find that image by its name (`OrphanRule`). If it is killed after, the plugin of this node
    /// finishes or undoes it as it does a Create. Until the end the image is open, so none of them takes it for abandoned, and no
    /// node mounts it.
    /// - Parameters:
    ///   - options: as for `docker volume create -o`.
    ///   - size: of the image.
    ///   - snapshot: the name of the snapshot that the backup leads to.
    public func make(
        _ nameText: String, options: [String: String], size: VolumeSize, snapshot: String?, filledBy fill: Filling
    ) async throws -> Imported {
        let what = "import volume \(nameText)"
        let name = try VolumeName(given: nameText)
        let asked = try AskedOptions(options)
        let policy = try await policies.ofNewVolume(asked.policy(of: name), what)
        let request = try request(options, policy, what)
        let stored = try await store.read(name)
        var record = try self.record(name, request, asked, size)
        try await refuseTaken(record, stored, what)
        try limits.checkRoom(for: name, beside: try await store.readAll().count)
        try await images.preflight(record.spec)

        let token = record.attempt?.token ?? tokens.token()
        let unfinished = record.unfinishedImage(ofAttempt: token)
        var stage = Stage.filling
        var missing: String?
        do {
            try await fill(unfinished, record.spec, record.uid) { id in
                try await settleFilesystem(of: &record, on: unfinished, request)
                let quota = PolicyQuota(store: store, policies: policies, rules: DriverRules())
                stage = .recording
                guard
                    let creating = try await quota.commit(
                        StoreChange(volume: .put(record)), over: stored, counting: size, under: policy, what)
                else { throw VolumeError.changedMeanwhile(what) }
                stage = .recorded(creating)
                try await images.rename(unfinished, to: record.image.name)
                record = try await makeReady(record, id, over: creating, what)
                stage = .ready
                missing = await take(snapshot, of: record, id)
            }
        } catch {
            if case .ready = stage { return Imported(volume: record, missingSnapshot: missing) }
            try await undo(record, unfinished, stage, after: error)
            // Only an answer was lost.
            return Imported(volume: record, missingSnapshot: snapshot.map { "snapshot \($0) was not taken" })
        }
        return Imported(volume: record, missingSnapshot: missing)
    }

    /// How far an import has come.
    private enum Stage: Sendable {
        case filling
        /// Whether there is a record is not known.
        case recording
        case recorded(StoredVolume)
        case ready
    }

    // MARK: What it is to be

    /// What a backup decides by itself, or what would be another volume than that of a backup.
    private static let withoutMeaning: Set<VolumeOption> = [.size, .mkfsOptions, .adopt, .from, .fromSnapshot]

    /// The content decides what an adopted image decides, too. But the image is the volume's own.
    private func request(
        _ options: [String: String], _ policy: NamedPolicy?, _ what: String
    ) throws -> VolumeRequest {
        for name in options.keys {
            guard let option = VolumeOption(name: name), Self.withoutMeaning.contains(option) else {
                continue
            }
            throw VolumeError(
                .invalidOption, what, why: "the option \(option.rawValue) has no meaning for what a backup brings",
                remedy: "leave it out", outcome: .refused)
        }
        let adopting = options.merging([VolumeOption.adopt.rawValue: "own"]) { given, _ in given }
        return try VolumeRequest(try AskedOptions(adopting), defaults: defaults, policy: policy)
    }

    private func record(
        _ name: VolumeName, _ request: VolumeRequest, _ asked: AskedOptions, _ size: VolumeSize
    ) throws -> VolumeRecord {
        var spec = request.spec
        spec.size = size
        spec.mkfsOptions = []
        var options = request.options
        options[VolumeOption.adopt.rawValue] = nil
        var record = VolumeRecord(
            name: name, uid: VolumeUID.make(home: home(), token: tokens.token()), phase: .creating, spec: spec,
            options: options, createdAt: clock.timestamp(), attempt: .init(by: me, token: tokens.token()))
        record.isProtected = request.isProtected
        record.policy = request.policy
        record.runtime = asked.runtime
        try limits.check(record)
        try request.checkPolicy(of: record)
        let possible = request.given.contains(.fstype) ? [spec.filesystem] : FilesystemType.allCases
        try Self.checkAnyOf(possible, record, request)
        return record
    }

    /// Which filesystem it has is not known yet: what no filesystem can be is refused before anything is written.
    private static func checkAnyOf(
        _ filesystems: [FilesystemType], _ record: VolumeRecord, _ request: VolumeRequest
    ) throws {
        var refusal: VolumeError?
        for filesystem in filesystems {
            var candidate = record
            candidate.spec.filesystem = filesystem
            if !request.decided.contains(.mountOptions) { candidate.spec.mountOptions = [] }
            do throws(VolumeError) { return try candidate.check() } catch { refusal = refusal ?? error }
        }
        if let refusal { throw refusal }
    }

    private func refuseTaken(_ record: VolumeRecord, _ stored: StoredVolume, _ what: String) async throws {
        guard stored.volume == nil, stored.attachment == nil else {
            throw VolumeError(
                .alreadyExists, what, why: "there is a volume of that name", remedy: "choose another name",
                outcome: .refused)
        }
        guard try await images.inspect(record.image) == nil else {
            throw VolumeError(
                .foreignImage, what, why: "an image \(record.image) exists that no volume owns; it was not changed",
                remedy: "choose another name", outcome: .refused)
        }
    }

    private func settleFilesystem(
        of record: inout VolumeRecord, on image: ImageReference, _ request: VolumeRequest
    ) async throws {
        try AdoptRule.take(try await images.filesystems(on: image), of: image, into: &record.spec, request, defaults)
        try record.check()
    }

    // MARK: The end

    /// - Returns: the record as it is now. The plugin of this node may have finished it, as it does what a Create has left.
    private func makeReady(
        _ record: VolumeRecord, _ id: String, over creating: StoredVolume, _ what: String
    ) async throws -> VolumeRecord {
        var ready = record
        ready.phase = .ready
        ready.imageID = id
        ready.attempt = nil
        if try await store.commit(.init(volume: .put(ready)), over: creating) != nil { return ready }
        guard let now = try await store.read(record.name).volume?.record, now.uid == record.uid, now.phase == .ready
        else { throw VolumeError.changedMeanwhile(what) }
        return now
    }

    /// - Returns: why there is none, if there is to be one.
    private func take(_ snapshot: String?, of record: VolumeRecord, _ id: String) async -> String? {
        guard let snapshot else { return nil }
        do {
            let mark = SnapshotMark(consistency: .crash, by: "operator@\(me.node)", token: tokens.token())
            _ = try await snapshots.take(try SnapshotName(snapshot), of: record.image, id: id, mark: mark)
            return nil
        } catch {
            return "\(error)"
        }
    }

    /// Takes back what an import has made that broke off. Also where the import was interrupted: it is a task of its own.
    /// - Throws: `error`, unless only an answer was lost and the volume is ready.
    private func undo(
        _ record: VolumeRecord, _ unfinished: ImageReference, _ stage: Stage, after error: any Error
    ) async throws {
        let undoing = Task {
            try await Deadline.$current.withValue(clock.now() + Self.undoBudget) {
                try await settle(record, unfinished, stage)
            }
        }
        do {
            if try await undoing.value { return }
        } catch let undoError {
            throw VolumeError(
                .unavailable, "undo an import that failed", why: "\(undoError). It failed because: \(error)",
                remedy: "the plugins remove the unfinished image \(unfinished) within two hours", outcome: .unknown)
        }
        throw error
    }

    private static let undoBudget = Duration.seconds(45)

    /// - Returns: whether the volume is ready all the same.
    private func settle(_ record: VolumeRecord, _ unfinished: ImageReference, _ stage: Stage) async throws -> Bool {
        if case .filling = stage {
            try await remove(unfinished)
            return false
        }
        // The record may be there although its answer was lost, and so may the rename.
        let stored = try await store.read(record.name)
        guard let mine = stored.volume?.record, mine.uid == record.uid else {
            try await remove(unfinished)
            return false
        }
        if mine.phase == .ready { return true }
        if let image = try await images.inspect(record.image), image.uid == record.uid {
            _ = try await makeReady(record, image.id, over: stored, "import volume \(record.name)")
            return true
        }
        try await remove(unfinished)
        // From now on a rename that is still on its way finds nothing.
        if let image = try await images.inspect(record.image), image.uid == record.uid {
            _ = try await makeReady(record, image.id, over: stored, "import volume \(record.name)")
            return true
        }
        _ = try await store.commit(.deletion, over: stored)
        return false
    }

    /// A call that was given up may still have the image open for a moment.
    private func remove(_ unfinished: ImageReference) async throws {
        while true {
            do {
                try await images.remove(unfinished, id: nil)
                return try await images.clearRemains(of: unfinished)
            } catch let error as VolumeError where error.code == .busy {
                try await clock.sleep(for: .seconds(1))
                guard let deadline = Deadline.current, clock.now() < deadline else { throw error }
            }
        }
    }
}

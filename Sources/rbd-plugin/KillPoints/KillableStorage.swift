#if FAULT_INJECTION
    import VolumeCore

    /// etcd, with a kill point after each write.
    struct KillableStore: VolumeStore {
        let base: any VolumeStore
        let points: KillPoints

        func read(_ name: VolumeName) async throws -> StoredVolume { try await base.read(name) }

        func readAtOnce() async throws -> AllVolumes { try await base.readAtOnce() }

        func readAttachments() async throws -> [VolumeName: [Attachment]] { try await base.readAttachments() }

        func commit(
            _ change: StoreChange, over read: StoredVolume, within quota: QuotaGuard?
        ) async throws -> StoredVolume? {
            guard let written = try await base.commit(change, over: read, within: quota) else { return nil }
            points.passed("record \(change.summary)")
            return written
        }
    }

    /// Images in Ceph, with a kill point after each change.
    struct KillableImages: ImageStore {
        let base: any ImageStore
        let points: KillPoints

        func preflight(_ spec: VolumeSpec) async throws { try await base.preflight(spec) }

        func inspect(_ image: ImageReference) async throws -> ImageDescription? { try await base.inspect(image) }

        func inspect(id: String, in place: TrashPlace) async throws -> ImageDescription? {
            try await base.inspect(id: id, in: place)
        }

        func create(_ image: ImageReference, spec: VolumeSpec, uid: String) async throws -> String {
            try await base.create(image, spec: spec, uid: uid)
        }

        func clone(
            _ snapshot: ParentSnapshot, as image: ImageReference, spec: VolumeSpec, uid: String
        ) async throws -> String {
            try await base.clone(snapshot, as: image, spec: spec, uid: uid)
        }

        func clones(of image: ImageReference, id: String, madeOf snapshot: UInt64?) async throws -> [String] {
            try await base.clones(of: image, id: id, madeOf: snapshot)
        }

        func rename(_ image: ImageReference, to name: String) async throws {
            try await points.after("rename image") { try await base.rename(image, to: name) }
        }

        func finishRename(_ image: ImageReference, to name: String) async throws {
            try await points.after("finish rename") { try await base.finishRename(image, to: name) }
        }

        func filesystems(on image: ImageReference) async throws -> [FilesystemType] {
            try await base.filesystems(on: image)
        }

        func mark(_ image: ImageReference, uid: String) async throws {
            try await points.after("mark image") { try await base.mark(image, uid: uid) }
        }

        func noteWriter(_ client: ClientAddress, in image: ImageReference, id: String) async throws {
            try await points.after("note writer") { try await base.noteWriter(client, in: image, id: id) }
        }

        func forgetWriters(_ clients: [ClientAddress], in image: ImageReference, id: String) async throws {
            try await points.after("forget writers") { try await base.forgetWriters(clients, in: image, id: id) }
        }

        func grow(_ image: ImageReference, id: String, to size: VolumeSize) async throws {
            try await points.after("grow image") { try await base.grow(image, id: id, to: size) }
        }

        func remove(_ image: ImageReference, id: String?) async throws {
            try await points.after("remove image") { try await base.remove(image, id: id) }
        }

        func moveToTrash(
            _ image: ImageReference, id: String?, as removed: String, keepingUntil until: WallTime?
        ) async throws {
            try await points.after("trash image") {
                try await base.moveToTrash(image, id: id, as: removed, keepingUntil: until)
            }
        }

        func keep(_ volume: KeptVolume, in image: ImageReference, id: String) async throws {
            try await points.after("note volume") { try await base.keep(volume, in: image, id: id) }
        }

        func kept(_ image: TrashedImage) async throws -> KeptImage? { try await base.kept(image) }

        func restoreFromTrash(_ image: TrashedImage, as name: String) async throws {
            try await points.after("restore image") { try await base.restoreFromTrash(image, as: name) }
        }

        func trashPlaces() async throws -> [TrashPlace] { try await base.trashPlaces() }

        func trashed(in place: TrashPlace) async throws -> [TrashedImage] { try await base.trashed(in: place) }

        func emptyTrash(_ image: TrashedImage, early: Bool) async throws {
            try await points.after("empty trash") { try await base.emptyTrash(image, early: early) }
        }

        func clearRemains(of image: ImageReference) async throws {
            try await points.after("clear remains") { try await base.clearRemains(of: image) }
        }

        func names(in pool: String, namespace: String, withPrefix prefix: String) async throws -> [String] {
            try await base.names(in: pool, namespace: namespace, withPrefix: prefix)
        }

        func watchers(of image: ImageReference) async throws -> [ClientAddress] {
            try await base.watchers(of: image)
        }
    }

    struct KillableFormatter: VolumeFormatter {
        let base: any VolumeFormatter
        let points: KillPoints

        func createFormatted(_ image: ImageReference, spec: VolumeSpec, uid: String) async throws -> String {
            try await points.after("format image") {
                try await base.createFormatted(image, spec: spec, uid: uid)
            }
        }

        func createClone(
            _ image: ImageReference, of snapshot: ParentSnapshot, spec: VolumeSpec, uid: String
        ) async throws -> String {
            try await points.after("clone image") {
                try await base.createClone(image, of: snapshot, spec: spec, uid: uid)
            }
        }
    }

    /// The blocklist and the locks, with a kill point after each change.
    struct KillableFence: Fence {
        let base: any Fence
        let points: KillPoints

        func blocklist(_ client: ClientAddress, for duration: Duration) async throws {
            try await points.after("blocklist client") { try await base.blocklist(client, for: duration) }
        }

        func isBlocklisted(_ client: ClientAddress) async throws -> Bool { try await base.isBlocklisted(client) }

        func allow(_ client: ClientAddress) async throws {
            try await points.after("allow client") { try await base.allow(client) }
        }

        func breakLock(of image: ImageReference, heldBy client: ClientAddress) async throws {
            try await points.after("break lock") { try await base.breakLock(of: image, heldBy: client) }
        }
    }
#endif

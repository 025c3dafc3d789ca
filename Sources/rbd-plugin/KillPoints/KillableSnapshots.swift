#if FAULT_INJECTION
    import VolumeCore

    /// Snapshots in Ceph, with a kill point after each change.
    struct KillableSnapshots: SnapshotStore {
        let base: any SnapshotStore
        let points: KillPoints

        func snapshots(of image: ImageReference, id: String) async throws -> [VolumeSnapshot] {
            try await base.snapshots(of: image, id: id)
        }

        func take(
            _ name: SnapshotName, of image: ImageReference, id: String, mark: SnapshotMark, evenIfChanging: Bool
        ) async throws -> TakenSnapshot {
            try await points.after("take snapshot") {
                try await base.take(name, of: image, id: id, mark: mark, evenIfChanging: evenIfChanging)
            }
        }

        func mark(_ snapshot: UInt64, of image: ImageReference, id: String, _ mark: SnapshotMark) async throws {
            try await points.after("mark snapshot") { try await base.mark(snapshot, of: image, id: id, mark) }
        }

        func remove(_ snapshot: UInt64, of image: ImageReference, id: String) async throws {
            try await points.after("remove snapshot") { try await base.remove(snapshot, of: image, id: id) }
        }

        /// Also in the midst of it.
        func rollBack(
            _ image: ImageReference, id: String, to snapshot: UInt64, progress: @escaping @Sendable (Int) -> Void
        ) async throws {
            try await points.after("roll image back") {
                let caller = KillPoints.caller
                try await base.rollBack(image, id: id, to: snapshot) { percent in
                    KillPoints.$caller.withValue(caller) { points.passed("roll back a part") }
                    progress(percent)
                }
            }
        }

        func acceptHalfRolledBack(_ image: ImageReference, id: String) async throws {
            try await base.acceptHalfRolledBack(image, id: id)
        }

        func client() async throws -> ClientAddress { try await base.client() }
    }
#endif

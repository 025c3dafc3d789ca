import VolumeCore

/// `SnapshotStore` over the simulated Ceph.
public struct InMemorySnapshotStore: SnapshotStore {
    private let process: PluginProcess

    public init(_ process: PluginProcess) { self.process = process }

    public func snapshots(of image: ImageReference, id: String) async throws -> [VolumeSnapshot] {
        try await process.perform(.snapshotList, "\(image)") {
            try $0.snapshots(ofID: id, of: image)
        }
    }

    /// In two steps: a crash in between leaves a snapshot without a mark, which the same call finishes.
    public func take(
        _ name: SnapshotName, of image: ImageReference, id: String, mark: SnapshotMark, evenIfChanging: Bool
    ) async throws -> TakenSnapshot {
        var (taken, isNew) = try await process.perform(.snapshotTake, "\(image)@\(name)") {
            try $0.beginSnapshot(name, ofID: id, of: image, token: mark.token, evenIfChanging: evenIfChanging)
        }
        if taken.mark != nil { return TakenSnapshot(VolumeSnapshot(taken), isNew: isNew) }
        taken.mark = mark
        let number = taken.id
        try await self.mark(number, of: image, id: id, mark)
        return TakenSnapshot(VolumeSnapshot(taken), isNew: isNew)
    }

    public func mark(_ snapshot: UInt64, of image: ImageReference, id: String, _ mark: SnapshotMark) async throws {
        try await process.perform(.snapshotMark, "\(image)@\(snapshot)") {
            try $0.markSnapshot(snapshot, ofID: id, of: image, mark)
        }
    }

    public func remove(_ snapshot: UInt64, of image: ImageReference, id: String) async throws {
        try await process.perform(.snapshotRemove, "\(image)@\(snapshot)") {
            try $0.removeSnapshot(snapshot, ofID: id, of: image)
        }
    }

    /// In two steps: broken off between them, the image is neither what it was nor what it is to be.
    public func rollBack(
        _ image: ImageReference, id: String, to snapshot: UInt64, progress: @escaping @Sendable (Int) -> Void
    ) async throws {
        let client = try await client()
        try await process.perform(.snapshotRollBackBegin, "\(image)@\(snapshot)") { [process] in
            try $0.beginToRollBack(toSnapshot: snapshot, ofID: id, of: image, by: client)
            $0.open(id, by: process)
        }
        progress(50)
        try await process.perform(.snapshotRollBack, "\(image)@\(snapshot)") {
            try $0.rollBack(toSnapshot: snapshot, ofID: id, of: image, by: client)
        }
        progress(100)
    }

    public func acceptHalfRolledBack(_ image: ImageReference, id: String) async throws {
        try await process.perform(.snapshotMark, "\(image)") {
            try $0.acceptHalfRolledBack(ofID: id, of: image)
        }
    }

    public func client() async throws -> ClientAddress {
        guard let client = process.cluster.world.nodes[process.node]?.client(ofProcess: process.number) else {
            throw PluginIsGone()
        }
        return client
    }
}

extension VolumeSnapshot {
    init(_ snapshot: SimulatedSnapshot) {
        self.init(
            id: snapshot.id, name: snapshot.name, size: snapshot.size, takenAt: snapshot.takenAt, mark: snapshot.mark)
    }
}

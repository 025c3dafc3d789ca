/// The snapshots of images in Ceph. Images are known by their id, and so are snapshots: names go to others. An image in the trash
/// has its id still.
public protocol SnapshotStore: Sendable {
    /// Those that people and programs have taken, oldest first. Without those that Ceph keeps for itself.
    /// - Throws: `VolumeError` with code `notFound` when there is no image of that id in the place.
    func snapshots(of image: ImageReference, id: String) async throws -> [VolumeSnapshot]

    /// Takes a snapshot and notes `mark` of it. Repeated with the same token it finds what an earlier call has taken, and
    /// finishes it.
    /// - Parameter evenIfChanging: whether to take it also while the image says that it is neither what it was nor what it is to be
    ///   (`ImageDescription.rollingBackTo`).
    /// - Throws: `VolumeError` with code `alreadyExists` when another snapshot has the name; `conflict` when the image is being
    ///   changed, and then leaves no snapshot; `notFound` as above.
    func take(
        _ name: SnapshotName, of image: ImageReference, id: String, mark: SnapshotMark, evenIfChanging: Bool
    ) async throws -> TakenSnapshot

    /// Changes what is noted of a snapshot.
    /// - Throws: `VolumeError` with code `notFound` when there is no such snapshot.
    func mark(_ snapshot: UInt64, of image: ImageReference, id: String, _ mark: SnapshotMark) async throws

    /// Removes a snapshot; succeeds when there is none of that number.
    /// - Throws: `VolumeError` with code `conflict` for one whose mark says that it is held; `busy` while it is protected or a
    ///   clone needs it.
    func remove(_ snapshot: UInt64, of image: ImageReference, id: String) async throws

    /// Brings the image back to what it was: what was written since is lost. The caller has made sure that nobody has it open.
    /// An image that has grown since gets its former size back. This may take hours. If it breaks off, the image holds a mixture,
    /// and the same call makes it whole; until then the image says so itself (`ImageDescription.rollingBackTo`).
    /// - Parameter progress: is told how much is done, in percent.
    /// - Throws: `VolumeError` with code `notFound` when there is no such snapshot.
    func rollBack(
        _ image: ImageReference, id: String, to snapshot: UInt64, progress: @escaping @Sendable (Int) -> Void
    ) async throws

    /// Has the image say no more that a rollback of it broke off. Succeeds when it does not say so.
    func acceptHalfRolledBack(_ image: ImageReference, id: String) async throws

    /// The client that `rollBack` writes with: what a fence against it has to shut out.
    func client() async throws -> ClientAddress
}

extension SnapshotStore {
    /// Takes a snapshot of an image that is whole.
    public func take(
        _ name: SnapshotName, of image: ImageReference, id: String, mark: SnapshotMark
    ) async throws -> TakenSnapshot {
        try await take(name, of: image, id: id, mark: mark, evenIfChanging: false)
    }
}

extension VolumeError {
    /// A snapshot of it would hold some of what it was and some of what it is to be.
    public static func isChanging(_ what: String) -> VolumeError {
        VolumeError(
            .conflict, what, why: "the image is being rolled back, or changed by an import, or that broke off",
            remedy: "wait for its end, or begin it again", outcome: .refused)
    }
}

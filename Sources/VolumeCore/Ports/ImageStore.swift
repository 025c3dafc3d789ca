/// RBD images in Ceph.
public protocol ImageStore: Sendable {
    /// Checks that pool, data pool and namespace of `spec` exist and can be used, and that the size is not beyond what
    /// the pool could ever hold. Changes nothing.
    func preflight(_ spec: VolumeSpec) async throws

    /// - Returns: `nil` when there is no such image (Ceph said so; a failure throws).
    /// - Throws: `VolumeError` with code `unexplained` when somebody watches it, or holds its lock, whose address names no single
    ///   client.
    func inspect(_ image: ImageReference) async throws -> ImageDescription?

    /// Looks at an image by its id, whatever its name is by now, also in the trash.
    /// - Returns: `nil` when there is no such image any more (Ceph said so; a failure throws).
    /// - Throws: as `inspect(_:)`.
    func inspect(id: String, in place: TrashPlace) async throws -> ImageDescription?

    /// Creates an image that bears `uid` in its metadata. One that comes to be after the call has timed out is removed
    /// again as far as that is possible: its name must not be counted on.
    /// - Returns: librbd's id of the new image.
    /// - Throws: `VolumeError` with code `alreadyExists` when the name is taken.
    func create(_ image: ImageReference, spec: VolumeSpec, uid: String) async throws -> String

    /// Creates an image out of a snapshot, with its content and its size; all else is as `spec` says. Like that of `create` it
    /// bears `uid`, and is removed again when it comes to be after the call has timed out.
    /// - Returns: librbd's id of the new image.
    /// - Throws: `VolumeError` with code `alreadyExists` when the name is taken; `notFound` when there is no such snapshot.
    func clone(
        _ snapshot: ParentSnapshot, as image: ImageReference, spec: VolumeSpec, uid: String
    ) async throws -> String

    /// The images that are clones of the image's snapshots, for people: `rbd/copy`, or with a word on where it is.
    /// - Parameter snapshot: the snapshot of which they are clones; `nil` for all of them, also of snapshots that were removed and
    ///   that Ceph keeps for their clones.
    /// - Throws: `VolumeError` with code `notFound` when there is no image of that id, or no such snapshot of it, any more.
    func clones(of image: ImageReference, id: String, madeOf snapshot: UInt64?) async throws -> [String]

    /// Gives an image the volume's name (`rbd_rename`).
    /// - Throws: `VolumeError` with code `alreadyExists` when the new name is taken: nothing has changed then.
    func rename(_ image: ImageReference, to name: String) async throws

    /// Finishes a rename that was cut off half-way, where both names lead to the same image: from then on only the new one
    /// does. Changes nothing where that is not so, nor the image itself, which may be in use.
    func finishRename(_ image: ImageReference, to name: String) async throws

    /// The filesystems whose mark is at the image's beginning: normally one or none. Only reads.
    /// - Throws: `VolumeError` with code `notFound` when there is no such image.
    func filesystems(on image: ImageReference) async throws -> [FilesystemType]

    /// Writes `uid` into an image that exists: what `adopt` does.
    func mark(_ image: ImageReference, uid: String) async throws

    /// Notes in the image itself that the client may write to it. That takes Ceph's capabilities, so it cannot be forged by
    /// somebody who only writes to etcd. Noting it again changes nothing.
    /// - Throws: `VolumeError` with code `notFound` when there is no image of that id any more.
    func noteWriter(_ client: ClientAddress, in image: ImageReference, id: String) async throws

    /// Takes the notes of clients away that are gone or shut out; succeeds when there are none, and when the image is gone.
    func forgetWriters(_ clients: [ClientAddress], in image: ImageReference, id: String) async throws

    /// Makes the image that large; does nothing where it is, or is larger. Clients that have it open go on.
    /// - Throws: `VolumeError` with code `notFound` when there is no image of that id any more.
    func grow(_ image: ImageReference, id: String, to size: VolumeSize) async throws

    /// Removes an image, provided that its id is `id` (any when `nil`); succeeds when there is none. Finishes a removal
    /// that was cut off.
    /// - Throws: `VolumeError` with code `busy` when it has watchers or snapshots.
    func remove(_ image: ImageReference, id: String?) async throws

    /// Puts the image into Ceph's trash under another name, `removed`, which no other image ever has. Takes as long for a
    /// large image as for a small one: its data stays until `emptyTrash`. Its name is free then. Goes on where an
    /// earlier call was cut off, and succeeds when there is nothing left to do.
    ///
    /// The caller has made sure that nobody has it open. Its snapshots go along.
    /// - Parameters:
    ///   - id: the image's id; `nil` when it is not known: then only what bears the name `removed` already is meant.
    ///   - until: until when Ceph is to let nobody delete it who does not insist.
    /// - Throws: `VolumeError` with code `foreignImage` when the name is another image's and the one meant is nowhere,
    ///   `busy` when somebody holds its lock.
    func moveToTrash(
        _ image: ImageReference, id: String?, as removed: String, keepingUntil until: WallTime?
    ) async throws

    /// All pools and namespaces that may have a trash, as far as Ceph lets this node see.
    func trashPlaces() async throws -> [TrashPlace]

    /// What `moveToTrash` has put into the trash there and is not deleted yet. Nothing else that is there.
    func trashed(in place: TrashPlace) async throws -> [TrashedImage]

    /// Deletes the data of an image in the trash, for good. Takes long; goes on where it was cut off; succeeds when there
    /// is no such image any more. Several nodes may be at the same one.
    /// - Parameter early: also one that is to be kept for longer.
    /// - Throws: `VolumeError` with code `busy` while it is watched, has snapshots, or another node is at it;
    ///   `foreignImage` when it does not bear the volume's uid; `conflict` before its time.
    func emptyTrash(_ image: TrashedImage, early: Bool) async throws

    /// Has the image say itself all that its volume was, for as long as the trash keeps it. Saying it again changes nothing.
    /// - Throws: `VolumeError` with code `notFound` when there is no image of that id any more.
    func keep(_ volume: KeptVolume, in image: ImageReference, id: String) async throws

    /// What an image says that the trash keeps.
    /// - Returns: `nil` when there is no image of that id any more, or nothing can be read of it.
    func kept(_ image: TrashedImage) async throws -> KeptImage?

    /// Takes an image out of the trash and gives it that name. Goes on where an earlier call was cut off, and succeeds when the
    /// image has the name already.
    /// - Throws: `VolumeError`: `alreadyExists` when the name is another image's; `notFound` when the image is neither in the trash nor
    ///   has the name; `busy` while it is being deleted.
    func restoreFromTrash(_ image: TrashedImage, as name: String) async throws

    /// Clears what a creation or a removal that was cut off has left under the name, and that is no image: without it some
    /// object would stay for ever that nobody sees. An image that is there is left alone.
    func clearRemains(of image: ImageReference) async throws

    /// The names of the images of a pool and namespace that begin so (`rbd_list2`). Reads the names of all.
    func names(in pool: String, namespace: String, withPrefix prefix: String) async throws -> [String]

    /// Who has the image open for writing right now (`rbd_watchers_list`), this plugin's own handles left out. For looking
    /// again: `inspect` has said it already.
    /// - Throws: `VolumeError` with code `notFound` when there is no such image, `unexplained` as `inspect`.
    func watchers(of image: ImageReference) async throws -> [ClientAddress]
}

extension ImageStore {
    /// For an image that only waits to be deleted.
    public func moveToTrash(_ image: ImageReference, id: String?, as removed: String) async throws {
        try await moveToTrash(image, id: id, as: removed, keepingUntil: nil)
    }

    public func emptyTrash(_ image: TrashedImage) async throws { try await emptyTrash(image, early: false) }
}

/// What is known of an image.
public struct ImageDescription: Sendable, Hashable {
    public var id: String
    public var size: VolumeSize
    public var order: UInt8
    public var features: ImageFeatures
    /// `nil` where one object is filled after the other.
    public var striping: ImageStriping?
    /// The uid that `create` or `mark` wrote; `nil` for an image that no volume owns.
    public var uid: String?
    /// The clients that have it open for writing, as `watchers(of:)` says.
    public var watchers: [ClientAddress]
    /// Who holds the exclusive lock, this plugin's own client left out. An owner that watches no more has died, or is
    /// paused: whoever opens the image for writing next breaks its lock, and shuts it out for an hour only.
    public var lockOwners: [ClientAddress]
    /// The clients that the image itself names as those that may write to it (`noteWriter`). A copy or a clone of the image
    /// does not take them along.
    public var writers: [ClientAddress]
    /// The snapshot that it is being rolled back to, or was when that broke off: what it holds is neither.
    public var rollingBackTo: UInt64?
    /// The names of its snapshots, those included that Ceph keeps for clones. An image that has some is not removed.
    public var snapshots: [String]

    public init(
        id: String, size: VolumeSize, order: UInt8, features: ImageFeatures, striping: ImageStriping? = nil,
        uid: String?, watchers: [ClientAddress],
        lockOwners: [ClientAddress] = [], writers: [ClientAddress] = [], rollingBackTo: UInt64? = nil,
        snapshots: [String] = []
    ) {
        self.id = id
        self.size = size
        self.order = order
        self.features = features
        self.striping = striping
        self.uid = uid
        self.watchers = watchers
        self.lockOwners = lockOwners
        self.writers = writers
        self.rollingBackTo = rollingBackTo
        self.snapshots = snapshots
    }
}

/// Makes images with a filesystem on them. One step, so that no image is ever changed that was there before.
public protocol VolumeFormatter: Sendable {
    /// Creates an image as `ImageStore.create` does, and makes the filesystem of `spec` on it. The image bears `uid` before
    /// anything else is written to it. When this fails, the image stays as far as it has come.
    /// - Returns: librbd's id of the new image.
    /// - Throws: `VolumeError` with code `alreadyExists` when the name is taken: what bears it is left as it is.
    func createFormatted(_ image: ImageReference, spec: VolumeSpec, uid: String) async throws -> String

    /// Creates an image as `ImageStore.clone` does, has its filesystem repair itself by its journal, and gives it a UUID that no
    /// other has: so parent and clone can be mounted on one node. When this fails, the image stays as far as it has come.
    /// - Returns: librbd's id of the new image.
    /// - Throws: as `ImageStore.clone`; `damaged` when the filesystem is not what `spec` says, or a person has to look at it.
    func createClone(
        _ image: ImageReference, of snapshot: ParentSnapshot, spec: VolumeSpec, uid: String
    ) async throws -> String
}

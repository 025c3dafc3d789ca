import InMemoryPorts
import VolumeCore

/// Ports that pass everything on but for what a mutation alters.

struct AlteredStore: VolumeStore {
    let base: any VolumeStore
    var reading: @Sendable (VolumeName) async throws -> StoredVolume
    var committing: @Sendable (StoreChange, StoredVolume) async throws -> StoredVolume?
    /// Whether what the volumes of a policy have in sum is guarded.
    var guardsQuotas = true

    init(_ base: any VolumeStore) {
        self.base = base
        reading = { try await base.read($0) }
        committing = { try await base.commit($0, over: $1) }
    }

    func read(_ name: VolumeName) async throws -> StoredVolume { try await reading(name) }
    func readAtOnce() async throws -> AllVolumes { try await base.readAtOnce() }

    func readAttachments() async throws -> [VolumeName: [Attachment]] { try await base.readAttachments() }
    func commit(
        _ change: StoreChange, over read: StoredVolume, within quota: QuotaGuard?
    ) async throws -> StoredVolume? {
        guard let quota else { return try await committing(change, read) }
        return try await base.commit(change, over: read, within: guardsQuotas ? quota : nil)
    }
}

struct AlteredNodes: NodeDirectory {
    let answering: @Sendable (NodeIdentity) async throws -> Bool

    func isAlive(_ node: NodeIdentity) async throws -> Bool { try await answering(node) }
}

struct AlteredFence: Fence {
    let base: any Fence
    var blocklisting: @Sendable (ClientAddress, Duration) async throws -> Void
    var looking: @Sendable (ClientAddress) async throws -> Bool

    init(_ base: any Fence) {
        self.base = base
        blocklisting = { try await base.blocklist($0, for: $1) }
        looking = { try await base.isBlocklisted($0) }
    }

    func blocklist(_ client: ClientAddress, for duration: Duration) async throws {
        try await blocklisting(client, duration)
    }
    func isBlocklisted(_ client: ClientAddress) async throws -> Bool { try await looking(client) }
    func allow(_ client: ClientAddress) async throws { try await base.allow(client) }
    func breakLock(of image: ImageReference, heldBy client: ClientAddress) async throws {
        try await base.breakLock(of: image, heldBy: client)
    }
}

struct AlteredMapper: DeviceMapper {
    let base: any DeviceMapper
    var mapping: @Sendable (ImageReference, String?, VolumeAccess, [String]) async throws -> MappedDevice
    var listing: @Sendable () async throws -> [MappedDevice]
    var listingDead: @Sendable () async throws -> [MappedDevice]
    var unmapping: @Sendable (MappedDevice) async throws -> Bool
    var lookingForWrites: @Sendable (MappedDevice) async throws -> Bool

    init(_ base: any DeviceMapper) {
        self.base = base
        mapping = { try await base.map($0, id: $1, for: $2, options: $3) }
        listing = { try await base.mapped() }
        listingDead = { try await base.deadMappings() }
        unmapping = { try await base.unmap($0) }
        lookingForWrites = { try await base.isReadOnly($0) }
    }

    var kind: String { base.kind }
    func unsupported(_ features: ImageFeatures) async throws -> ImageFeatures {
        try await base.unsupported(features)
    }
    func map(
        _ image: ImageReference, id: String?, for access: VolumeAccess, options: [String]
    ) async throws -> MappedDevice {
        try await mapping(image, id, access, options)
    }
    func isReadOnly(_ device: MappedDevice) async throws -> Bool { try await lookingForWrites(device) }
    func mapped() async throws -> [MappedDevice] { try await listing() }
    func deadMappings() async throws -> [MappedDevice] { try await listingDead() }
    func deadClients() async throws -> [ClientAddress] { try await base.deadClients() }
    func forgetDeadClient(_ client: ClientAddress) async throws { try await base.forgetDeadClient(client) }
    func isOwn(_ device: MappedDevice) async throws -> Bool { try await base.isOwn(device) }
    func unmap(_ device: MappedDevice) async throws -> Bool { try await unmapping(device) }
    func size(of device: MappedDevice) async throws -> VolumeSize { try await base.size(of: device) }
    func grow(_ device: MappedDevice, to size: VolumeSize) async throws { try await base.grow(device, to: size) }
}

struct AlteredMounter: Mounter {
    let base: any Mounter
    var unmounting: @Sendable (String, String?) async throws -> Void
    var looking: @Sendable (String) async throws -> MountedFilesystem?
    var findingUse: @Sendable (String) async throws -> Bool
    var preparing: @Sendable (String, VolumeSpec) async throws -> Void
    var holding: @Sendable (String) async throws -> HeldDevice

    init(_ base: any Mounter) {
        self.base = base
        unmounting = { try await base.unmount($0, of: $1) }
        looking = { try await base.mounted(at: $0) }
        findingUse = { try await base.isInUse($0) }
        preparing = { try await base.prepareRoot(of: $0, spec: $1) }
        holding = { try await base.hold($0) }
    }

    func mount(
        _ device: String, at mountpoint: String, _ filesystem: FilesystemType, options: [String]
    ) async throws {
        try await base.mount(device, at: mountpoint, filesystem, options: options)
    }
    func unmount(_ mountpoint: String, of device: String?) async throws { try await unmounting(mountpoint, device) }
    func mountpoints(of device: String) async throws -> [String] { try await base.mountpoints(of: device) }
    func mounted(at mountpoint: String) async throws -> MountedFilesystem? { try await looking(mountpoint) }
    func isInUse(_ device: String) async throws -> Bool { try await findingUse(device) }
    func hold(_ device: String) async throws -> HeldDevice { try await holding(device) }
    func prepareRoot(of mountpoint: String, spec: VolumeSpec) async throws { try await preparing(mountpoint, spec) }
}

/// Limits nothing, and says that it has.
struct BelievedLimiter: IOLimiter {
    func limit(_ device: MappedDevice, to limits: IOLimits) async throws {}
}

struct AlteredFilesystems: FilesystemTools {
    let base: any FilesystemTools
    let checking: @Sendable (String, FilesystemType) async throws -> Void
    /// Whether filesystems are grown, frozen and thawed.
    var grows = true
    var freezes = true
    var thaws = true

    func check(_ device: String, _ filesystem: FilesystemType) async throws {
        try await checking(device, filesystem)
    }
    func isChecking(_ device: String) async throws -> Bool { try await base.isChecking(device) }
    func grow(_ device: String, _ filesystem: FilesystemType, mountpoint: String) async throws {
        if grows { try await base.grow(device, filesystem, mountpoint: mountpoint) }
    }
    func usage(of device: String, mountpoint: String) async throws -> FilesystemUsage {
        try await base.usage(of: device, mountpoint: mountpoint)
    }
    func trim(_ device: String, _ filesystem: FilesystemType, mountpoint: String) async throws -> UInt64 {
        try await base.trim(device, filesystem, mountpoint: mountpoint)
    }
    func freeze(_ device: String, mountpoint: String, atMost limit: Duration) async throws {
        if freezes { try await base.freeze(device, mountpoint: mountpoint, atMost: limit) }
    }
    func thaw(_ device: String, mountpoint: String) async throws -> Bool {
        guard thaws, freezes else { return true }
        return try await base.thaw(device, mountpoint: mountpoint)
    }
    func setOnlineDiscard(
        _ isOn: Bool, of device: String, _ filesystem: FilesystemType, mountpoint: String
    ) async throws {
        try await base.setOnlineDiscard(isOn, of: device, filesystem, mountpoint: mountpoint)
    }
}

struct AlteredImages: PassingImages {
    let base: any ImageStore
    var inspecting: @Sendable (ImageReference) async throws -> ImageDescription?
    var inspectingID: @Sendable (String, TrashPlace) async throws -> ImageDescription?
    var noting: @Sendable (ClientAddress, ImageReference, String) async throws -> Void
    var renaming: @Sendable (ImageReference, String) async throws -> Void
    var growing: @Sendable (ImageReference, String, VolumeSize) async throws -> Void
    var watching: @Sendable (ImageReference) async throws -> [ClientAddress]
    var creating: @Sendable (ImageReference, VolumeSpec, String) async throws -> String
    var removing: @Sendable (ImageReference, String?) async throws -> Void
    var listingTrash: @Sendable (TrashPlace) async throws -> [TrashedImage]
    var emptying: @Sendable (TrashedImage, Bool) async throws -> Void

    init(_ base: any ImageStore) {
        self.base = base
        creating = { try await base.create($0, spec: $1, uid: $2) }
        removing = { try await base.remove($0, id: $1) }
        listingTrash = { try await base.trashed(in: $0) }
        emptying = { try await base.emptyTrash($0, early: $1) }
        inspecting = { try await base.inspect($0) }
        inspectingID = { try await base.inspect(id: $0, in: $1) }
        noting = { try await base.noteWriter($0, in: $1, id: $2) }
        renaming = { try await base.rename($0, to: $1) }
        growing = { try await base.grow($0, id: $1, to: $2) }
        watching = { try await base.watchers(of: $0) }
    }

    func inspect(_ image: ImageReference) async throws -> ImageDescription? { try await inspecting(image) }
    func inspect(id: String, in place: TrashPlace) async throws -> ImageDescription? {
        try await inspectingID(id, place)
    }
    func noteWriter(_ client: ClientAddress, in image: ImageReference, id: String) async throws {
        try await noting(client, image, id)
    }
    func create(_ image: ImageReference, spec: VolumeSpec, uid: String) async throws -> String {
        try await creating(image, spec, uid)
    }
    func rename(_ image: ImageReference, to name: String) async throws { try await renaming(image, name) }
    func grow(_ image: ImageReference, id: String, to size: VolumeSize) async throws {
        try await growing(image, id, size)
    }
    func remove(_ image: ImageReference, id: String?) async throws { try await removing(image, id) }
    func trashed(in place: TrashPlace) async throws -> [TrashedImage] { try await listingTrash(place) }
    func emptyTrash(_ image: TrashedImage, early: Bool) async throws { try await emptying(image, early) }
    func watchers(of image: ImageReference) async throws -> [ClientAddress] { try await watching(image) }

    /// Has something looked at otherwise, by name and by id.
    mutating func show(_ change: @escaping @Sendable (inout ImageDescription) -> Void) {
        let (byName, byID) = (inspecting, inspectingID)
        inspecting = { image in try await byName(image).map { Self.changed($0, change) } }
        inspectingID = { id, place in try await byID(id, place).map { Self.changed($0, change) } }
    }

    private static func changed(
        _ image: ImageDescription, _ change: (inout ImageDescription) -> Void
    ) -> ImageDescription {
        var shown = image
        change(&shown)
        return shown
    }
}

struct AlteredSnapshots: SnapshotStore {
    let base: any SnapshotStore
    var taking: @Sendable (SnapshotName, ImageReference, String, SnapshotMark, Bool) async throws -> TakenSnapshot
    var removing: @Sendable (UInt64, ImageReference, String) async throws -> Void

    init(_ base: any SnapshotStore) {
        self.base = base
        taking = { try await base.take($0, of: $1, id: $2, mark: $3, evenIfChanging: $4) }
        removing = { try await base.remove($0, of: $1, id: $2) }
    }

    func snapshots(of image: ImageReference, id: String) async throws -> [VolumeSnapshot] {
        try await base.snapshots(of: image, id: id)
    }
    func take(
        _ name: SnapshotName, of image: ImageReference, id: String, mark: SnapshotMark, evenIfChanging: Bool
    ) async throws -> TakenSnapshot {
        try await taking(name, image, id, mark, evenIfChanging)
    }
    func mark(_ snapshot: UInt64, of image: ImageReference, id: String, _ mark: SnapshotMark) async throws {
        try await base.mark(snapshot, of: image, id: id, mark)
    }
    func remove(_ snapshot: UInt64, of image: ImageReference, id: String) async throws {
        try await removing(snapshot, image, id)
    }
    func rollBack(
        _ image: ImageReference, id: String, to snapshot: UInt64, progress: @escaping @Sendable (Int) -> Void
    ) async throws {
        try await base.rollBack(image, id: id, to: snapshot, progress: progress)
    }
    func acceptHalfRolledBack(_ image: ImageReference, id: String) async throws {
        try await base.acceptHalfRolledBack(image, id: id)
    }
    func client() async throws -> ClientAddress { try await base.client() }
}

struct AlteredFormatter: VolumeFormatter {
    let base: any VolumeFormatter
    var creating: @Sendable (ImageReference, VolumeSpec, String) async throws -> String
    var cloning: @Sendable (ParentSnapshot, ImageReference, VolumeSpec, String) async throws -> String

    init(_ base: any VolumeFormatter) {
        self.base = base
        creating = { try await base.createFormatted($0, spec: $1, uid: $2) }
        cloning = { try await base.createClone($1, of: $0, spec: $2, uid: $3) }
    }

    func createFormatted(_ image: ImageReference, spec: VolumeSpec, uid: String) async throws -> String {
        try await creating(image, spec, uid)
    }

    func createClone(
        _ image: ImageReference, of snapshot: ParentSnapshot, spec: VolumeSpec, uid: String
    ) async throws -> String {
        try await cloning(snapshot, image, spec, uid)
    }
}

/// A copy of all volumes that leaves something out.
struct AlteredCatalog: VolumeCatalog {
    let base: any VolumeCatalog
    let findingUnsettled: @Sendable () -> [StoredVolume]

    func find(_ name: VolumeName) -> StoredVolume? { base.find(name) }
    func compactMap<Kept>(_ transform: (StoredVolume) -> Kept?) -> [Kept] { base.compactMap(transform) }
    var count: Int { base.count }
    func unsettled() -> [StoredVolume] { findingUnsettled() }
    func claimed() -> [StoredVolume] { base.claimed() }
    var isLoaded: Bool { base.isLoaded }
    func firstReading() async { await base.firstReading() }
    func observe(_ stored: StoredVolume) { base.observe(stored) }
}

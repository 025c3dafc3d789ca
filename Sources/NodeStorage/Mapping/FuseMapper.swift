import SystemPackage
import VolumeCore

/// Maps images without a kernel driver for them: `qemu-storage-daemon` exports an image as a FUSE file, and a loop device
/// makes the file a disk.
///
/// Each mapping has a folder below `<state>/fuse`, from which it is known again after a restart. Daemons outlive the
/// plugin. A mapping of which a part is missing (a crash in between, a daemon that died) is not shown as mapped, and is
/// cleaned up when nothing uses its device.
public struct FuseMapper: DeviceMapper {
    public let kind = "fuse"

    private let files: CephClientFiles
    private let root: String
    private let runner: any CommandRunner
    private let kernel: KernelCalls
    private let watchers: WatcherDifference
    private let limiter: ControlGroupLimiter
    private let dead: DeadClients
    private let ended = EndedClients()

    /// - Parameters:
    ///   - stateFolder: `RBD_STATE_DIR`. At most 62 bytes long, since sockets are made in it.
    ///   - watchers: who has the image open for writing (`rbd_watchers_list`), and which image that is. Comparing it before
    ///     and after tells the address of the new mapping, and that it is of that image.
    /// - Throws: `VolumeError` when the path of the state folder cannot be used.
    public init(
        files: CephClientFiles, stateFolder: String, runner: any CommandRunner, kernel: KernelCalls,
        watchers: @escaping @Sendable (ImageReference) async throws -> WatchedImage
    ) throws {
        let root = MapperKind.fuse.folder(in: stateFolder)
        guard stateFolder.hasPrefix("/"),
            root.utf8.count + "/".utf8.count + FuseFolder.longestName + "/qmp".utf8.count <= 107
        else {
            throw VolumeError(
                .invalidOption, "use '\(stateFolder)' as the state folder",
                why: "it must be an absolute path of at most 62 bytes", outcome: .refused)
        }
        self.files = files
        self.root = root
        self.runner = runner
        self.kernel = kernel
        self.watchers = WatcherDifference(look: watchers)
        limiter = ControlGroupLimiter(kernel: kernel)
        dead = DeadClients(folder: stateFolder + "/dead-clients")
    }

    /// None: librbd itself is at work.
    public func unsupported(_ features: ImageFeatures) async throws -> ImageFeatures { [] }

    public func map(
        _ image: ImageReference, id: String?, for access: VolumeAccess, options: [String]
    ) async throws -> MappedDevice {
        let what = "map image \(image)"
        try KernelMapOptions.refuseOthers(options, mapper: kind, what: what)
        let before = try await watchers.before(image, id: id, what)
        let (folder, lock) = try await claimFolder(for: image, id: before.id, what)
        defer { withExtendedLifetime(lock) {} }
        do {
            return try await map(image, for: access, before, in: folder, what)
        } catch {
            try await undo(folder, after: error, what)
            throw error
        }
    }

    /// - Parameter before: the image as it was seen before the daemon opens what has its name.
    private func map(
        _ image: ImageReference, for access: VolumeAccess, _ before: WatchedImage, in folder: FuseFolder,
        _ what: String
    ) async throws -> MappedDevice {
        var record = FuseFolder.Record(image: image, imageID: before.id)
        try await save(record, in: folder, what)
        record.daemon = try await FuseDaemon(runner: runner, kernel: kernel, folder: folder)
            .start(image, for: access, files, to: what)
        try await save(record, in: folder, what)
        record.client = try await watchers.client(of: image, for: access, since: before, what)
        let device = try await loops.attach(folder.imageFile, for: access, to: what)
        record.device = device
        try await save(record, in: folder, what)
        let mapped = record.mapped(as: device)
        await limiter.forgetFormer(of: mapped)
        return mapped
    }

    public func mapped() async throws -> [MappedDevice] {
        var devices: [MappedDevice] = []
        for (folder, device) in try await standing(folders("list mapped images")) {
            if let device {
                // A help for bad days only: that it failed must not keep anybody from knowing what is mapped.
                try? await loops.giveBackWithLastMount(device.path, of: folder.imageFile)
                devices.append(device)
            } else if let stubborn = await cleanUpLeftover(folder) {
                devices.append(stubborn)
            }
        }
        return devices
    }

    public func deadMappings() async throws -> [MappedDevice] {
        let what = "list dead mappings"
        let unserved = try await mappings(of: folders(what)).filter { $0.device != nil && !$0.isServed }
        return try await kernel.run("read /proc", to: what) {
            // A daemon that the record does not know would be one as well.
            try unserved.filter { try FuseDaemon.running(for: $0.folder).isEmpty }.compactMap(\.device)
        }
    }

    public func deadClients() async throws -> [ClientAddress] {
        let what = "list the clients of dead mappings"
        let folders = try await folders(what)
        return try await kernel.run("read \(root)", to: what) { [dead] in
            let left = try folders.compactMap { folder -> ClientAddress? in
                guard let client = try folder.record()?.client, try Self.isDead(folder) else { return nil }
                return client
            }
            return try left + dead.all()
        }
    }

    /// A folder is only counted as dead where its lock says so, and no process that can be seen serves it. Blocking.
    private static func isDead(_ folder: FuseFolder) throws -> Bool {
        try FuseDaemon.isCertainlyDead(folder) && FuseDaemon.running(for: folder).isEmpty
    }

    public func forgetDeadClient(_ client: ClientAddress) async throws {
        try await kernel.run("unlink \(dead.folder)", to: "forget a dead client") { [dead] in dead.forget(client) }
    }

    /// Whatever has its notes below this plugin's folder is its own.
    public func isOwn(_ device: MappedDevice) async throws -> Bool {
        let what = "tell whose \(device.path) is"
        let folders = try await folders(what)
        return try await kernel.run("read \(root)", to: what) {
            try folders.contains { folder in
                guard let record = try folder.record() else { return false }
                return [record.device, folder.imageFile].contains(device.path)
                    && record.mapped(as: device.path).mayBeSameImage(as: device)
            }
        }
    }

    @discardableResult
    public func unmap(_ device: MappedDevice) async throws -> Bool {
        let what = "unmap \(device.path) (image \(device.image))"
        for folder in try await folders(what) {
            let record = try await record(of: folder, what)
            guard let record, record.mapped(as: device.path).mayBeSameImage(as: device),
                record.device == nil || record.device == device.path
            else { continue }
            // Longer than a clean-up takes that is at it already: the device may have gone with its last mount.
            let lock = try await makeAndLock(folder, within: .seconds(12), what)
            defer { withExtendedLifetime(lock) {} }
            try await cleanUp(folder, what)
        }
        return device.client.map(ended.contains) ?? false
    }

    public func isReadOnly(_ device: MappedDevice) async throws -> Bool {
        try await DeviceAccess(kernel: kernel).isReadOnly(device.path)
    }

    public func size(of device: MappedDevice) async throws -> VolumeSize {
        try await DeviceSize(kernel: kernel).read(device.path)
    }

    public func grow(_ device: MappedDevice, to size: VolumeSize) async throws {
        let what = "grow \(device.path) (image \(device.image)) to \(size)"
        guard let folder = try await folder(of: device, what) else {
            throw VolumeError.notMapped(what)
        }
        // The daemon's only way to learn of a new size sets the image to it: a size that is too small would cut it off.
        let actual = try await ImageSize(files: files, runner: runner).read(device.image, for: what)
        guard actual >= size else {
            throw VolumeError(
                .conflict, what, why: "the image has only \(actual)", remedy: "resize the image first",
                outcome: .refused)
        }
        try await kernel.runOnDevice("block_resize \(folder.socket)", to: what) {
            try QemuControl(socket: folder.socket).resize(to: actual, for: what)
        }
        try await DeviceSize(kernel: kernel).wait(for: size, device.path, what) {
            try await loops.refreshSize(device.path, to: what)
        }
    }

    private var loops: LoopDevices { LoopDevices(runner: runner, kernel: kernel) }
}

// MARK: Folders

extension FuseMapper {
    /// How many folders one image can have: one, and more while dead mappings are still held by a filesystem.
    private static let generations = 8

    /// - Parameter id: of the image. One that had the name before may still be mapped, and keeps its folder then.
    private func claimFolder(
        for image: ImageReference, id: String, _ what: String
    ) async throws -> (FuseFolder, FolderLock) {
        var lastError: (any Error)?
        for generation in 0..<Self.generations {
            let folder = FuseFolder(of: image, below: root, generation: generation)
            if let device = try await standing(folder), device.image == image {
                if let other = device.imageID, other != id { continue }
                throw VolumeError(
                    .conflict, what, why: "it is already mapped, as \(device.path)", outcome: .refused)
            }
            let lock = try await makeAndLock(folder, what)
            do {
                try await cleanUp(folder, what)
                withExtendedLifetime(lock) {}
                // Cleaning up removed the folder that was locked.
                return (folder, try await makeAndLock(folder, what))
            } catch let error as VolumeError where error.code == .busy {
                lastError = error
            }
        }
        throw lastError ?? VolumeError(.busy, what, why: "earlier mappings of it are still in use", outcome: .refused)
    }

    private func folders(_ what: String) async throws -> [FuseFolder] {
        try await kernel.run("read \(root)", to: what) { [root] in
            try SystemCall.names(in: root).map { FuseFolder(path: "\(root)/\($0)") }
        }
    }

    private func folder(of device: MappedDevice, _ what: String) async throws -> FuseFolder? {
        for folder in try await folders(what) where try await standing(folder) == device { return folder }
        return nil
    }

    private func lock(_ folder: FuseFolder, _ what: String) async throws -> FolderLock? {
        try await kernel.run("flock \(folder.path)", to: what) { try FolderLock.take(folder.path) }
    }

    /// Makes the folder and locks it. Tries for a moment: listing locks a folder while it looks for leftovers.
    private func makeAndLock(
        _ folder: FuseFolder, within limit: Duration = .seconds(2), _ what: String
    ) async throws -> FolderLock {
        let patience = ContinuousClock.now + limit
        var pause = Duration.milliseconds(2)
        while true {
            let lock = try await kernel.run("flock \(folder.path)", to: what) {
                try SystemCall.makeFolders(folder.path)
                return try FolderLock.take(folder.path)
            }
            if let lock { return lock }
            guard ContinuousClock.now < patience else { break }
            try await Task.sleep(for: pause)
            pause = min(pause * 2, .milliseconds(100))
        }
        throw VolumeError(
            .busy, what, why: "it is being mapped or unmapped right now", remedy: "try again", outcome: .refused)
    }

    private func record(of folder: FuseFolder, _ what: String) async throws -> FuseFolder.Record? {
        try await kernel.run("read \(folder.path)", to: what) { try folder.record() }
    }

    private func save(_ record: FuseFolder.Record, in folder: FuseFolder, _ what: String) async throws {
        try await kernel.run("write \(folder.path)", to: what) {
            if record.daemon == nil { try folder.makeImageFile() }
            try folder.write(record)
        }
    }

    /// The folder's mapping when all of its parts are there; else `nil`.
    private func standing(_ folder: FuseFolder) async throws -> MappedDevice? {
        try await standing([folder]).first?.device
    }

    /// Each folder's mapping when all of its parts are there; else `nil`.
    private func standing(_ folders: [FuseFolder]) async throws -> [(folder: FuseFolder, device: MappedDevice?)] {
        try await mappings(of: folders).map { ($0.folder, $0.isServed ? $0.device : nil) }
    }

    private struct Mapping: Sendable {
        let folder: FuseFolder
        /// When the kernel still has the recorded device.
        var device: MappedDevice?
        /// Whether the device is certain to be this folder's, and its daemon runs.
        var isServed = false
    }

    /// What there is of each folder's mapping. The kernel's loop devices are looked through once for all of them: after the
    /// records were read, since a record that names a device is written when the kernel has that device.
    private func mappings(of folders: [FuseFolder]) async throws -> [Mapping] {
        try await kernel.run("read \(root)", to: "list mapped images") {
            let records = try folders.map { try $0.record() }
            let files = try Dictionary(LoopDevices.attached().map { ($0.device, $0.file) }) { first, _ in first }
            return zip(folders, records).map { folder, record in
                guard let record, let path = record.device, let daemon = record.daemon, let file = files[path],
                    [folder.imageFile, LoopDevices.outOfSight].contains(file)
                else { return Mapping(folder: folder) }
                let device = record.mapped(as: path)
                let isServed = file == folder.imageFile && FuseDaemon.isRunning(daemon, for: folder)
                return Mapping(folder: folder, device: device, isServed: isServed)
            }
        }
    }
}

// MARK: Cleaning up

extension FuseMapper {
    /// Cleans up a mapping of which a part is missing, unless someone is working on it.
    /// - Returns: what is still mapped: a mapping that was being made when it was looked at and is whole by now, and one that
    ///   cannot be cleaned up although its daemon lives, and so may write.
    func cleanUpLeftover(_ folder: FuseFolder) async -> MappedDevice? {
        let what = "clean up \(folder.path)"
        do {
            guard let lock = try await lock(folder, what) else { return nil }
            defer { withExtendedLifetime(lock) {} }
            if let device = try await standing(folder) { return device }
            // Many of them can be mounted still, after the end of a plugin's container: listing must not wait for each.
            try await cleanUp(folder, waitsForMounts: false, what)
            return nil
        } catch {
            let left = try? await kernel.run("read \(folder.path)", to: what) {
                (try folder.record(), try FuseDaemon.running(for: folder).isEmpty)
            }
            guard let (record, isDead) = left, let record, !isDead else { return nil }
            return record.mapped(as: record.device ?? folder.imageFile)
        }
    }

    /// Takes the mapping apart, from the top: loop device, daemon, FUSE mount, folder. Each part may be missing.
    /// - Parameter waitsForMounts: whether a mounted device is waited for a moment.
    /// - Throws: `VolumeError` with code `busy`, before anything was changed, while the device is in use.
    private func cleanUp(_ folder: FuseFolder, waitsForMounts: Bool = true, _ what: String) async throws {
        let record = try await record(of: folder, what)
        // Of a container that is gone. As long as it is in use the record has to stay: nothing else tells of it.
        if let device = record?.device, try await loops.file(of: device, for: what) == LoopDevices.outOfSight {
            try await loops.detach(device, of: LoopDevices.outOfSight, waitsForMounts: waitsForMounts, to: what)
        }
        for device in try await loops.devices(of: folder.imageFile, for: what) {
            try await loops.detach(device, of: folder.imageFile, waitsForMounts: waitsForMounts, to: what)
        }
        let isClosed = try await FuseDaemon(runner: runner, kernel: kernel, folder: folder).stop(to: what)
        if isClosed, let client = record?.client { ended.note(client) }
        // A daemon that was killed leaves its mount behind.
        let isMounted = try await kernel.run("read /proc/self/mountinfo", to: what) {
            try MountTable.read().topmost(at: folder.imageFile) != nil
        }
        if isMounted {
            try await runner.succeed(MountRequest.unmount(folder.imageFile, within: .seconds(5)), to: what)
        }
        try await kernel.run("unlink \(folder.path)", to: what) { [dead] in
            // Nothing else would tell of the client that Ceph still counts.
            if let client = record?.client, try Self.isDead(folder) { try dead.note(client) }
            try folder.remove()
        }
    }

    /// Undoes a failed mapping, even when the operation's time is up or its task was cancelled.
    private func undo(_ folder: FuseFolder, after error: any Error, _ what: String) async throws {
        do {
            try await Task.detached { try await cleanUp(folder, what) }.value
        } catch let second {
            throw VolumeError(
                .unfinished, what, why: "\(error); undoing it failed too: \(second)",
                remedy: "the next attempt cleans up", outcome: .unknown)
        }
    }
}

import VolumeCore

/// Maps images with `rbd-nbd`: librbd in a process of its own, behind the kernel's network block device.
public struct NbdMapper: DeviceMapper {
    public let kind = "nbd"

    private let files: CephClientFiles
    private let runner: any CommandRunner
    private let kernel: KernelCalls
    private let watchers: WatcherDifference
    private let limiter: ControlGroupLimiter
    private let records: NbdRecords
    private let marks: MappingMarks
    private let sys: String

    /// - Parameters:
    ///   - stateFolder: `RBD_STATE_DIR`, where the addresses of the mappings are kept.
    ///   - watchers: who has the image open for writing (`rbd_watchers_list`), and which image that is.
    public init(
        files: CephClientFiles, stateFolder: String, runner: any CommandRunner, kernel: KernelCalls,
        watchers: @escaping @Sendable (ImageReference) async throws -> WatchedImage
    ) {
        self.init(
            files: files, stateFolder: stateFolder, runner: runner, kernel: kernel, sys: "/sys", watchers: watchers)
    }

    init(
        files: CephClientFiles, stateFolder: String, runner: any CommandRunner, kernel: KernelCalls, sys: String,
        watchers: @escaping @Sendable (ImageReference) async throws -> WatchedImage
    ) {
        self.files = files
        self.runner = runner
        self.kernel = kernel
        self.watchers = WatcherDifference(look: watchers)
        limiter = ControlGroupLimiter(kernel: kernel, sys: sys)
        self.sys = sys
        let folder = MapperKind.nbd.folder(in: stateFolder)
        records = NbdRecords(folder: folder)
        marks = MappingMarks(folder: folder)
    }

    /// None: librbd itself is at work.
    public func unsupported(_ features: ImageFeatures) async throws -> ImageFeatures { [] }

    public func map(
        _ image: ImageReference, id: String?, for access: VolumeAccess, options: [String]
    ) async throws -> MappedDevice {
        let what = "map image \(image)"
        try KernelMapOptions.refuseOthers(options, mapper: kind, what: what)
        let before = try await watchers.before(image, id: id, what)
        // A plugin that is killed before it can record the mapping knows its own again by this.
        try await kernel.run("write \(marks.folder)", to: what) { [marks] in try marks.set(image, id: nil) }
        let readOnly = access == .readOnly ? ["--read-only"] : []
        let command = Command(
            .rbd, files.arguments + ["device", "map", "--device-type", "nbd"] + readOnly + image.arguments)
        let result = try await runner.run(command, to: what) { late in
            guard late.succeeded, let path = Self.path(in: late) else { return }
            _ = try? await unmap(MappedDevice(image: image, path: path))
        }
        guard result.succeeded else {
            await marks.forget(image, id: nil, kernel)
            throw VolumeError(
                .unavailable, what, why: result.reason(of: .rbd),
                remedy: "check that Ceph answers, that the image exists, and that rbd-nbd is installed")
        }
        let path = Self.path(in: result)
        guard let listing = try await listed(what).first(where: { $0.path == path && $0.image == image }) else {
            throw VolumeError(
                .unexplained, what,
                why: "rbd answered '\(path ?? result.output)', but rbd-nbd does not list that device",
                outcome: .unknown)
        }
        return try await record(listing, for: access, since: before, what)
    }

    private func record(
        _ listing: NbdListing, for access: VolumeAccess, since before: WatchedImage, _ what: String
    ) async throws -> MappedDevice {
        var device = MappedDevice(image: listing.image, path: listing.path)
        do {
            device.client = try await watchers.client(of: listing.image, for: access, since: before, what)
            device.imageID = before.id
            let record = NbdRecords.Record(device: device, process: listing.process)
            try await kernel.run("write \(records.folder)", to: what) { [records] in try records.write(record) }
            await marks.forget(listing.image, id: nil, kernel)
            await limiter.forgetFormer(of: device)
            return device
        } catch {
            let made = device
            _ = try await Task.detached { try await unmap(made) }.value
            throw error
        }
    }

    public func mapped() async throws -> [MappedDevice] {
        let what = "list mapped images"
        let listings = try await listed(what)
        return try await kernel.run("read \(records.folder)", to: what) { [records] in
            try listings.map { listing in
                let record = try records.read(listing.path)
                guard let record, record.process == listing.process, record.device.image == listing.image else {
                    return MappedDevice(image: listing.image, path: listing.path)
                }
                return record.device
            }
        }
    }

    /// The record of a device stays until it is unmapped or mapped anew.
    public func deadMappings() async throws -> [MappedDevice] {
        try await kernel.run("read \(records.folder)", to: "list dead mappings") { [records] in
            try records.all().filter { !$0.isServed }.map(\.device)
        }
    }

    /// None: `rbd-nbd` holds nothing that would tell of its end in another container.
    public func deadClients() async throws -> [ClientAddress] { [] }

    public func forgetDeadClient(_ client: ClientAddress) async throws {}

    /// The id of a mapping's image is known from the record that was made of it alone. Without a record it is the one that the
    /// plugin was about to record.
    public func isOwn(_ device: MappedDevice) async throws -> Bool {
        if device.client != nil || device.imageID != nil { return true }
        return try await kernel.run("read \(marks.folder)", to: "tell whose \(device.path) is") { [marks] in
            marks.has(device.image, id: nil)
        }
    }

    @discardableResult
    public func unmap(_ device: MappedDevice) async throws -> Bool {
        let what = "unmap \(device.path) (image \(device.image))"
        guard let listing = try await listing(of: device, what) else { return false }
        // rbd-nbd would tear the device away from those who use it.
        let block = BlockDevice(device.path, sys: sys)
        try await DeviceUse(kernel: kernel).refuseIfInUse(block, besides: listing.process, to: what)
        try await DeviceUse(kernel: kernel).flush(block, to: what)
        let command = Command(.rbd, files.arguments + ["device", "unmap", "--device-type", "nbd", device.path])
        let result: CommandResult
        do {
            result = try await runner.run(command, to: what)
        } catch let error as VolumeError where error.outcome == .unknown {
            if try await Task.detached(operation: { try await !isMapped(device, what) }).value { return true }
            throw error
        }
        guard try await !isMapped(device, what) else {
            throw VolumeError(
                .unavailable, what,
                why: result.succeeded ? "rbd-nbd still lists it" : result.reason(of: .rbd), remedy: "try again")
        }
        try await kernel.run("unlink", to: what) { [records] in try records.remove(device.path) }
        if device.client == nil { await marks.forget(device.image, id: nil, kernel) }
        return true
    }

    public func isReadOnly(_ device: MappedDevice) async throws -> Bool {
        try await DeviceAccess(kernel: kernel, sys: sys).isReadOnly(device.path)
    }

    public func size(of device: MappedDevice) async throws -> VolumeSize {
        try await DeviceSize(kernel: kernel, sys: sys).read(device.path)
    }

    /// `rbd-nbd` watches the image and tells the kernel its new size by itself.
    public func grow(_ device: MappedDevice, to size: VolumeSize) async throws {
        let what = "grow \(device.path) (image \(device.image)) to \(size)"
        guard try await isMapped(device, what) else {
            throw VolumeError.notMapped(what)
        }
        try await DeviceSize(kernel: kernel, sys: sys).wait(for: size, device.path, what)
    }

    private func listed(_ what: String) async throws -> [NbdListing] {
        let command = Command(.rbdNBD, ["list-mapped", "--format", "json"], timeout: .seconds(10))
        let result = try await runner.succeed(command, to: what)
        guard let listings = NbdListing.parse(result.output) else {
            throw VolumeError(
                .unexplained, what, why: "the plugin does not understand the answer of 'rbd-nbd list-mapped'")
        }
        return listings.filter { !$0.isSnapshot }
    }

    private func isMapped(_ device: MappedDevice, _ what: String) async throws -> Bool {
        try await listing(of: device, what) != nil
    }

    private func listing(of device: MappedDevice, _ what: String) async throws -> NbdListing? {
        guard let listing = try await listed(what).first(where: { $0.path == device.path && $0.image == device.image })
        else { return nil }
        // The number may have gone to another image of that name.
        let record = try await kernel.run("read \(records.folder)", to: what) { [records] in
            try records.read(listing.path)
        }
        guard let record, record.process == listing.process else { return listing }
        return record.device.mayBeSameImage(as: device) ? listing : nil
    }

    private static func path(in result: CommandResult) -> String? {
        result.output.split(whereSeparator: \.isWhitespace).last.map(String.init)
    }
}

import Glibc
import VolumeCore

/// Maps images with the kernel's rbd driver, in a child process: the kernel may keep who asks it waiting. What is mapped
/// is read from sysfs.
public struct KrbdMapper: DeviceMapper {
    public let kind = "krbd"

    private let client: @Sendable () async throws -> KernelClient
    private let fsid: String?
    private let runner: any CommandRunner
    private let kernel: KernelCalls
    private let devices: KrbdDevices
    private let marks: MappingMarks
    private let requests: KrbdRequest
    private let leavesOthersAlone: Bool

    /// - Parameters:
    ///   - client: how the kernel is to reach the cluster; asked for each mapping, since monitors move.
    ///   - fsid: the cluster's id; images of other clusters are not shown as mapped then.
    ///   - stateFolder: `RBD_STATE_DIR`.
    public init(
        client: @escaping @Sendable () async throws -> KernelClient, fsid: String?, stateFolder: String,
        runner: any CommandRunner, kernel: KernelCalls
    ) {
        self.init(client: client, fsid: fsid, stateFolder: stateFolder, runner: runner, kernel: kernel, sys: "/sys")
    }

    /// - Parameters:
    ///   - sys: where sysfs is mounted; another folder in tests.
    ///   - leavesOthersAlone: whether only devices that a plugin had mapped are shown: where images are mapped in another
    ///     way, the kernel's driver is people's own to use.
    init(
        client: @escaping @Sendable () async throws -> KernelClient, fsid: String?, stateFolder: String,
        runner: any CommandRunner, kernel: KernelCalls, sys: String, leavesOthersAlone: Bool = false
    ) {
        self.client = client
        self.fsid = fsid
        self.leavesOthersAlone = leavesOthersAlone
        self.runner = runner
        self.kernel = kernel
        devices = KrbdDevices(sys: sys)
        requests = KrbdRequest(sys: sys)
        marks = MappingMarks(folder: MapperKind.krbd.folder(in: stateFolder))
    }

    public func unsupported(_ features: ImageFeatures) async throws -> ImageFeatures {
        let what = "read the features that the kernel supports"
        let supported = try await kernel.run("read /sys/bus/rbd", to: what) { [devices] in
            try devices.supportedFeatures()
        }
        guard let supported else { throw Self.noDriver(what) }
        return features.subtracting(supported)
    }

    public func map(
        _ image: ImageReference, id: String?, for access: VolumeAccess, options: [String]
    ) async throws -> MappedDevice {
        let what = "map image \(image)"
        guard try await kernel.run("look at /sys/bus/rbd", to: what, { [devices] in devices.isDriverLoaded }) else {
            throw Self.noDriver(what)
        }
        try KrbdRequest.refuseReserved(options, what)
        let client = try await client()
        let command = try requests.map(image, for: access, options: options, as: client, what)
        // Before the mapping: a plugin that is killed right after it knows its own again.
        try await kernel.run("write \(marks.folder)", to: what) { [marks] in try marks.set(image, id: id) }
        let result = try await runner.run(command, to: what) { late in
            // Nobody knows of this mapping: the one who asked was told that it had failed.
            guard late.succeeded, let path = Self.path(in: late) else { return }
            _ = try? await giveBack(MappedDevice(image: image, path: path))
            await marks.forget(image, id: id, kernel)
        }
        guard result.succeeded else {
            await marks.forget(image, id: id, kernel)
            throw KrbdFailure.explain(result, of: command, mapping: image, as: client, what: what)
        }
        let path = Self.path(in: result)
        guard let device = try await listed(what).first(where: { $0.path == path && $0.image == image }) else {
            throw VolumeError(
                .unexplained, what,
                why: "the kernel mapped it as \(path ?? "an unnamed device"), but does not show that device",
                outcome: .unknown)
        }
        guard id == nil || device.imageID == id else {
            let error = VolumeError.anotherImage(what, image, found: device.imageID, wanted: id)
            _ = try await Task.detached { try await giveBack(device) }.value
            await marks.forget(image, id: id, kernel)
            throw error
        }
        return device
    }

    public func mapped() async throws -> [MappedDevice] { try await listed("list mapped images") }

    /// None: no process carries the data.
    public func deadMappings() async throws -> [MappedDevice] { [] }

    /// None: no process carries the data.
    public func deadClients() async throws -> [ClientAddress] { [] }

    public func forgetDeadClient(_ client: ClientAddress) async throws {}

    public func isOwn(_ device: MappedDevice) async throws -> Bool {
        try await kernel.run("read \(marks.folder)", to: "tell whose \(device.path) is") { [marks] in
            marks.has(device.image, id: device.imageID)
        }
    }

    @discardableResult
    public func unmap(_ device: MappedDevice) async throws -> Bool {
        let isGone = try await giveBack(device)
        await marks.forget(device.image, id: device.imageID, kernel)
        return isGone
    }

    /// - Returns: whether it was mapped.
    @discardableResult
    private func giveBack(_ device: MappedDevice) async throws -> Bool {
        let what = "unmap \(device.path) (image \(device.image))"
        guard try await isMapped(device, what) else { return false }
        let patience = ContinuousClock.now + Self.patience
        repeat {
            do {
                if try await tryUnmap(device, what) { return true }
            } catch let error as VolumeError where error.outcome == .unknown {
                if try await Task.detached(operation: { try await !isMapped(device, what) }).value { return true }
                throw error
            }
            try await Task.sleep(for: .milliseconds(100))
        } while ContinuousClock.now < patience
        let users = try await kernel.run("read /proc", to: what) {
            DeviceHolders.users(ofDevice: BlockDevice(device.path))
        }
        throw VolumeError.busy(what, "\(device.path) is mounted or open", users: users)
    }

    /// udev's probing of a device makes it busy for some 100 ms: longer than that it is tried again. A time and not a
    /// number: where programs start slowly, many tries would use up what the operation needs to put things right again.
    private static let patience = Duration.seconds(2)

    /// - Returns: `false` when the device is busy.
    private func tryUnmap(_ device: MappedDevice, _ what: String) async throws -> Bool {
        guard let id = KrbdDevices.id(ofPath: device.path) else { return true }
        let result = try await runner.run(requests.unmap(id, device.image, imageID: device.imageID), to: what)
        if result.succeeded { return true }
        if result.exitStatus == EBUSY { return false }
        // Gone in the meantime.
        if try await !isMapped(device, what) { return true }
        throw VolumeError(
            .unavailable, what, why: result.reason(of: .kernel), remedy: "the kernel's log (dmesg) often says more")
    }

    public func isReadOnly(_ device: MappedDevice) async throws -> Bool {
        try await DeviceAccess(kernel: kernel, sys: devices.sys).isReadOnly(device.path)
    }

    public func size(of device: MappedDevice) async throws -> VolumeSize {
        try await DeviceSize(kernel: kernel, sys: devices.sys).read(device.path)
    }

    public func grow(_ device: MappedDevice, to size: VolumeSize) async throws {
        let what = "grow \(device.path) (image \(device.image)) to \(size)"
        guard let id = KrbdDevices.id(ofPath: device.path), try await isMapped(device, what) else {
            throw VolumeError.notMapped(what)
        }
        try await DeviceSize(kernel: kernel, sys: devices.sys).wait(for: size, device.path, what) {
            try await kernel.run("write /sys/bus/rbd", to: what) { [devices] in try devices.refresh(id) }
        }
    }

    private func listed(_ what: String) async throws -> [MappedDevice] {
        try await kernel.run("read /sys/bus/rbd", to: what) { [devices, marks, fsid, leavesOthersAlone] in
            try devices.all().filter { device in
                guard !device.isSnapshot, fsid == nil || device.fsid == nil || device.fsid == fsid else { return false }
                return try !leavesOthersAlone || marks.has(device.image, id: device.imageID)
                    || devices.isMadeByPlugin(device.id)
            }.map(\.mapped)
        }
    }

    /// Whether that path is still that image: the number may be another image's by now.
    private func isMapped(_ device: MappedDevice, _ what: String) async throws -> Bool {
        try await listed(what).contains { $0.path == device.path && $0.mayBeSameImage(as: device) }
    }

    private static func path(in result: CommandResult) -> String? {
        result.output.split(whereSeparator: \.isWhitespace).last.map(String.init)
    }

    private static func noDriver(_ what: String) -> VolumeError {
        VolumeError(
            .unsupported, what, why: "the kernel's rbd driver is not loaded",
            remedy: "load it with 'modprobe rbd', or use RBD_MAPPER=auto")
    }
}

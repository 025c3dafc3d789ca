import VolumeCore

extension MappedDevice {
    init(_ device: SimulatedDevice) {
        self.init(image: device.image, imageID: device.imageID, path: device.path, client: device.client)
    }
}

/// `DeviceMapper` over the simulated kernel.
public struct InMemoryMapper: DeviceMapper {
    public let kind = "krbd"
    private let process: PluginProcess

    public init(_ process: PluginProcess) { self.process = process }

    public func unsupported(_ features: ImageFeatures) async throws -> ImageFeatures {
        try await process.perform(.deviceSupport, "") { [process] in
            try features.subtracting($0.node(process.node).kernel.supportedFeatures)
        }
    }

    public func map(
        _ image: ImageReference, id: String?, for access: VolumeAccess, options: [String]
    ) async throws -> MappedDevice {
        try await process.perform(.deviceMap, "\(image)") { [process] in
            let device = try $0.map(image, id: id, for: access, options: options, on: process.node)
            $0.nodes[process.node]?.kernel.devices[device.path]?.isByPlugin = true
            return MappedDevice(device)
        }
    }

    public func isOwn(_ device: MappedDevice) async throws -> Bool {
        process.cluster.mutate { [process] world in
            let kernel = world.nodes[process.node]?.kernel
            let left = kernel?.leftovers.first { $0.path == device.path && $0.client == device.client }
            let found = kernel?.devices[device.path] ?? kernel?.deadDevices[device.path] ?? left
            return found.map {
                MappedDevice($0).mayBeSameImage(as: device) && $0.isByPlugin && !$0.isOutOfSight
            } ?? false
        }
    }

    /// Ends what is left of mappings whose device went with its last mount, unless somebody else is at it.
    public func mapped() async throws -> [MappedDevice] {
        let (devices, left) = try await process.perform(.deviceList, "") { [process] in
            let devices = try $0.node(process.node).kernel.devices.values.filter { !$0.isOutOfSight }
            $0.haveMountedGivenBack(on: process.node)
            let left = $0.claimLeftovers(on: process.node, by: process.number)
            return (devices.map(MappedDevice.init).sorted { $0.path < $1.path }, left)
        }
        for device in left {
            do {
                try await process.perform(.deviceUnmap, device.path) { [process] in
                    $0.endLeftover(device.client, on: process.node)
                }
            } catch is VolumeError {
                process.cluster.mutate { [process] in $0.leaveLeftover(device.client, on: process.node) }
            }
        }
        return devices
    }

    public func deadMappings() async throws -> [MappedDevice] {
        try await process.perform(.deviceList, "dead") { [process] in
            try $0.node(process.node).kernel.deadDevices.values.map(MappedDevice.init).sorted { $0.path < $1.path }
        }
    }

    public func deadClients() async throws -> [ClientAddress] {
        try await process.perform(.deviceList, "dead clients") { [process] in
            try $0.node(process.node).deadClients.sorted { $0.text < $1.text }
        }
    }

    public func forgetDeadClient(_ client: ClientAddress) async throws {
        process.cluster.mutate { [process] in _ = $0.nodes[process.node]?.deadClients.remove(client) }
    }

    @discardableResult
    public func unmap(_ device: MappedDevice) async throws -> Bool {
        for _ in 1...12 {
            let isGone = try await process.perform(.deviceUnmap, device.path) { [process] in
                try $0.unmapOrEnd(device, on: process.node, by: process.number)
            }
            if let isGone { return isGone }
            try await ManualClock(process).sleep(for: .seconds(1))
        }
        throw VolumeError(.busy, "unmap \(device.path)", why: "it is being unmapped right now", outcome: .refused)
    }

    public func isReadOnly(_ device: MappedDevice) async throws -> Bool {
        try await process.perform(.deviceSize, device.path) { [process] in
            try $0.device(device.path, on: process.node, to: "look at").isReadOnly
        }
    }

    public func size(of device: MappedDevice) async throws -> VolumeSize {
        try await process.perform(.deviceSize, device.path) { [process] in
            try $0.device(device.path, on: process.node, to: "measure").size
        }
    }

    public func grow(_ device: MappedDevice, to size: VolumeSize) async throws {
        try await process.perform(.deviceGrow, device.path) { [process] in
            try $0.grow(device.path, to: size, on: process.node)
        }
    }
}

/// `IOLimiter` over the simulated kernel.
public struct InMemoryIOLimiter: IOLimiter {
    private let process: PluginProcess

    public init(_ process: PluginProcess) { self.process = process }

    public func limit(_ device: MappedDevice, to limits: IOLimits) async throws {
        try await process.perform(.deviceLimit, device.path) { [process] in
            try $0.limit(device, to: limits, on: process.node)
        }
    }
}

/// `FilesystemTools` over the simulated kernel.
public struct InMemoryFilesystemTools: FilesystemTools {
    private let process: PluginProcess

    public init(_ process: PluginProcess) { self.process = process }

    public func check(_ device: String, _ filesystem: FilesystemType) async throws {
        try await process.perform(.filesystemCheck, device) { [process] in
            try $0.checkFilesystem(filesystem, on: device, node: process.node)
        }
    }

    public func isChecking(_ device: String) async throws -> Bool {
        try await process.perform(.filesystemIsChecking, device) { [process] in
            try $0.node(process.node).kernel.devices[device]?.isBeingChecked == true
        }
    }

    public func grow(_ device: String, _ filesystem: FilesystemType, mountpoint: String) async throws {
        try await process.perform(.filesystemGrow, device) { [process] in
            try $0.growFilesystem(mountedAt: mountpoint, on: process.node)
        }
    }

    public func usage(of device: String, mountpoint: String) async throws -> FilesystemUsage {
        try await process.perform(.filesystemUsage, device) { [process] in
            try $0.usage(of: device, at: mountpoint, on: process.node)
        }
    }

    public func trim(_ device: String, _ filesystem: FilesystemType, mountpoint: String) async throws -> UInt64 {
        try await process.perform(.filesystemTrim, device) { [process] in
            try $0.trim(device, at: mountpoint, on: process.node)
        }
    }

    public func freeze(_ device: String, mountpoint: String, atMost limit: Duration) async throws {
        try await process.perform(.filesystemFreeze, device) { [process] in
            try $0.freeze(device, at: mountpoint, on: process.node, atMost: limit)
        }
    }

    public func thaw(_ device: String, mountpoint: String) async throws -> Bool {
        try await process.perform(.filesystemThaw, device) { [process] in
            try $0.thaw(device, at: mountpoint, on: process.node)
        }
    }

    public func setOnlineDiscard(
        _ isOn: Bool, of device: String, _ filesystem: FilesystemType, mountpoint: String
    ) async throws {
        try await process.perform(.filesystemDiscard, device) { [process] in
            try $0.setDiscards(isOn, of: device, at: mountpoint, on: process.node)
        }
    }
}

/// `Mounter` over the simulated kernel.
public struct InMemoryMounter: Mounter {
    private let process: PluginProcess

    public init(_ process: PluginProcess) { self.process = process }

    public func mount(
        _ device: String, at mountpoint: String, _ filesystem: FilesystemType, options: [String]
    ) async throws {
        try await process.perform(.mountMount, mountpoint) { [process] in
            try $0.mount(device, at: mountpoint, filesystem, options: options, on: process.node)
        }
    }

    public func unmount(_ mountpoint: String, of device: String?) async throws {
        try await process.perform(.mountUnmount, mountpoint) { [process] in
            try $0.unmount(mountpoint, of: device, on: process.node)
        }
    }

    public func hold(_ device: String) async throws -> HeldDevice {
        try await process.perform(.mountHold, device) { [process] in
            let token = try $0.hold(device, on: process.node, by: process.number)
            let letGo: @Sendable () -> Void = {
                process.cluster.mutate { $0.letGo(token, on: process.node) }
            }
            return HeldDevice(letGo: letGo, givenUp: letGo)
        }
    }

    public func mountpoints(of device: String) async throws -> [String] {
        try await process.perform(.mountInspect, device) { [process] in
            try $0.node(process.node).kernel.mounts.filter { $0.device == device }.map(\.mountpoint)
        }
    }

    public func mounted(at mountpoint: String) async throws -> MountedFilesystem? {
        try await process.perform(.mountInspect, mountpoint) { [process] in
            try $0.mounted(at: mountpoint, on: process.node)
        }
    }

    public func isInUse(_ device: String) async throws -> Bool {
        try await process.perform(.mountInspect, device) { [process] in
            let kernel = try $0.node(process.node).kernel
            return kernel.superblocks[device] != nil || kernel.devices[device]?.openers.isEmpty == false
                || $0.isHeld(device, on: process.node)
        }
    }

    public func prepareRoot(of mountpoint: String, spec: VolumeSpec) async throws {
        try await process.perform(.mountPrepareRoot, mountpoint) { [process] in
            try $0.prepareRoot(of: mountpoint, spec: spec, on: process.node)
        }
    }
}

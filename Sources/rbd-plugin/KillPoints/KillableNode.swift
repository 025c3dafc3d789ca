import NodeStorage

#if FAULT_INJECTION
    import DockerVolumeAPI
    import RBDDriver
    import VolumeCore

    /// Devices of this node, with a kill point after each change.
    struct KillableMapper: DeviceMapper {
        let base: any DeviceMapper
        let points: KillPoints

        var kind: String { base.kind }

        var kinds: Set<String> { base.kinds }

        func kind(of device: MappedDevice) -> String { base.kind(of: device) }

        func unsupported(_ features: ImageFeatures) async throws -> ImageFeatures {
            try await base.unsupported(features)
        }

        func map(
            _ image: ImageReference, id: String?, for access: VolumeAccess, options: [String]
        ) async throws -> MappedDevice {
            try await points.after("map image") { try await base.map(image, id: id, for: access, options: options) }
        }

        func mapped() async throws -> [MappedDevice] { try await base.mapped() }

        func deadMappings() async throws -> [MappedDevice] { try await base.deadMappings() }

        func deadClients() async throws -> [ClientAddress] { try await base.deadClients() }

        func forgetDeadClient(_ client: ClientAddress) async throws { try await base.forgetDeadClient(client) }

        func isOwn(_ device: MappedDevice) async throws -> Bool { try await base.isOwn(device) }

        func unmap(_ device: MappedDevice) async throws -> Bool {
            try await points.after("unmap device") { try await base.unmap(device) }
        }

        func isReadOnly(_ device: MappedDevice) async throws -> Bool { try await base.isReadOnly(device) }

        func size(of device: MappedDevice) async throws -> VolumeSize { try await base.size(of: device) }

        func grow(_ device: MappedDevice, to size: VolumeSize) async throws {
            try await points.after("grow device") { try await base.grow(device, to: size) }
        }
    }

    struct KillableFilesystems: FilesystemTools {
        let base: any FilesystemTools
        let points: KillPoints

        func check(_ device: String, _ filesystem: FilesystemType) async throws {
            try await points.after("check filesystem") { try await base.check(device, filesystem) }
        }

        func isChecking(_ device: String) async throws -> Bool { try await base.isChecking(device) }

        func grow(_ device: String, _ filesystem: FilesystemType, mountpoint: String) async throws {
            try await points.after("grow filesystem") {
                try await base.grow(device, filesystem, mountpoint: mountpoint)
            }
        }

        func usage(of device: String, mountpoint: String) async throws -> FilesystemUsage {
            try await base.usage(of: device, mountpoint: mountpoint)
        }

        func trim(_ device: String, _ filesystem: FilesystemType, mountpoint: String) async throws -> UInt64 {
            try await points.after("trim filesystem") {
                try await base.trim(device, filesystem, mountpoint: mountpoint)
            }
        }

        func freeze(_ device: String, mountpoint: String, atMost limit: Duration) async throws {
            try await points.after("freeze filesystem") {
                try await base.freeze(device, mountpoint: mountpoint, atMost: limit)
            }
        }

        func thaw(_ device: String, mountpoint: String) async throws -> Bool {
            try await points.after("thaw filesystem") { try await base.thaw(device, mountpoint: mountpoint) }
        }

        func setOnlineDiscard(
            _ isOn: Bool, of device: String, _ filesystem: FilesystemType, mountpoint: String
        ) async throws {
            try await points.after("set discard") {
                try await base.setOnlineDiscard(isOn, of: device, filesystem, mountpoint: mountpoint)
            }
        }
    }

    /// Mounts of this node, with a kill point after each change.
    struct KillableMounter: Mounter {
        let base: any Mounter
        let points: KillPoints

        func mount(
            _ device: String, at mountpoint: String, _ filesystem: FilesystemType, options: [String]
        ) async throws {
            try await points.after("mount filesystem") {
                try await base.mount(device, at: mountpoint, filesystem, options: options)
            }
        }

        func unmount(_ mountpoint: String, of device: String?) async throws {
            try await points.after("unmount filesystem") { try await base.unmount(mountpoint, of: device) }
        }

        func mountpoints(of device: String) async throws -> [String] { try await base.mountpoints(of: device) }

        func mounted(at mountpoint: String) async throws -> MountedFilesystem? {
            try await base.mounted(at: mountpoint)
        }

        func isInUse(_ device: String) async throws -> Bool { try await base.isInUse(device) }

        func hold(_ device: String) async throws -> HeldDevice { try await base.hold(device) }

        func prepareRoot(of mountpoint: String, spec: VolumeSpec) async throws {
            try await points.after("prepare root") { try await base.prepareRoot(of: mountpoint, spec: spec) }
        }
    }

    struct KillableLimiter: IOLimiter {
        let base: any IOLimiter
        let points: KillPoints

        func limit(_ device: MappedDevice, to limits: IOLimits) async throws {
            try await points.after("limit device") { try await base.limit(device, to: limits) }
        }
    }

    /// Child processes, with a kill point after the end of each: the moments inside of a port's one effect.
    struct KillableRunner: CommandRunner {
        let base: any CommandRunner
        let points: KillPoints

        func run(
            _ command: Command, to what: String, onLate: (@Sendable (CommandResult) async -> Void)?
        ) async throws -> CommandResult {
            let result = try await base.run(command, to: what, onLate: onLate)
            // The choice of a mapper happens once, in whichever call comes first, and belongs to none.
            if command.tool != .modprobe { points.passed("run \(command.tool.name)") }
            return result
        }
    }

    extension KillableRunner {
        func hold(_ command: Command, to what: String, within limit: Duration) async throws -> any HeldCommand {
            try await base.hold(command, to: what, within: limit)
        }
    }

    /// Docker's calls, each known by its name to the kill points that it passes.
    struct NamedCalls: VolumePlugin {
        let base: any VolumePlugin

        func create(name: String, options: [String: String]) async throws {
            try await KillPoints.$caller.withValue("Create") { try await base.create(name: name, options: options) }
        }

        func remove(name: String) async throws {
            try await KillPoints.$caller.withValue("Remove") { try await base.remove(name: name) }
        }

        func mount(name: String, id: String) async throws -> String {
            try await KillPoints.$caller.withValue("Mount") { try await base.mount(name: name, id: id) }
        }

        func path(name: String) async throws -> String { try await base.path(name: name) }

        func unmount(name: String, id: String) async throws {
            try await KillPoints.$caller.withValue("Unmount") { try await base.unmount(name: name, id: id) }
        }

        func get(name: String) async throws -> VolumeDescription { try await base.get(name: name) }

        func list() async throws -> [VolumeDescription] { try await base.list() }

        func health() async -> HealthReport { await base.health() }
    }
#endif

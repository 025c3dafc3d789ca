import VolumeCore

/// What each way of mapping has left on this node, told from the state folder and sysfs alone: cheap, and without the
/// tools of that way.
struct MappingTraces: Sendable {
    let stateFolder: String
    let kernel: KernelCalls
    /// Where sysfs is mounted; another folder in tests.
    var sys = "/sys"

    /// Whether something may still be mapped in this way. A `true` may be wrong.
    func exist(of kind: MapperKind) async throws -> Bool {
        let folder = kind.folder(in: stateFolder)
        return try await kernel.run("read \(folder)", to: "look for what \(kind.rawValue) has mapped here") { [sys] in
            let notes = try SystemCall.names(in: folder)
            switch kind {
            case .krbd:
                // Notes alone are of a mapping that the kernel is still at for a plugin that was killed. Devices alone: a
                // managed plugin's notes go with its other files when it is upgraded.
                guard SystemCall.exists("\(sys)/bus/rbd") else { return false }
                return try !notes.isEmpty || !SystemCall.names(in: "\(sys)/bus/rbd/devices").isEmpty
            case .nbd:
                // The kernel shows the process of a device that is in use.
                return notes.contains { SystemCall.exists("\(sys)/block/\($0.prefix { $0 != "." })/pid") }
            case .fuse:
                return !notes.isEmpty
            }
        }
    }
}

extension MapperKind {
    /// Where this way of mapping keeps its notes.
    func folder(in stateFolder: String) -> String { "\(stateFolder)/\(rawValue)" }

    /// The one that made a device.
    init(of device: MappedDevice) {
        self =
            switch device.path {
            case _ where device.path.hasPrefix("/dev/rbd"): .krbd
            case _ where device.path.hasPrefix("/dev/nbd"): .nbd
            // A loop device, or the file that it is to be made of.
            default: .fuse
            }
    }
}

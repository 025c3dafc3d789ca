import Glibc
import SystemPackage
import VolumeCore

/// Whether a device is in use, and making sure that it is not.
struct DeviceUse: Sendable {
    let kernel: KernelCalls

    /// udev and the like open new devices for some milliseconds: no reason to call them busy.
    private static let patience = 20
    private static let pause = Duration.milliseconds(100)

    /// - Parameters:
    ///   - server: the process that serves the device, and has it open for that.
    ///   - waitsForMounts: `false` for who only looks by: what is mounted mostly stays so.
    /// - Throws: `VolumeError` with code `busy` when the device stays in use for 2 s: mounted in any mount namespace, or
    ///   opened by any process that can be seen.
    func refuseIfInUse(
        _ device: BlockDevice, besides server: Int32? = nil, waitsForMounts: Bool = true, to what: String
    ) async throws {
        for attempt in 1... {
            let (isClaimed, openers) = try await kernel.runOnDevice("open \(device.path)", to: what) {
                (try device.isClaimed(), DeviceHolders.openers(of: device, besides: server))
            }
            if !isClaimed && openers.isEmpty { return }
            guard attempt < Self.patience, waitsForMounts || !isClaimed else { break }
            try await Task.sleep(for: Self.pause)
        }
        let users = try await kernel.run("read /proc", to: what) {
            DeviceHolders.users(ofDevice: device, besides: server)
        }
        throw VolumeError.busy(what, "\(device.path) is busy, mounted or open", users: users)
    }

    /// Writes out what the kernel still holds for the device. A device that fails has lost it already, which the
    /// filesystem's users have been told: that must not keep it mapped.
    func flush(_ device: BlockDevice, to what: String) async throws {
        try await kernel.runOnDevice("fsync \(device.path)", to: what) {
            guard let file = try? FileDescriptor.open(device.path, .readWrite, options: [.closeOnExec]) else { return }
            try file.closeAfter { _ = fsync(file.rawValue) }
        }
    }
}

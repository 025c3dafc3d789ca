import Synchronization
import SystemPackage
import VolumeCore

/// Bounds reads and writes by the control groups of this host: the kernel holds back what their processes ask of the device,
/// and also what it writes for them from the page cache where it knows the group (cgroup v2).
///
/// That serves each kind of mapper. With `fuse` the loop device is bounded, in front of the daemon. The throttle filter of qemu
/// inside the daemon would be no better place: it lets the one thread wait that also answers reads and the control socket, so
/// a small limit of writes stops reads, growing, and its own change.
public struct ControlGroupLimiter: IOLimiter {
    private let kernel: KernelCalls
    private let source: Source
    private let sys: String

    public init(kernel: KernelCalls) {
        self.init(kernel: kernel, sys: "/sys")
    }

    /// - Parameters:
    ///   - sys: where sysfs is mounted; another folder in tests.
    ///   - find: finds the groups, once they are needed, for what errors name. Blocking.
    init(
        kernel: KernelCalls, sys: String,
        find: @escaping @Sendable (String) throws -> ControlGroups = { try ControlGroups.ofHost(for: $0) }
    ) {
        self.kernel = kernel
        self.sys = sys
        source = Source(find: find)
    }

    public func limit(_ device: MappedDevice, to limits: IOLimits) async throws {
        let what = "limit \(device.path) (image \(device.image)) to \(limits)"
        try Self.refuseZero(limits, what)
        do {
            // The kernel may wait for all requests of a device before it limits it for the first time.
            try await kernel.runOnDevice("limit \(device.path)", to: what) { [source, sys] in
                let block = BlockDevice(device.path, sys: sys)
                guard let number = try block.number(), try limits == .none || block.isAttached() else {
                    // A device that the kernel does not have any more has none.
                    if limits == .none { return }
                    throw VolumeError.notMapped(what)
                }
                try source.groups(for: what).set(DeviceLimits(limits), on: number, for: what)
            }
        } catch let error as VolumeError where error.code == .unsupported && limits == .none {
            // Where no limits can be set there are none.
            return
        }
        try Self.refuseCombined(limits, what)
    }

    /// Lets a new mapping begin without limits. The kernel keeps those of a loop device, and of a network block device, for the
    /// next image that gets its number: when a plugin was killed, nobody has taken them away. A failure is no reason not to map.
    func forgetFormer(of device: MappedDevice) async { try? await limit(device, to: .none) }

    private static func refuseZero(_ limits: IOLimits, _ what: String) throws {
        let all = [limits.iops, limits.readIOPS, limits.writeIOPS, limits.bps, limits.readBPS, limits.writeBPS]
        guard !all.contains(0) else {
            throw VolumeError(
                .invalidOption, what, why: "with a limit of 0 nothing would ever be read or written",
                remedy: "give a larger limit, or none", outcome: .refused)
        }
    }

    private static func refuseCombined(_ limits: IOLimits, _ what: String) throws {
        let combined = [limits.iops.map { _ in "iops" }, limits.bps.map { _ in "bps" }].compactMap(\.self)
        guard let first = combined.first else { return }
        throw VolumeError(
            .unsupported, what,
            why: "the kernel limits reads and writes apart, and has no limit for both together as"
                + " \(combined.joined(separator: " and ")) asks",
            remedy: "give read-\(first) and write-\(first) instead")
    }

    /// Finds the groups when they are first needed, and keeps them.
    private final class Source: Sendable {
        private let find: @Sendable (String) throws -> ControlGroups
        private let found = Mutex<ControlGroups?>(nil)

        init(find: @escaping @Sendable (String) throws -> ControlGroups) { self.find = find }

        func groups(for what: String) throws -> ControlGroups {
            try found.withLock { found in
                let groups = try found ?? find(what)
                found = groups
                return groups
            }
        }
    }
}

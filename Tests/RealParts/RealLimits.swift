import Glibc
import PortContracts
import VolumeCore

@testable import NodeStorage

extension RealNode {
    /// The limiter of this machine's control groups as its contract suite wants it.
    package var limits: IOLimiterContract {
        let kernel = kernel
        return IOLimiterContract(
            node: node, limiter: ControlGroupLimiter(kernel: kernel),
            restarted: { ControlGroupLimiter(kernel: kernel) }, inForce: { try LimitsInForce.of($0.path) })
    }
}

/// What this machine's control groups say of a device, by the files below `/sys/fs/cgroup`.
package enum LimitsInForce {
    package static func of(_ device: String) throws -> IOLimits {
        guard let number = try BlockDevice(device).number() else { return .none }
        let hierarchy = ControlGroupHierarchy(groups: try SmallFile.read("/proc/self/cgroup"))
        let folder = hierarchy.shownPath
        switch hierarchy {
        case .unified:
            // A group may have come up a moment ago, without limits.
            let groups = try SystemCall.folders(in: folder).compactMap { try SmallFile.line("\(folder)/\($0)/io.max") }
            let limits = Set(groups.map { DeviceLimits(ioMax: $0, device: number) }).subtracting([.none])
            guard limits.count < 2 else { throw Disagreement(limits: limits) }
            return IOLimits(limits.first ?? .none)
        case .legacy:
            var limits = DeviceLimits.none
            for (file, limit) in DeviceLimits.files {
                limits[keyPath: limit] = DeviceLimits.limit(
                    of: number, inLegacy: try SmallFile.read("\(folder)/\(file)"))
            }
            return IOLimits(limits)
        }
    }

    private struct Disagreement: Error {
        let limits: Set<DeviceLimits>
    }
}

extension IOLimits {
    fileprivate init(_ limits: DeviceLimits) {
        self.init(
            readIOPS: limits.readIOPS, writeIOPS: limits.writeIOPS, readBPS: limits.readBPS, writeBPS: limits.writeBPS)
    }
}

import DockerVolumeAPI
import NodeStorage
import RBDDriver
import VolumeCore

// Where kill points are put in between. A release build is composed of the bare parts.

extension DriverPorts {
    /// The ports, with a kill point after each effect.
    var withKillPoints: DriverPorts {
        #if FAULT_INJECTION
            guard let points = KillPoints.current else { return self }
            var ports = self
            ports.store = KillableStore(base: store, points: points)
            ports.images = KillableImages(base: images, points: points)
            ports.snapshots = KillableSnapshots(base: snapshots, points: points)
            ports.formatter = KillableFormatter(base: formatter, points: points)
            ports.mapper = KillableMapper(base: mapper, points: points)
            ports.filesystems = KillableFilesystems(base: filesystems, points: points)
            ports.mounter = KillableMounter(base: mounter, points: points)
            ports.limiter = KillableLimiter(base: limiter, points: points)
            ports.fence = KillableFence(base: fence, points: points)
            return ports
        #else
            return self
        #endif
    }
}

/// What an operator's command changes the world through.
struct OperatorPorts {
    let store: any VolumeStore
    let images: any ImageStore
    let snapshots: any SnapshotStore

    /// The same with a kill point after each effect.
    var withKillPoints: OperatorPorts {
        #if FAULT_INJECTION
            guard let points = KillPoints.current else { return self }
            return OperatorPorts(
                store: KillableStore(base: store, points: points), images: KillableImages(base: images, points: points),
                snapshots: KillableSnapshots(base: snapshots, points: points))
        #else
            return self
        #endif
    }

    /// The filling of an image, with a kill point when all of it is on disk.
    static func withKillPoint(_ fill: @escaping BackupActions.Filling) -> BackupActions.Filling {
        #if FAULT_INJECTION
            guard let points = KillPoints.current else { return fill }
            return { image, spec, uid, whole in
                try await fill(image, spec, uid) { id in
                    points.passed("fill image")
                    try await whole(id)
                }
            }
        #else
            return fill
        #endif
    }

    /// Says on whose behalf effects happen.
    static func named(_ body: () async throws -> Void) async rethrows {
        #if FAULT_INJECTION
            try await KillPoints.$caller.withValue("Operator") { try await body() }
        #else
            try await body()
        #endif
    }
}

extension CommandRunner {
    /// The runner, with a kill point after each child's end.
    var withKillPoints: any CommandRunner {
        #if FAULT_INJECTION
            guard let points = KillPoints.current else { return self }
            return KillableRunner(base: self, points: points)
        #else
            return self
        #endif
    }
}

extension VolumePlugin {
    /// The plugin, whose calls tell the kill points on whose behalf effects happen.
    var withKillPoints: any VolumePlugin {
        #if FAULT_INJECTION
            guard KillPoints.current != nil else { return self }
            return NamedCalls(base: self)
        #else
            return self
        #endif
    }
}

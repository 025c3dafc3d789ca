import DockerVolumeAPI
import RBDDriver
import VolumeCore

/// The driver as the server wants it: Docker's calls in, answers or truthful silence out.
struct DockerAdapter: VolumePlugin {
    let driver: VolumeDriver
    let readiness: Readiness
    let mountpoints: MountpointsOnHost
    let report: @Sendable () async -> HealthReport

    func create(name: String, options: [String: String]) async throws {
        try await counted {
            try await readiness.requireWork("create volume \(name)")
            return try await driver.create(name, options: options)
        }
    }

    func remove(name: String) async throws {
        try await counted {
            try await readiness.requireWork("remove volume \(name)")
            return try await driver.remove(name)
        }
    }

    func mount(name: String, id: String) async throws -> String {
        try await counted {
            try await readiness.requireWork("mount volume \(name)")
            return try await driver.mount(name, id: id)
        }
    }

    func path(name: String) async throws -> String {
        try await counted { try await driver.path(name) }
    }

    func unmount(name: String, id: String) async throws {
        try await counted {
            if mayHold(name) { try await readiness.requireCluster() }
            try await driver.unmount(name, id: id)
        }
    }

    func list() async throws -> [VolumeDescription] {
        try await counted { try await driver.list().map(VolumeDescription.init) }
    }

    /// Docker takes every error in answer to a Get for "it is gone": only a certain "no" may be said.
    func get(name: String) async throws -> VolumeDescription {
        do {
            return VolumeDescription(try await driver.get(name), mountpoints)
        } catch let error as VolumeError where error.code == .notFound {
            throw CountedError(error)
        } catch {
            throw NoTruthfulAnswer(why: "\(error)")
        }
    }

    func health() async -> HealthReport { await report() }

    /// Whether the records may give the volume to this boot. Where they do not, an Unmount has nothing to do, and needs no
    /// Ceph to say so.
    private func mayHold(_ name: String) -> Bool {
        guard driver.ports.catalog.isLoaded else { return true }
        guard let name = try? VolumeName(given: name) else { return false }
        return driver.held.contains { $0.name == name }
    }

    private func counted<Value>(_ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch let error as VolumeError {
            throw CountedError(error)
        }
    }
}

/// A driver's error with the outcome that the metrics count it under.
struct CountedError: OutcomeReporting, CustomStringConvertible {
    let error: VolumeError

    init(_ error: VolumeError) { self.error = error }

    var outcome: OperationOutcome {
        // Docker shows nothing but errors: this one is the answer that was asked for.
        if error.code == .help { return .ok }
        return switch error.outcome {
        case .refused: .refused
        case .failed: .failed
        case .unknown: .unknown
        }
    }

    var description: String { error.description }
}

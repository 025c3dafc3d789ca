import DockerVolumeAPI
import Synchronization

/// A call as it reached the plugin.
enum PluginCall: Hashable, Sendable {
    case create(String, [String: String])
    case remove(String)
    case mount(String, String)
    case path(String)
    case unmount(String, String)
    case get(String)
    case list
    case health
}

/// Something that goes wrong in a script.
struct ScriptedFailure: Error, CustomStringConvertible {
    var description: String
}

/// A plugin that remembers what it was asked and does what the test scripted for it; without a script all succeeds.
final class ScriptedPlugin: VolumePlugin {
    struct Script: Sendable {
        var create: @Sendable (String, [String: String]) async throws -> Void = { _, _ in }
        var remove: @Sendable (String) async throws -> Void = { _ in }
        var mount: @Sendable (String, String) async throws -> String = { name, _ in "/mnt/\(name)" }
        var path: @Sendable (String) async throws -> String = { "/mnt/\($0)" }
        var unmount: @Sendable (String, String) async throws -> Void = { _, _ in }
        var get: @Sendable (String) async throws -> VolumeDescription = { VolumeDescription(name: $0) }
        var list: @Sendable () async throws -> [VolumeDescription] = { [] }
        var health: @Sendable () async -> HealthReport = { HealthReport(healthy: true, components: []) }
    }

    private let script: Script
    private let recorded = Mutex<[PluginCall]>([])

    init(_ script: Script = Script()) {
        self.script = script
    }

    var calls: [PluginCall] {
        recorded.withLock { $0 }
    }

    /// Waits until the plugin has been called like that. Throws when the test's time is up.
    func called(_ call: PluginCall) async throws {
        while !calls.contains(call) { try await Task.sleep(for: .milliseconds(2)) }
    }

    private func record(_ call: PluginCall) {
        recorded.withLock { $0.append(call) }
    }

    func create(name: String, options: [String: String]) async throws {
        record(.create(name, options))
        try await script.create(name, options)
    }

    func remove(name: String) async throws {
        record(.remove(name))
        try await script.remove(name)
    }

    func mount(name: String, id: String) async throws -> String {
        record(.mount(name, id))
        return try await script.mount(name, id)
    }

    func path(name: String) async throws -> String {
        record(.path(name))
        return try await script.path(name)
    }

    func unmount(name: String, id: String) async throws {
        record(.unmount(name, id))
        try await script.unmount(name, id)
    }

    func get(name: String) async throws -> VolumeDescription {
        record(.get(name))
        return try await script.get(name)
    }

    func list() async throws -> [VolumeDescription] {
        record(.list)
        return try await script.list()
    }

    func health() async -> HealthReport {
        record(.health)
        return await script.health()
    }
}

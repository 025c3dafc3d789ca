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

    private struct State {
        var calls: [PluginCall] = []
        var waiters: [(isDone: @Sendable ([PluginCall]) -> Bool, waiter: CheckedContinuation<Void, Never>)] = []
    }

    private let script: Script
    private let state = Mutex(State())

    init(_ script: Script = Script()) {
        self.script = script
    }

    var calls: [PluginCall] {
        state.withLock { $0.calls }
    }

    /// Waits until the plugin has been called like that.
    func called(_ call: PluginCall, times: Int = 1) async {
        let isDone: @Sendable ([PluginCall]) -> Bool = { calls in calls.count { $0 == call } >= times }
        await withCheckedContinuation { waiter in
            let isDoneAlready = state.withLock { state in
                if isDone(state.calls) { return true }
                state.waiters.append((isDone, waiter))
                return false
            }
            if isDoneAlready { waiter.resume() }
        }
    }

    private func record(_ call: PluginCall) {
        let done = state.withLock { state in
            state.calls.append(call)
            let calls = state.calls
            let done = state.waiters.filter { $0.isDone(calls) }
            state.waiters.removeAll { $0.isDone(calls) }
            return done.map(\.waiter)
        }
        for waiter in done { waiter.resume() }
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

import EtcdClient
import Rig
import Synchronization

/// Calls that go on while something is changed under them: some tasks write and read, one watches what they write.
final class Load: Sendable {
    private struct Count {
        var calls = 0
        var failures: [String] = []
        var connected = 0
        var watched = 0
        var isOver = false
    }

    private let count = Mutex(Count())

    /// What has failed so far.
    var failures: [String] { count.withLock { $0.failures } }
    /// How many times the watch was connected.
    var connected: Int { count.withLock { $0.connected } }

    /// Waits until each task has made some more calls.
    func goesOn() async throws {
        let before = count.withLock { $0.calls }
        try await eventually("calls to go on; so far \(failures)") {
            count.withLock { $0.calls >= before + 40 || !$0.failures.isEmpty }
        }
    }

    /// Puts `client` under load while `body` runs, and until the watch has told of something written after it.
    static func with(_ client: EtcdClient, below prefix: String, _ body: (Load) async throws -> Void) async throws {
        let load = Load()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<4 { group.addTask { await load.call(client, key: "\(prefix)\(number)") } }
            group.addTask { await load.watch(client, prefix) }
            defer { group.cancelAll() }
            try await eventually("the watch to stand; so far \(load.failures)") { load.connected > 0 }
            try await load.goesOn()
            try await body(load)
            let watched = load.count.withLock { $0.watched }
            try await eventually("the watch to go on") { load.count.withLock { $0.watched > watched } }
            load.count.withLock { $0.isOver = true }
        }
    }

    private func call(_ client: EtcdClient, key: String) async {
        while !count.withLock(\.isOver), !Task.isCancelled {
            do throws(EtcdError) {
                try await client.put(key, "x")
                _ = try await client.get(key)
                count.withLock { $0.calls += 2 }
            } catch {
                guard error.code != .cancelled else { return }
                count.withLock { $0.failures.append("\(error)") }
            }
        }
    }

    private func watch(_ client: EtcdClient, _ prefix: String) async {
        do throws(EtcdError) {
            for try await element in client.watch(prefix: prefix) {
                switch element {
                case .connected: count.withLock { $0.connected += 1 }
                case .events(let events, _): count.withLock { $0.watched += events.count }
                case .progress, .disconnected: break
                case .compacted, .replaced: count.withLock { $0.failures.append("the watch has ended: \(element)") }
                }
            }
        } catch {
            count.withLock { $0.failures.append("watch: \(error)") }
        }
    }
}

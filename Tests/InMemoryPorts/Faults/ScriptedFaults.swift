import Synchronization
import VolumeCore

/// Faults by script: "the second commit of node a takes effect, but its answer is lost".
public final class ScriptedFaults: PortHook {
    public enum When: Sendable {
        /// Nothing has happened yet.
        case before
        /// It took effect; the caller does not know yet.
        case after
    }

    private struct Rule: Sendable {
        var operation: PortOperation
        var node: String?
        var when: When
        /// Matching calls to let pass first.
        var skipping: Int
        var remaining: Int
        var twice = false
        var late = false
        var action: @Sendable (PortCall) async throws -> Void
    }

    private struct State: Sendable {
        var rules: [Rule] = []
        var late: [@Sendable () throws -> Void] = []
    }

    private let state = Mutex(State())

    public init() {}

    /// No answer came, and nobody knows whether the request arrived.
    public static func lost(_ operation: PortOperation) -> VolumeError {
        VolumeError(.timedOut, operation.rawValue, why: "there was no answer in time", outcome: .unknown)
    }

    /// Lets matching calls fail, before or after they take effect.
    /// - Parameter error: an unknown outcome (`timedOut`) when none is given.
    public func fail(
        _ operation: PortOperation, _ when: When = .before, on node: String? = nil, skipping: Int = 0,
        times: Int = 1, with error: (any Error)? = nil
    ) {
        let thrown = error ?? Self.lost(operation)
        run(operation, when, on: node, skipping: skipping, times: times) { _ in throw thrown }
    }

    /// Does something before or after matching calls: kill a plugin, cut a node off, let another node act.
    public func run(
        _ operation: PortOperation, _ when: When, on node: String? = nil, skipping: Int = 0, times: Int = 1,
        _ action: @escaping @Sendable (PortCall) async throws -> Void
    ) {
        add(
            Rule(
                operation: operation, node: node, when: when, skipping: skipping, remaining: times, action: action))
    }

    /// Carries the request out twice.
    public func duplicate(_ operation: PortOperation, on node: String? = nil, skipping: Int = 0, times: Int = 1) {
        add(
            Rule(
                operation: operation, node: node, when: .after, skipping: skipping, remaining: times, twice: true
            ) { _ in })
    }

    /// Lets the call time out, and its effect wait for `deliverLate`.
    public func delay(_ operation: PortOperation, on node: String? = nil, skipping: Int = 0, times: Int = 1) {
        add(
            Rule(
                operation: operation, node: node, when: .after, skipping: skipping, remaining: times, late: true
            ) { throw Self.lost($0.operation) })
    }

    /// Lets everything that was delayed take effect now. What fails, fails unseen.
    public func deliverLate() {
        let late = state.withLock { state in
            defer { state.late = [] }
            return state.late
        }
        for effect in late { try? effect() }
    }

    /// Forgets all rules.
    public func stop() {
        state.withLock { $0.rules = [] }
    }

    private func add(_ rule: Rule) {
        state.withLock { $0.rules.append(rule) }
    }

    public func perform(_ call: PortCall, _ effect: @escaping @Sendable () throws -> Void) async throws {
        guard let rule = take(call) else { return try effect() }
        if rule.when == .before { try await rule.action(call) }
        if rule.late {
            state.withLock { $0.late.append(effect) }
        } else {
            try effect()
        }
        if rule.twice { try effect() }
        if rule.when == .after { try await rule.action(call) }
    }

    /// The first rule for the call whose turn has come.
    private func take(_ call: PortCall) -> Rule? {
        state.withLock { state in
            for index in state.rules.indices {
                let rule = state.rules[index]
                guard rule.operation == call.operation, rule.node == nil || rule.node == call.node,
                    rule.remaining > 0
                else { continue }
                guard rule.skipping == 0 else {
                    state.rules[index].skipping -= 1
                    continue
                }
                state.rules[index].remaining -= 1
                return rule
            }
            return nil
        }
    }
}

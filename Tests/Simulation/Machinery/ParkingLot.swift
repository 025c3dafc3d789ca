import InMemoryPorts
import VolumeCore

/// A port call that waits for the scheduler to say what becomes of it.
struct ParkedCall {
    let number: Int
    let call: PortCall
    let effect: @Sendable () throws -> Void
    let continuation: UnsafeContinuation<Void, any Error>
    /// When a sleep is over, on the world's clock.
    let due: Duration?
    /// The step before which the scheduler leaves it alone: a slow network, a slow disk.
    let heldUntil: Int
}

/// Where every port call of every node waits.
///
/// `@unchecked Sendable`: everything here happens on the one thread of the history's `RunLoopExecutor`.
final class ParkingLot: PortHook, @unchecked Sendable {
    private(set) var calls: [ParkedCall] = []
    private var lastNumber = 0
    /// How many steps the call that comes now is held.
    var holding: () -> Int = { 0 }
    /// The end of a sleep on the world's clock, by the sleeping node's.
    var wakeUp: (_ node: String, _ after: Duration) -> Duration = { _, duration in duration }
    /// Nodes whose calls happen at once: hosts without the plugin.
    let outsiders: Set<String>

    init(outsiders: Set<String>) { self.outsiders = outsiders }

    func perform(_ call: PortCall, _ effect: @escaping @Sendable () throws -> Void) async throws {
        if outsiders.contains(call.node) { return try effect() }
        lastNumber += 1
        let number = lastNumber
        guard call.operation == .sleep else { return try await park(number, call, effect) }
        try await withTaskCancellationHandler {
            try await park(number, call, effect)
        } onCancel: {
            if let parked = take(number) { parked.continuation.resume(throwing: CancellationError()) }
        }
    }

    private func park(
        _ number: Int, _ call: PortCall, _ effect: @escaping @Sendable () throws -> Void
    ) async throws {
        let due = call.duration.map { wakeUp(call.node, $0) }
        let held = due == nil ? holding() : 0
        try await withUnsafeThrowingContinuation { continuation in
            calls.append(
                ParkedCall(
                    number: number, call: call, effect: effect, continuation: continuation, due: due,
                    heldUntil: held))
        }
    }

    /// Takes a call out: whoever takes it resumes it.
    func take(_ number: Int) -> ParkedCall? {
        guard let index = calls.firstIndex(where: { $0.number == number }) else { return nil }
        return calls.remove(at: index)
    }

    /// Takes all calls of a node out.
    func takeAll(of node: String) -> [ParkedCall] {
        let taken = calls.filter { $0.call.node == node }
        calls.removeAll { $0.call.node == node }
        return taken
    }
}

import Synchronization

/// How many bytes all mkfs together may have in scratch files: a part of what is free, so that other users of that
/// filesystem or memory never run out of it. Who does not fit waits in line.
final class ScratchBudget: Sendable {
    /// The part of what is free that scratch files may take.
    static let share: UInt64 = 4

    private struct State {
        var limit: UInt64 = 0
        var used: UInt64 = 0
        var line: [UInt64] = []
        var lastTicket: UInt64 = 0
    }

    private let state = Mutex(State())
    private let free: @Sendable () throws -> UInt64

    /// - Parameter free: how many bytes are free now; asked when no scratch file is there.
    init(free: @escaping @Sendable () throws -> UInt64) { self.free = free }

    /// Bytes that are taken now.
    var used: UInt64 { state.withLock { $0.used } }

    /// Takes a place in line, which has to be given up with `leave`.
    func enter() -> UInt64 {
        state.withLock { state in
            state.lastTicket += 1
            state.line.append(state.lastTicket)
            return state.lastTicket
        }
    }

    func leave(_ ticket: UInt64) { state.withLock { $0.line.removeAll { $0 == ticket } } }

    enum Admission: Hashable { case admitted, wait, neverFits }

    /// Whether the holder of the ticket may take that many bytes now. Blocking.
    func admit(_ ticket: UInt64, _ bytes: UInt64) throws -> Admission {
        try state.withLock { state in
            if state.used == 0 { state.limit = try free() / Self.share }
            if bytes > state.limit { return .neverFits }
            guard state.line.first == ticket, state.used + bytes <= state.limit else { return .wait }
            state.used += bytes
            return .admitted
        }
    }

    /// Takes more for one that needs more than was thought, if it is there at once.
    func extend(by bytes: UInt64) -> Bool {
        state.withLock { state in
            guard state.used + bytes <= state.limit else { return false }
            state.used += bytes
            return true
        }
    }

    func giveBack(_ bytes: UInt64) { state.withLock { $0.used -= min(bytes, $0.used) } }
}

import Glibc

/// Which of the children that have ended are somebody's to wait for, and which were only adopted.
///
/// Between the start of a child and the moment its number is known, a zombie may be that very child. So a zombie that is
/// nobody's counts as adopted only once every start that was under way when it was first seen has named its child, or has
/// failed. No clock is needed for that, however slowly a start goes on.
struct ChildLedger {
    /// One child, from before its start until it is reaped.
    struct Ticket: Hashable, Sendable {
        fileprivate let number: UInt64
    }

    private var nextNumber: UInt64 = 0
    /// Starts whose child has no known number yet.
    private var starting: Set<UInt64> = []
    private var own: [UInt64: pid_t] = [:]
    /// Zombies that are nobody's, with the number of the first start that came after they were seen.
    private var suspects: [pid_t: UInt64] = [:]

    /// A child is about to be started.
    mutating func begin() -> Ticket {
        defer { nextNumber += 1 }
        starting.insert(nextNumber)
        return Ticket(number: nextNumber)
    }

    /// The child exists.
    mutating func started(_ ticket: Ticket, as pid: pid_t) {
        starting.remove(ticket.number)
        own[ticket.number] = pid
        suspects[pid] = nil
    }

    /// The child is reaped, or there was none.
    mutating func ended(_ ticket: Ticket) {
        starting.remove(ticket.number)
        own[ticket.number] = nil
    }

    /// - Parameter zombies: all children that have ended and that nobody has waited for.
    /// - Returns: those that were adopted for certain.
    mutating func adopted(among zombies: Set<pid_t>) -> Set<pid_t> {
        let known = Set(own.values)
        let oldestStart = starting.min() ?? nextNumber
        suspects = suspects.filter { zombies.contains($0.key) }
        for pid in zombies.subtracting(known) where suspects[pid] == nil { suspects[pid] = nextNumber }
        let adopted = Set(suspects.filter { $0.value <= oldestStart }.keys)
        // Once it is reaped, its number may be that of one's own next child.
        for pid in adopted { suspects[pid] = nil }
        return adopted
    }
}

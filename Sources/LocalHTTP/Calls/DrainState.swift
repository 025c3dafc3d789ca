/// What a drain left behind.
package struct DrainReport: Sendable, Equatable {
    /// Calls whose work had not ended when the time was up. They go on until the process ends.
    package var stillRunning: Int

    package init(stillRunning: Int) {
        self.stillRunning = stillRunning
    }
}

/// Whether the server still serves, and what it waits for before it may end. Without any effect of its own.
///
/// serving → draining → drained. Connections and work are counted apart, because work outlives its connection: a call
/// that has timed out, the undoing of a mount that nobody waits for.
struct DrainState: Equatable, Sendable {
    enum Phase: Equatable, Sendable {
        case serving
        case draining
        case drained
    }

    private(set) var phase = Phase.serving
    private(set) var connections = 0
    private(set) var work = 0

    /// False when the connection has come too late and has to be closed.
    mutating func connectionOpened() -> Bool {
        connections += 1
        return phase == .serving
    }

    /// True when that was the last thing waited for.
    mutating func connectionClosed() -> Bool {
        connections -= 1
        return endIfQuiet()
    }

    mutating func workBegan() {
        work += 1
    }

    /// True when that was the last thing waited for.
    mutating func workEnded() -> Bool {
        work -= 1
        return endIfQuiet()
    }

    /// True when there is nothing to wait for.
    mutating func drain() -> Bool {
        guard phase == .serving else { return false }
        phase = .draining
        return endIfQuiet()
    }

    /// True when the time was up before the work was done.
    mutating func deadlinePassed() -> Bool {
        guard phase == .draining else { return false }
        phase = .drained
        return true
    }

    private mutating func endIfQuiet() -> Bool {
        guard phase == .draining, connections == 0, work == 0 else { return false }
        phase = .drained
        return true
    }
}

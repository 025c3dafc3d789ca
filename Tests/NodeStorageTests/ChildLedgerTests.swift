import Glibc
import Rig
import Testing

@testable import NodeStorage

/// Telling adopted children that have ended from those that somebody waits for.
@Suite struct ChildLedgerTests {
    @Test("D1: a zombie that nobody started is reaped at once")
    func d1AdoptedIsReaped() {
        var ledger = ChildLedger()
        #expect(ledger.adopted(among: [7]) == [7])
    }

    @Test("D1: a zombie is left alone while it is somebody's, and while it may become so")
    func d1OwnIsLeftAlone() {
        var ledger = ChildLedger()
        let ticket = ledger.begin()
        #expect(ledger.adopted(among: [7]) == [], "it may be the child that is just being started")
        ledger.started(ticket, as: 7)
        #expect(ledger.adopted(among: [7, 8]) == [8])
        ledger.ended(ticket)
        #expect(ledger.adopted(among: [7]) == [7], "the number is another process's by now")
    }

    @Test("D1: a start that comes after a zombie was seen does not keep it from being reaped")
    func d1LaterStartsDoNotMatter() {
        var ledger = ChildLedger()
        let first = ledger.begin()
        #expect(ledger.adopted(among: [7]) == [])
        _ = ledger.begin()
        ledger.started(first, as: 8)
        #expect(ledger.adopted(among: [7, 8]) == [7])
    }

    @Test("D1: a start that fails holds nothing up")
    func d1FailedStart() {
        var ledger = ChildLedger()
        let ticket = ledger.begin()
        #expect(ledger.adopted(among: [7]) == [])
        ledger.ended(ticket)
        #expect(ledger.adopted(among: [7]) == [7])
    }

    @Test("D1: a number that was suspected and comes back as a child's is a child's")
    func d1NumberComesBack() {
        var ledger = ChildLedger()
        let first = ledger.begin()
        #expect(ledger.adopted(among: [7]) == [])
        ledger.started(first, as: 7)
        ledger.ended(first)
        _ = ledger.begin()
        #expect(ledger.adopted(among: [7]) == [], "the second child may have the number of the first")
    }

    @Test("D1: in any order of events no child of one's own is reaped, and every adopted one is in the end")
    func d1AnyOrder() {
        for seed in 0..<2000 {
            var world = World(seed: UInt64(seed))
            for _ in 0..<60 { world.step() }
            world.settle()
            #expect(world.stolen.isEmpty && world.zombies.isEmpty, "seed \(seed)")
        }
    }

    /// A few process numbers that are used again and again, by children of both kinds.
    private struct World {
        private enum Child: Equatable { case starting, known }

        private var ledger = ChildLedger()
        private var random: SeededGenerator
        private var own: [pid_t: (ticket: ChildLedger.Ticket, state: Child)] = [:]
        private var adopted: Set<pid_t> = []
        private(set) var zombies: Set<pid_t> = []
        private(set) var stolen: Set<pid_t> = []

        init(seed: UInt64) { random = SeededGenerator(state: seed) }

        mutating func step() {
            let pid = pid_t.random(in: 1...5, using: &random)
            let isFree = own[pid] == nil && !adopted.contains(pid)
            switch Int.random(in: 0..<6, using: &random) {
            case 0 where isFree: own[pid] = (ledger.begin(), .starting)
            case 1 where isFree: adopted.insert(pid)
            case 2 where own[pid]?.state == .starting: tell(pid)
            case 3 where !isFree: zombies.insert(pid)
            case 4 where own[pid]?.state == .known && zombies.contains(pid): wait(for: pid)
            default: reap()
            }
        }

        /// What is under way comes to its end.
        mutating func settle() {
            for pid in own.keys {
                zombies.insert(pid)
                if own[pid]?.state == .starting { tell(pid) }
                reap()
                wait(for: pid)
            }
            reap()
            reap()
        }

        private mutating func tell(_ pid: pid_t) {
            guard let child = own[pid] else { return }
            ledger.started(child.ticket, as: pid)
            own[pid] = (child.ticket, .known)
        }

        private mutating func wait(for pid: pid_t) {
            guard let child = own.removeValue(forKey: pid) else { return }
            zombies.remove(pid)
            ledger.ended(child.ticket)
        }

        private mutating func reap() {
            for pid in ledger.adopted(among: zombies) {
                if own[pid] != nil { stolen.insert(pid) }
                adopted.remove(pid)
                zombies.remove(pid)
            }
        }
    }
}

import InMemoryPorts
import VolumeCore

/// Who took a volume, and that a volume went, is told in the very transaction that did it, and nothing else is told.
struct HistoryChecks {
    /// How much of both lists has been looked at.
    private var seen = (turns: 0, entries: 0)

    mutating func look(_ etcd: SimulatedEtcd) -> [String] {
        let turns = etcd.turns.dropFirst(seen.turns)
        let entries = etcd.history.dropFirst(seen.entries)
        seen = (etcd.turns.count, etcd.history.count)
        let silent = turns.filter { turn in !entries.contains { tells($0.entry, of: turn, at: $0.revision) } }
        let invented = entries.filter { told in
            Self.isOfTurn(told.entry) && !turns.contains { tells(told.entry, of: $0, at: told.revision) }
        }
        return silent.map { "nothing tells of \($0.kind) of \($0.volume)" }
            + invented.map { "\($0.entry.event) of \($0.entry.volume) was told, and did not happen then" }
    }

    private func tells(_ entry: HistoryEntry, of turn: HistoryTurn, at revision: Int64) -> Bool {
        guard entry.volume == turn.volume, revision == turn.revision, let event = HistoryEvent(rawValue: entry.event)
        else { return false }
        switch turn.kind {
        case .takeOver(let former, let owner):
            return event == .takingOver && entry.from == former && entry.to == owner && entry.node == owner
        case .removal(let uid): return Self.removals.contains(event) && entry.uid == uid
        }
    }

    private static let removals: Set<HistoryEvent> = [.removed, .trashed, .forgotten, .creationUndone]

    private static func isOfTurn(_ entry: HistoryEntry) -> Bool {
        HistoryEvent(rawValue: entry.event).map { $0 == .takingOver || removals.contains($0) } ?? false
    }
}

/// An entry in words.
extension HistoryEntry {
    /// What happened, without who, when and why: `mounted on n1 (epoch 4)`.
    public var what: String {
        guard let known = HistoryEvent(rawValue: event) else {
            let rest = [from.map { "from \($0)" }, to.map { "to \($0)" }].compactMap(\.self)
            return ([event] + rest).joined(separator: " ")
        }
        let epoch = epoch.map { " (epoch \($0))" } ?? ""
        return words(known) + epoch
    }

    private func words(_ event: HistoryEvent) -> String {
        let (from, to) = (from ?? "?", to ?? "?")
        return switch event {
        case .created: "created with \(to)" + (self.from.map { " as a clone of \($0)" } ?? "")
        case .adopted: "adopted an image with \(to)"
        case .creationUndone: "undid a creation"
        case .removing: "began to remove it"
        case .removed: "removed it"
        case .trashed: "moved it into the trash, until \(to)"
        case .forgotten: "forgot it; its image stays"
        case .removalUndone: "took a removal back"
        case .restoring: "began to restore it"
        case .restored: "restored it"
        case .deletingFromTrash: "had it deleted from the trash"
        case .takingOver: "began to take it from \(from)"
        case .takenOver: "shut \(from) out and took it"
        case .released: "shut \(from) out and released it"
        case .mounted: "mounted it"
        case .mountUndone: "undid a mount"
        case .stayedMounted: "could not let go of it"
        case .unmounted: "unmounted it"
        case .resizeAsked: "asked for \(to)"
        case .resized: "resized it from \(from) to \(to)"
        case .growthFailed: "could not give it its size"
        case .rollbackAsked: "asked to roll it back to \(to)"
        case .rolledBack: "rolled it back to \(to)"
        case .rollbackFailed: "could not roll it back to \(to)"
        case .rollbackWithdrawn: "withdrew the roll-back to \(to)"
        case .valuesSet: "set its values: \(to)"
        case .policySet: "put it under " + (self.to.map { "policy \($0)" } ?? "no policy")
        case .protected: "protected it"
        case .unprotected: "lifted its protection"
        }
    }
}

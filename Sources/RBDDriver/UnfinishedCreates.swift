import Logging
import VolumeCore

extension VolumeDriver {
    /// Clears up what Creates have left that were killed, or that failed while what they needed did not answer, and so
    /// could not be undone at once.
    func clearUpCreates(in pool: String) async {
        for stored in ports.catalog.unsettled()
        where stored.pool == pool && isToBeClearedUp(stored) && !turns.isTaken(stored.name) {
            await attempt("clear up after the creation of", stored.name) {
                try await operation("clear up", stored.name) {
                    try await inFreeSlot(of: pool) { try await clearUpCreate(of: stored.name) }
                }
            }
        }
    }

    /// In the volume's turn no Create of this node is at it.
    private func clearUpCreate(of name: VolumeName) async throws {
        let stored = try await read(name)
        guard isToBeClearedUp(stored), let record = stored.volume?.record else { return }
        if record.phase == .ready {
            let swept = try await sweepAbandoned(record)
            if swept != record { _ = try await commit(.init(volume: .put(swept)), over: stored) }
        } else if try await settle(record, over: stored) == .undone {
            log.step("cleaned up after an abandoned create", name)
        }
    }

    /// An attempt of this node that nobody is at, or images of given-up attempts that were still watched when another
    /// one succeeded.
    private func isToBeClearedUp(_ stored: StoredVolume) -> Bool {
        guard let record = stored.volume?.record else { return false }
        return switch record.phase {
        case .creating: record.attempt?.by.node == me.node
        case .ready: !record.abandoned.isEmpty
        case .removing: false
        }
    }
}

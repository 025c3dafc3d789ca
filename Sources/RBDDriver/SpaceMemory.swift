import Synchronization
import VolumeCore

/// What this run of the plugin remembers of how volumes grow and are trimmed by themselves.
final class SpaceMemory: Sendable {
    private struct Contents {
        var growths: [VolumeName: Moment] = [:]
        /// Why a volume that is full does not grow, as far as it was told.
        var told: [VolumeName: AutogrowOutcome] = [:]
        var autogrow: [AutogrowOutcome: Int] = [:]
        var trims: [VolumeName: TrimNotes] = [:]
        var trimTotals: (trims: Int, bytes: UInt64) = (0, 0)
    }

    private struct TrimNotes {
        /// Since when it is known that the volume is to be trimmed.
        var watchedFrom: Moment
        var trimmed: Moment?
        var failed: Moment?
        var told: String?
    }

    private let contents = Mutex(Contents())

    /// The volume is to grow, or was to.
    func noteGrowth(of name: VolumeName, at moment: Moment) {
        contents.withLock { contents in
            contents.growths = contents.growths.filter { moment - $0.value < AutogrowRule.pause }
            contents.growths[name] = moment
        }
    }

    func growth(of name: VolumeName) -> Moment? { contents.withLock { $0.growths[name] } }

    /// - Returns: whether it is news.
    func noteFullness(of name: VolumeName, _ outcome: AutogrowOutcome) -> Bool {
        contents.withLock { contents in
            if contents.told[name] == outcome { return false }
            contents.told[name] = outcome
            return true
        }
    }

    func forgetFullness(of name: VolumeName) { contents.withLock { $0.told[name] = nil } }

    func noteAutogrow(_ outcome: AutogrowOutcome) { contents.withLock { $0.autogrow[outcome, default: 0] += 1 } }

    var autogrowOutcomes: [AutogrowOutcome: Int] { contents.withLock(\.autogrow) }

    // MARK: Trims

    /// These volumes, and no others, are to be trimmed by schedule here.
    func watchTrims(of names: [VolumeName], at now: Moment) {
        contents.withLock { contents in
            let before = contents.trims
            contents.trims = [:]
            for name in names { contents.trims[name] = before[name] ?? TrimNotes(watchedFrom: now) }
        }
    }

    func trims(of name: VolumeName, at now: Moment) -> (
        sinceTrim: Duration?, sinceFailure: Duration?, watched: Duration
    )? {
        contents.withLock(\.trims[name]).map { notes in
            (notes.trimmed.map { now - $0 }, notes.failed.map { now - $0 }, now - notes.watchedFrom)
        }
    }

    func noteTrim(of name: VolumeName, _ bytes: UInt64, at now: Moment) {
        contents.withLock { contents in
            contents.trims[name]?.trimmed = now
            contents.trims[name]?.failed = nil
            contents.trims[name]?.told = nil
            contents.trimTotals.trims += 1
            contents.trimTotals.bytes += bytes
        }
    }

    /// - Returns: whether it is news.
    func noteTrimFailure(of name: VolumeName, _ reason: String, at now: Moment) -> Bool {
        contents.withLock { contents in
            contents.trims[name]?.failed = now
            defer { contents.trims[name]?.told = reason }
            return contents.trims[name]?.told != reason
        }
    }

    var trimTotals: (trims: Int, bytes: UInt64) { contents.withLock(\.trimTotals) }
}

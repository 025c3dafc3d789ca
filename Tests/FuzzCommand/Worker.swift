import Fuzzing
import Glibc

/// One target's inputs, in this process.
struct Worker {
    /// Its exit status when something did not hold; the sentence is on standard output, the input in the note.
    static let broken: CInt = 3

    private let target: any FuzzTarget
    private let seed: UInt64
    private let deadline: ContinuousClock.Instant
    private let note: String

    init(_ target: any FuzzTarget, seed: UInt64, seconds: Double, note: String) {
        (self.target, self.seed, self.note) = (target, seed, note)
        deadline = .now + .seconds(seconds)
    }

    /// - Returns: its exit status.
    func run() async throws -> CInt {
        let note = try Note(note)
        var campaign = Campaign(target, corpus: Corpus.own.inputs(of: target).map(\.bytes), seed: seed)
        repeat {
            if let finding = await campaign.round(before: note.begin) {
                note.begin(finding.input)
                print(finding.what)
                return Self.broken
            }
        } while .now < deadline
        print("\(campaign.executions) inputs, \(campaign.variety) kinds of answers")
        return 0
    }
}

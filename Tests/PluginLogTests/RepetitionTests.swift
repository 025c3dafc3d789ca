import Testing

@testable import PluginLog

/// Which warnings are told while the same thing goes wrong again and again.
@Suite struct RepetitionTests {
    private let start = ContinuousClock.now

    @Test("D10: what goes wrong every second is told after 0, 1, 3, 7 … seconds, once a minute in the end, and counted")
    func d10BackingOff() {
        var repetition = Repetition()
        var told: [Int] = []
        var leftOut = 0
        for second in 0...300 {
            guard case .tell(let count) = repetition.judge("etcd", at: start + .seconds(second)) else { continue }
            told.append(second)
            leftOut += count
        }
        #expect(told == [0, 1, 3, 7, 15, 31, 63, 123, 183, 243])
        #expect(leftOut + told.count == 244, "none is lost of those up to the last that was told")
    }

    @Test("D10: different warnings do not wait for each other")
    func d10Different() {
        var repetition = Repetition()
        #expect(repetition.judge("etcd", at: start) == .tell(leftOut: 0))
        #expect(repetition.judge("ceph", at: start) == .tell(leftOut: 0))
        #expect(repetition.judge("etcd", at: start) == .leaveOut)
    }

    @Test("D10: after two quiet minutes a warning is new, and the number of those left out is not lost")
    func d10NewAgain() {
        var repetition = Repetition()
        for _ in 0..<3 { _ = repetition.judge("etcd", at: start) }
        #expect(repetition.judge("etcd", at: start + .seconds(200)) == .tell(leftOut: 2))
        #expect(repetition.judge("etcd", at: start + .seconds(201)) == .tell(leftOut: 0), "the pause begins anew")
    }

    @Test("D10: however many different warnings there are, those remembered are bounded, and each is told")
    func d10Bounded() {
        var repetition = Repetition()
        for number in 0..<2000 {
            #expect(repetition.judge("volume \(number)", at: start + .milliseconds(number)) == .tell(leftOut: 0))
        }
        #expect(repetition.judge("volume 1999", at: start + .seconds(2)) == .leaveOut)
        #expect(repetition.judge("volume 0", at: start + .seconds(2)) == .tell(leftOut: 0), "long forgotten")
    }
}

import Testing
import VolumeCore

@Suite("When volumes grow by themselves") struct AutogrowRuleTests {
    private let autogrow = Autogrow(at: 80, max: .gibibytes(2))

    private func usage(_ used: UInt64, of total: UInt64, inodes: UInt64 = 0, of all: UInt64 = 0) -> FilesystemUsage {
        FilesystemUsage(
            totalBytes: total, usedBytes: used, availableBytes: total - used, totalInodes: all, usedInodes: inodes)
    }

    @Test("A volume grows once it is fuller than was said, and not before")
    func threshold() {
        for (used, step) in [(0, .nothing), (80, .nothing), (81, .grow(to: .mebibytes(1229)))]
            as [(UInt64, AutogrowRule.Step)]
        {
            #expect(
                AutogrowRule.decide(usage(used, of: 100), autogrow, size: .gibibytes(1), sinceGrowth: nil) == step,
                "\(used)")
        }
    }

    @Test("Inodes count as well as bytes, where a filesystem has a number of them")
    func inodes() {
        let size = VolumeSize.gibibytes(1)
        for (inodes, all, grows) in [(90, 100, true), (80, 100, false), (5, 0, false)] as [(UInt64, UInt64, Bool)] {
            let step = AutogrowRule.decide(
                usage(1, of: 100, inodes: inodes, of: all), autogrow, size: size, sinceGrowth: nil)
            #expect((step != .nothing) == grows, "\(inodes) of \(all)")
        }
    }

    @Test("What a filesystem keeps for the administrator does not count as free")
    func reserved() {
        let kept = FilesystemUsage(totalBytes: 100, usedBytes: 75, availableBytes: 5)
        #expect(AutogrowRule.isFuller(kept, than: 90))
        #expect(!AutogrowRule.isFuller(FilesystemUsage(totalBytes: 0, usedBytes: 0, availableBytes: 0), than: 10))
    }

    @Test("The last step ends at the bound, beyond which nothing grows")
    func bound() {
        let full = usage(99, of: 100)
        func step(_ size: VolumeSize) -> AutogrowRule.Step {
            AutogrowRule.decide(full, autogrow, size: size, sinceGrowth: nil)
        }
        #expect(step(.mebibytes(1900)) == .grow(to: .gibibytes(2)))
        #expect(step(.mebibytes(2047)) == .grow(to: .gibibytes(2)))
        for size in [VolumeSize.gibibytes(2), .gibibytes(3)] { #expect(step(size) == .fullAtMaximum) }
    }

    @Test("A volume grows at most once a minute, whoever made it grow")
    func pause() throws {
        let full = usage(99, of: 100)
        for (since, grows) in [(0, false), (59, false), (60, true)] {
            let step = AutogrowRule.decide(full, autogrow, size: .gibibytes(1), sinceGrowth: .seconds(since))
            #expect((step != .nothing) == grows, "\(since)")
        }
        var volume = try Fixture.volume()
        func since(_ now: Int64, _ remembered: Duration?) -> Duration? {
            AutogrowRule.sinceGrowth(of: volume, now: WallTime(seconds: now), remembered: remembered)
        }
        #expect(since(100, nil) == nil && since(100, .seconds(5)) == .seconds(5))
        volume.grownAt = WallTime(seconds: 90)
        #expect(since(100, nil) == .seconds(10) && since(200, .seconds(5)) == .seconds(5))
        // A clock that was put back must not keep it from growing for as long.
        #expect(since(50, nil) == nil)
    }

    @Test("Whatever it starts from, a full volume reaches its bound in bounded steps, and nothing beyond")
    func converges() {
        var random = RandomHistory(seed: 1)
        for _ in 0..<2000 {
            let max = VolumeSize.mebibytes(1 + random.next() % 100_000)
            let by: GrowthStep =
                random.next() % 2 == 0
                ? .percent(1 + Int(random.next() % 300)) : .size(.mebibytes(1 + random.next() % 1000))
            let autogrow = Autogrow(at: 10 + Int(random.next() % 90), by: by, max: max)
            var size = VolumeSize.mebibytes(1 + random.next() % 100_000)
            let first = size
            var steps = 0
            while case .grow(let next) = AutogrowRule.decide(
                usage(100, of: 100), autogrow, size: size, sinceGrowth: nil)
            {
                #expect(next > size && next <= max)
                size = next
                steps += 1
            }
            #expect(size == Swift.max(first, max) && steps <= 100_000)
        }
    }
}

/// Random numbers that are the same in each run (SplitMix64).
struct RandomHistory {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// Random numbers that are the same in every run, by SplitMix64.
///
/// Every step of a history has a stream of its own, so that leaving one step out does not change what the others do:
/// that is what makes shrinking worth its while.
struct Randomness: RandomNumberGenerator, Sendable {
    private var state: UInt64

    init(seed: UInt64, stream: UInt64 = 0) {
        state = seed &* 0xd134_2543_de82_ef95 &+ stream &* 0x2545_f491_4f6c_dd1d
        _ = next()
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
        return word ^ (word >> 31)
    }

    /// A number from 0 to `bound` - 1.
    mutating func below(_ bound: Int) -> Int {
        Int(truncatingIfNeeded: (next() >> 33) % UInt64(max(1, bound)))
    }

    /// Whether something happens that happens in `perMille` of 1000 cases.
    mutating func happens(_ perMille: Int) -> Bool { below(1000) < perMille }

    mutating func one<Element>(of choices: [Element]) -> Element? {
        choices.isEmpty ? nil : choices[below(choices.count)]
    }

    /// One of the choices, each as likely as its weight says; `nil` when there is none with a weight.
    mutating func weighted<Choice>(_ choices: [(weight: Int, choice: Choice)]) -> Choice? {
        var total = 0
        for entry in choices { total += entry.weight }
        guard total > 0 else { return nil }
        var left = below(total)
        for entry in choices {
            left -= entry.weight
            if left < 0 { return entry.choice }
        }
        return nil
    }
}

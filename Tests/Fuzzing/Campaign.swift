import Rig

/// Changed inputs, one after the other, for one target.
package struct Campaign {
    /// An input that broke something, as short as it could be made.
    package struct Finding: Sendable {
        package let input: [UInt8]
        package let what: Broken
    }

    private let target: any FuzzTarget
    private let mutator: Mutator
    private var random: SeededGenerator
    /// What is changed further: the corpus, and inputs that got a new kind of answer.
    private var inputs: [[UInt8]]
    /// Of the corpus, what has still to be run as it is.
    private var unchanged: [[UInt8]]
    private var kinds: Set<String> = []
    /// So many inputs of new kinds are kept; then each takes the place of another one.
    private static let most = 4000
    /// After so many inputs the target is asked to settle.
    private static let round = 256

    /// How many inputs were run.
    package private(set) var executions = 0
    /// How many kinds of answers there were.
    package var variety: Int { kinds.count }

    package init(_ target: any FuzzTarget, corpus: [[UInt8]], seed: UInt64) {
        self.target = target
        mutator = Mutator(target.words, longest: target.longest)
        random = SeededGenerator(state: seed)
        inputs = corpus.isEmpty ? [[]] : corpus
        unchanged = corpus
    }

    /// Runs a round of inputs.
    /// - Parameter before: is told of each input before it is run, so that one that ends the process is known.
    /// - Returns: what broke, or `nil`.
    package mutating func round(before: ([UInt8]) -> Void) async -> Finding? {
        for _ in 0..<Self.round {
            let input =
                unchanged.popLast() ?? mutator.mutate(inputs.randomElement(using: &random) ?? [], inputs, &random)
            before(input)
            do throws(Broken) {
                let kind = try await target.run(input)
                if kinds.insert(kind).inserted { keep(input) }
            } catch {
                return await shortened(input, error)
            }
            executions += 1
        }
        do throws(Broken) {
            try await target.settle()
        } catch {
            return Finding(input: [], what: error)
        }
        return nil
    }

    private mutating func keep(_ input: [UInt8]) {
        if inputs.count < Self.most {
            inputs.append(input)
        } else {
            inputs[Int.random(in: 0..<inputs.count, using: &random)] = input
        }
    }

    /// Leaves out what is not needed to break the same thing.
    private func shortened(_ input: [UInt8], _ what: Broken) async -> Finding {
        var (best, reason) = (input, what)
        var length = best.count / 2
        while length > 0 {
            var place = 0
            while place + length <= best.count {
                let shorter = Array(best[..<place] + best[(place + length)...])
                if let broken = await broken(shorter), kind(broken) == kind(what) {
                    (best, reason) = (shorter, broken)
                } else {
                    place += length
                }
            }
            length /= 2
        }
        return Finding(input: best, what: reason)
    }

    private func broken(_ input: [UInt8]) async -> Broken? {
        do throws(Broken) {
            _ = try await target.run(input)
            return nil
        } catch {
            return error
        }
    }
}

import Fuzzing
import Testing

/// Every input that has ever broken something, and what each reader is really given.
@Suite("Fuzzing", .serialized)
struct CorpusTests {
    private static let names = FuzzTargets.all.map(\.name)

    private func target(_ name: String) throws -> any FuzzTarget {
        try #require(FuzzTargets.all.first { $0.name == name })
    }

    @Test("Proof: what the corpus holds breaks nothing", arguments: names)
    func theCorpusBreaksNothing(_ name: String) async throws {
        let target = try target(name)
        let inputs = Corpus.own.inputs(of: target)
        #expect(!inputs.isEmpty, "a reader without a corpus begins from nothing")
        for input in inputs {
            do throws(Broken) {
                _ = try await target.run(input.bytes)
            } catch {
                Issue.record("\(name)/\(input.name): \(error)")
            }
        }
        try await target.settle()
    }

    @Test("Proof: every folder of the corpus is some reader's")
    func noCorpusIsForgotten() {
        #expect(Set(Corpus.own.targets) == Set(Self.names))
    }

    @Test("Proof: a few changed inputs for each reader break nothing either", arguments: names)
    func changedInputsBreakNothing(_ name: String) async throws {
        let target = try target(name)
        var campaign = Campaign(target, corpus: Corpus.own.inputs(of: target).map(\.bytes), seed: 1)
        let finding = await campaign.round { _ in }
        #expect(finding == nil, "\(finding.map { "\($0.what): \($0.input)" } ?? "")")
    }
}

/// That the fuzzing finds what there is to find.
@Suite("Fuzzing finds defects")
struct CampaignTests {
    /// A reader with a defect of that kind.
    private struct Defective: FuzzTarget {
        let name = "defective"
        let words = ["device"]
        let isBroken: @Sendable ([UInt8]) -> Bool

        func run(_ input: [UInt8]) async throws(Broken) -> String {
            if isBroken(input) { throw Broken("planted") }
            return input.first.map { "\($0)" } ?? ""
        }
    }

    private func find(
        _ corpus: String, rounds: Int = 400, _ isBroken: @escaping @Sendable ([UInt8]) -> Bool
    ) async -> Campaign.Finding? {
        var campaign = Campaign(Defective(isBroken: isBroken), corpus: [Array(corpus.utf8)], seed: 7)
        for _ in 0..<rounds {
            if let finding = await campaign.round(before: { _ in }) { return finding }
        }
        return nil
    }

    @Test("Proof: a number beyond the range, a word, a letter that hides its neighbour: each is found, and shortened")
    func plantedDefectsAreFound() async throws {
        let number = try #require(await find(#"{"a":["b"],"size":"12"}"#) { text($0).contains("18446744073709551616") })
        #expect(text(number.input) == "18446744073709551616")
        let word = try #require(await find("x") { text($0).contains("device") })
        #expect(text(word.input) == "device")
        let hidden = try #require(
            await find("a/b") { bytes in
                bytes.contains(UInt8(ascii: "/")) && !text(bytes).contains("/")
            })
        #expect(hidden.input.count <= 4)
        #expect(number.what.description == "planted")
    }

    @Test("Proof: an input that breaks nothing is not said to")
    func nothingIsFoundWhereNothingIs() async throws {
        #expect(await find("abc", rounds: 4) { _ in false } == nil)
    }

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}

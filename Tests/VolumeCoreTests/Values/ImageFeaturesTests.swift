import Testing
import VolumeCore

@Suite struct ImageFeaturesTests {
    /// The names and bits of `rbd info` and librbd's `features.h`.
    static let known: [(String, UInt64)] = [
        ("layering", 1), ("striping", 2), ("exclusive-lock", 4), ("object-map", 8), ("fast-diff", 16),
        ("deep-flatten", 32), ("journaling", 64), ("data-pool", 128), ("operations", 256), ("migrating", 512),
        ("non-primary", 1024), ("dirty-cache", 2048),
    ]

    @Test(arguments: known)
    func eachFeatureHasLibrbdsBitAndName(_ name: String, _ bit: UInt64) {
        #expect(ImageFeatures(name: name) == ImageFeatures(rawValue: bit))
        #expect(ImageFeatures(rawValue: bit).names == [name])
    }

    @Test func theStandardCanBeMappedAndLocked() {
        #expect(ImageFeatures.standard.rawValue == 61)
        #expect(
            ImageFeatures.standard.names == ["layering", "exclusive-lock", "object-map", "fast-diff", "deep-flatten"])
    }

    @Test(arguments: 0..<64)
    func everyBitHasANameThatIsReadBack(_ bit: UInt64) throws {
        let feature = ImageFeatures(rawValue: 1 << bit)
        let name = try #require(feature.names.first)
        #expect(feature.names.count == 1)
        #expect(ImageFeatures(name: name) == feature)
        #expect((bit < 12) != name.hasPrefix("bit-"))
    }

    @Test(arguments: ["", "Layering", "bit-", "bit-64", "bit--1", "bit-012", "layering ", "all"])
    func otherNamesAreNoFeatures(_ name: String) {
        #expect(ImageFeatures(name: name) == nil)
    }

    @Test(arguments: [0, 1, 61, 2047, 1 << 40, 61 | 1 << 63, .max] as [UInt64])
    func aRecordSurvivesFeaturesThatAreNotKnownHere(_ bits: UInt64) throws {
        let features = ImageFeatures(rawValue: bits)
        #expect(try Golden.decode(ImageFeatures.self, Golden.text(features)) == features)
    }

    @Test func aRecordHasTheNames() throws {
        let features: ImageFeatures = [.exclusiveLock, .layering]
        #expect(try Golden.text(features) == "[\"layering\",\"exclusive-lock\"]")
        #expect(throws: (any Error).self) { try Golden.decode(ImageFeatures.self, "[\"teleport\"]") }
        #expect(throws: (any Error).self) { try Golden.decode(ImageFeatures.self, "61") }
    }

    @Test func theyAreShownByName() {
        #expect("\(ImageFeatures.standard.union(.dataPool))".hasSuffix("deep-flatten,data-pool"))
    }
}

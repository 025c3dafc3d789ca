import Testing

@testable import EtcdClient

@Suite struct KeyRangeTests {
    @Test func aPrefixEndsBeforeTheNextPossibleKey() {
        #expect(KeyRange.prefix("a/").end == Array("a0".utf8))
        #expect(KeyRange.prefix("a").end == Array("b".utf8))
    }

    @Test func bytesThatCannotGrowAreLeftOutOfTheEnd() {
        // 0xff is no UTF-8, but the last byte of a scalar can be as high as 0xbf, and its first 0xf4.
        #expect(KeyRange.prefix("\u{10FFFF}").end == [0xf4, 0x8f, 0xbf, 0xc0])
    }

    @Test func theEmptyPrefixIsEveryKey() {
        #expect(KeyRange.prefix("") == .all)
        #expect(KeyRange.all.start == [0])
        #expect(KeyRange.all.end == [0])
    }

    @Test func theRangeAfterAKeyBeginsWithTheNextPossibleOne() {
        let rest = KeyRange.prefix("a").after([0x61, 0x31])
        #expect(rest.start == [0x61, 0x31, 0])
        #expect(rest.end == [0x62])
    }
}

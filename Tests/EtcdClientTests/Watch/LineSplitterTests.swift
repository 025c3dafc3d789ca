import Testing

@testable import EtcdClient

@Suite struct LineSplitterTests {
    @Test func linesAreFoundWhereverTheBytesAreCut() {
        let text = Array("{\"a\":1}\n\n{}\nlast".utf8)
        for cut in 0...text.count {
            var splitter = LineSplitter()
            let lines = splitter.feed(Array(text[..<cut])) + splitter.feed(Array(text[cut...]))
            #expect(lines == [Array("{\"a\":1}".utf8), Array("{}".utf8)], "cut at \(cut)")
            #expect(splitter.finish() == Array("last".utf8))
            #expect(splitter.finish() == nil)
        }
    }
}

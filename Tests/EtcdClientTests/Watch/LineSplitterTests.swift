import Testing

@testable import EtcdClient

@Suite struct LineSplitterTests {
    @Test func linesAreFoundWhereverTheBytesAreCut() throws {
        let text = Array("{\"a\":1}\n\n{}\nlast".utf8)
        for cut in 0...text.count {
            var splitter = LineSplitter(limit: 7)
            var lines: [[UInt8]] = []
            for part in [text[..<cut], text[cut...]] {
                splitter.feed(Array(part))
                while let line = try splitter.next() { lines.append(line) }
            }
            #expect(lines == [Array("{\"a\":1}".utf8), Array("{}".utf8)], "cut at \(cut)")
            #expect(splitter.finish() == Array("last".utf8))
            #expect(splitter.finish() == nil)
        }
    }

    @Test(
        "E6: a line that is longer than the limit is refused, whether its end has come or not", arguments: ["", "\n"])
    func e6LongLinesAreRefused(end: String) throws {
        for cut in 0...8 {
            let text = Array(("12345678" + end).utf8)
            var splitter = LineSplitter(limit: 7)
            splitter.feed(Array("1234567\n".utf8))
            splitter.feed(Array(text[..<cut]))
            #expect(try splitter.next() == Array("1234567".utf8))
            #expect(throws: LineSplitter.TooLong.self) {
                _ = try splitter.next()
                splitter.feed(Array(text[cut...]))
                _ = try splitter.next()
            }
        }
    }
}

import KernelRequest
import Testing

@Suite struct KernelRequestTests {
    private func decoded(_ bytes: [UInt8]) -> KernelRequest? {
        let body = Array(bytes.dropFirst(KernelRequest.headerLength))
        guard KernelRequest.length(header: Array(bytes.prefix(KernelRequest.headerLength))) == body.count else {
            return nil
        }
        return KernelRequest(body: body)
    }

    @Test(arguments: [
        KernelRequest(words: []), KernelRequest(words: ["", "", ""]), KernelRequest(words: ["map", "ä b", ""]),
        KernelRequest(words: ["x"], secret: [0, 1, 255, 0]),
        KernelRequest(words: [String(repeating: "x", count: 9000)], secret: [7]),
    ])
    func whatIsSentIsReceived(_ request: KernelRequest) throws {
        #expect(decoded(try #require(request.encoded)) == request)
    }

    @Test func whatIsCutOffIsNone() throws {
        let bytes = try #require(KernelRequest(words: ["unmap", "4"], secret: [1, 2]).encoded)
        for length in 0..<bytes.count { #expect(decoded(Array(bytes.prefix(length))) == nil) }
    }

    @Test func whatCannotBeSentIsNotMade() {
        #expect(KernelRequest(words: ["a\0b"]).encoded == nil)
        #expect(KernelRequest(words: [String(repeating: "x", count: KernelRequest.limit)]).encoded == nil)
        #expect(KernelRequest(words: Array(repeating: "", count: 256)).encoded == nil)
        #expect(KernelRequest.length(header: [1, 0, 0, 0]) == nil)
        #expect(KernelRequest.length(header: [0, 0, 0, 0]) == nil)
    }
}

import NIOCore
import NIOHTTP1
import Testing

@testable import LocalHTTP

@Suite("Putting a request together")
struct RequestAssemblyTests {
    private static let target = RequestTarget(method: "POST", uri: "/call")

    private func head(
        _ headers: HTTPHeaders = [:], uri: String = "/call", version: HTTPVersion = .http1_1
    ) -> HTTPRequestHead {
        HTTPRequestHead(version: version, method: .POST, uri: uri, headers: headers)
    }

    @Test("Parts are joined")
    func joined() {
        var assembly = RequestAssembly(limit: 4)
        #expect(assembly.isIdle)
        #expect(assembly.head(head()) == .wait)
        #expect(!assembly.isIdle)
        #expect(assembly.body(ByteBuffer(string: "ab")) == .wait)
        #expect(assembly.body(ByteBuffer(string: "cd")) == .wait)
        #expect(
            assembly.end()
                == .dispatch(
                    Self.target, body: ByteBuffer(string: "abcd"), Exchange(version: .http1_1, keepAlive: true)))
        #expect(assembly.isIdle)
    }

    @Test("A body that says it is too long is refused at once, one that grows too long when it does")
    func tooLarge() {
        let refusal = RequestAssembly.Step.refuse(.tooLarge(limit: 4), of: Self.target, Exchange())
        var declared = RequestAssembly(limit: 4)
        #expect(declared.head(head(["Content-Length": "5"])) == refusal)
        var growing = RequestAssembly(limit: 4)
        _ = growing.head(head())
        #expect(growing.body(ByteBuffer(string: "abcd")) == .wait)
        #expect(growing.body(ByteBuffer(string: "e")) == refusal)
    }

    @Test("What follows a refusal is thrown away, but not without end")
    func discarding() {
        var assembly = RequestAssembly(limit: 4)
        _ = assembly.head(head(["Content-Length": "1000"]))
        #expect(assembly.body(ByteBuffer(repeating: 1, count: 64)) == .wait)
        #expect(assembly.body(ByteBuffer(repeating: 1, count: 1)) == .close)
        var ended = RequestAssembly(limit: 4)
        _ = ended.head(head(["Content-Length": "1000"]))
        #expect(ended.end() == .close)
        var broken = RequestAssembly(limit: 4)
        _ = broken.head(head(["Content-Length": "1000"]))
        #expect(broken.broken("x") == .close)
    }

    @Test("A client that asks may send, unless its body is too long or it speaks HTTP/1.0")
    func expectations() {
        var assembly = RequestAssembly(limit: 4)
        #expect(assembly.head(head(["Expect": "100-Continue", "Content-Length": "4"])) == .sendContinue)
        var large = RequestAssembly(limit: 4)
        let step = large.head(head(["Expect": "100-continue", "Content-Length": "5"]))
        #expect(step == .refuse(.tooLarge(limit: 4), of: Self.target, Exchange()))
        var old = RequestAssembly(limit: 4)
        #expect(old.head(head(["Expect": "100-continue"], version: .http1_0)) == .wait)
    }

    @Test(
        "Who wants the connection kept",
        arguments: [
            (HTTPVersion.http1_1, [:], true), (.http1_1, ["Connection": "close"], false),
            (.http1_0, [:], false), (.http1_0, ["Connection": "keep-alive"], true),
            (.http1_1, ["Connection": "upgrade", "Upgrade": "h2c"], false),
        ])
    func keepAlive(version: HTTPVersion, headers: [String: String], keepAlive: Bool) {
        var assembly = RequestAssembly(limit: 4)
        _ = assembly.head(head(HTTPHeaders(headers.map { ($0, $1) }), version: version))
        #expect(
            assembly.end()
                == .dispatch(Self.target, body: ByteBuffer(), Exchange(version: version, keepAlive: keepAlive)))
    }

    @Test("Broken bytes are refused with what was asked for, where that is known")
    func broken() {
        var unknown = RequestAssembly(limit: 4)
        #expect(unknown.broken("x") == .refuse(.notHTTP(why: "x"), of: nil, Exchange()))
        var known = RequestAssembly(limit: 4)
        _ = known.head(head())
        #expect(known.broken("x") == .refuse(.notHTTP(why: "x"), of: Self.target, Exchange()))
        #expect(known.isIdle)
    }
}

import Rig

/// Any bytes on the plugin's socket, in pieces of any length.
struct HTTPBytesTarget: FuzzTarget {
    let name = "http-bytes"
    let words = [
        "POST /VolumeDriver.Mount HTTP/1.1\r\n", "GET /healthz HTTP/1.1\r\n\r\n",
        "POST /VolumeDriver.List HTTP/1.0\r\n\r\n",
        "Content-Length: 0\r\n\r\n", "Content-Length: 21\r\n", "Content-Length: 99999\r\n", "Content-Length: -1\r\n",
        "Content-Length: +5\r\n", "Content-Length: 5, 6\r\n", "content-length:\t5\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Transfer-Encoding: gzip, chunked\r\n", "Transfer-Encoding:\u{0B}chunked\r\n", "5\r\nhello\r\n", "0\r\n\r\n",
        "ffffffffffffffff\r\n", "0;x=y\r\n", "Expect: 100-continue\r\n", "Upgrade: h2c\r\n", "Connection: close\r\n",
        "Connection: keep-alive\r\n", "Connection: upgrade\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "CONNECT a:1 HTTP/1.1\r\n",
        "HTTP/1.1", "HTTP/0.9", "HTTP/2.0", " ", "\n\n", "\r\n\r\n", "\0", #"{"Name":"v","ID":"1"}"#, " folded\r\n",
    ]

    let longest = 1 << 15
    private let bench = HTTPBench("http-bytes")

    func run(_ input: [UInt8]) async throws(Broken) -> String {
        let got = try await bench.converse(Self.pieces(of: input))
        try hold(got.isEnded, "the connection was still open long after the client had said its last word")
        let answers = try HTTPAnswers(got.bytes).answers
        let requests = Self.count("HTTP/", in: input)
        try hold(answers.count <= requests + 1, "\(answers.count) answers to \(requests) requests")
        return answers.prefix(6).map { "\($0.status)\(kind(String($0.body.prefix(60))))" }.joined(separator: " ")
    }

    func settle() async throws(Broken) {
        let request = Array("POST /VolumeDriver.Path HTTP/1.1\r\nContent-Length: 15\r\n\r\n{\"Name\":\"last\"}".utf8)
        let answers = try HTTPAnswers(try await bench.converse([request]).bytes).answers
        try hold(answers.first?.body.contains("/path/last") == true, "nobody is served any more")
        try await bench.end()
    }

    /// The input itself says where it is cut, so that it always is cut there.
    private static func pieces(of input: [UInt8]) -> [[UInt8]] {
        var random = SeededGenerator(state: input.reduce(0) { $0 &* 31 &+ UInt64($1) })
        var pieces: [[UInt8]] = []
        var rest = input[...]
        while !rest.isEmpty {
            let length = 1 << Int.random(in: 0...12, using: &random)
            pieces.append(Array(rest.prefix(length)))
            rest = rest.dropFirst(length)
        }
        return pieces
    }

    private static func count(_ word: String, in input: [UInt8]) -> Int {
        let word = Array(word.utf8)
        guard input.count >= word.count else { return 0 }
        return (0...input.count - word.count).count {
            input[$0] == word[0] && input[$0..<$0 + word.count].elementsEqual(word)
        }
    }
}

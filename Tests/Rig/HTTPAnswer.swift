/// An HTTP/1.1 answer as it came over the wire.
public struct HTTPAnswer: Sendable {
    public let status: Int
    /// By lower-case name.
    public let headers: [String: String]
    public let body: [UInt8]

    public var text: String { String(decoding: body, as: UTF8.self) }

    /// Takes one answer off the front of what has arrived; nil when it is not complete yet.
    ///
    /// Only what Docker's plugins send is understood: a body with a `Content-Length`, or none.
    ///
    /// - Throws: ``RigFailure`` when this is no such answer.
    static func take(from arrived: inout [UInt8]) throws -> HTTPAnswer? {
        let endOfHead = Array("\r\n\r\n".utf8)
        guard let bodyStart = arrived.firstEnd(of: endOfHead) else { return nil }
        let lines = String(decoding: arrived[..<(bodyStart - endOfHead.count)], as: UTF8.self).split(separator: "\r\n")
        let statusLine = lines.first?.split(separator: " ", maxSplits: 2) ?? []
        guard statusLine.count >= 2, statusLine[0] == "HTTP/1.1", let status = Int(statusLine[1]) else {
            throw RigFailure("this does not start an HTTP/1.1 answer: \(lines.first ?? "")")
        }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { throw RigFailure("this is no HTTP header: \(line)") }
            headers[parts[0].lowercased()] = String(parts[1].drop { $0 == " " })
        }
        guard headers["transfer-encoding"] == nil else {
            throw RigFailure("the answer comes in chunks; Docker is sent one Content-Length body")
        }
        let length = headers["content-length"].flatMap(Int.init) ?? 0
        guard arrived.count >= bodyStart + length else { return nil }
        let body = Array(arrived[bodyStart..<(bodyStart + length)])
        arrived.removeFirst(bodyStart + length)
        return HTTPAnswer(status: status, headers: headers, body: body)
    }
}

extension [UInt8] {
    /// The index behind the first occurrence of a pattern.
    fileprivate func firstEnd(of pattern: [UInt8]) -> Int? {
        guard count >= pattern.count else { return nil }
        return (0...(count - pattern.count)).first { self[$0..<($0 + pattern.count)].elementsEqual(pattern) }
            .map { $0 + pattern.count }
    }
}

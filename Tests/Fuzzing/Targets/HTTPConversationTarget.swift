import Rig

/// Requests as Docker might send them, many on one connection and in any pieces: each has one answer, and its own.
///
/// The input is a script: one byte says which request, the next one where it is cut.
struct HTTPConversationTarget: FuzzTarget {
    let name = "http-conversation"
    private let bench = HTTPBench("http-talk")

    private struct Exchange {
        var request: [UInt8]
        /// Status, and a part of the body; `nil` when the connection is closed without an answer.
        var answer: (status: Int, part: String)?
        var isLast = false
    }

    func run(_ input: [UInt8]) async throws(Broken) -> String {
        let script = Array(input.prefix(64))
        var exchanges: [Exchange] = []
        for index in stride(from: 0, to: script.count, by: 2) {
            let exchange = Self.exchange(script[index], "v\(index)")
            exchanges.append(exchange)
            if exchange.isLast { break }
        }
        let got = try await bench.converse(Self.pieces(exchanges.flatMap(\.request), cuts: script))
        try hold(got.isEnded, "the connection was still open long after the client had said its last word")
        let answers = try HTTPAnswers(got.bytes).answers
        let wanted = exchanges.compactMap(\.answer)
        try hold(answers.count == wanted.count, "\(answers.count) answers to \(wanted.count) requests")
        for (answer, wanted) in zip(answers, wanted) {
            try hold(
                answer.status == wanted.status && answer.body.contains(wanted.part),
                "\(wanted) was to be answered, and \(answer) was")
        }
        return "\(script.enumerated().filter { $0.offset % 2 == 0 }.map { $0.element % 14 }.prefix(3)) \(wanted.count)"
    }

    func settle() async throws(Broken) { try await bench.end() }

    private static func exchange(_ kind: UInt8, _ name: String) -> Exchange {
        let body = #"{"Name":"\#(name)","ID":"\#(kind)","Opts":{}}"#
        func post(_ call: String, _ body: String, _ headers: String = "") -> [UInt8] {
            Array(
                "POST /\(call) HTTP/1.1\r\nHost: x\r\n\(headers)Content-Length: \(body.utf8.count)\r\n\r\n\(body)".utf8)
        }
        switch kind % 14 {
        case 0: return Exchange(request: post("Plugin.Activate", ""), answer: (200, "Implements"))
        case 1: return Exchange(request: post("VolumeDriver.Create", body), answer: (200, #"{"Err":""}"#))
        case 2: return Exchange(request: post("VolumeDriver.Remove", body), answer: (500, "cannot remove \(name)"))
        case 3: return Exchange(request: post("VolumeDriver.Mount", body), answer: (200, "/mnt/\(name)\""))
        case 4: return Exchange(request: post("VolumeDriver.Path", body), answer: (200, "/path/\(name)\""))
        case 5: return Exchange(request: post("VolumeDriver.Get", body), answer: (200, "\"Name\":\"\(name)\""))
        case 6: return Exchange(request: post("VolumeDriver.List", "{}"), answer: (200, "Volumes"))
        case 7: return Exchange(request: post("VolumeDriver.Unmount", "{\"Name\":"), answer: (400, "Unmount"))
        case 8: return Exchange(request: post("Nothing.\(name)", body), answer: (404, "Nothing.\(name)"))
        case 9:
            let chunks =
                "5\r\n\(body.prefix(5))\r\n\(String(body.utf8.count - 5, radix: 16));x=y\r\n\(body.dropFirst(5))\r\n0\r\n\r\n"
            let head = "POST /VolumeDriver.Path HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
            return Exchange(request: Array((head + chunks).utf8), answer: (200, "/path/\(name)\""))
        case 10:
            return Exchange(
                request: post("VolumeDriver.Path", body, "Expect: 100-continue\r\n"), answer: (200, "/path/\(name)\""))
        case 11:
            return Exchange(
                request: post("VolumeDriver.Path", body, "Connection: close\r\n"), answer: (200, "/path/\(name)\""),
                isLast: true)
        case 12:
            return Exchange(request: post("VolumeDriver.Get", #"{"Name":"?"}"#), answer: nil, isLast: true)
        default:
            let long = #"{"Name":"\#(String(repeating: "x", count: 5000))"}"#
            return Exchange(request: post("VolumeDriver.Mount", long), answer: (413, "longer"), isLast: true)
        }
    }

    private static func pieces(_ bytes: [UInt8], cuts: [UInt8]) -> [[UInt8]] {
        var (pieces, rest, index) = ([[UInt8]](), bytes[...], 1)
        while !rest.isEmpty {
            // A cut of 0 leaves the next few requests in one piece.
            let cut = cuts.isEmpty ? 0 : Int(cuts[index % cuts.count])
            pieces.append(Array(rest.prefix(cut == 0 ? 4096 : cut)))
            rest = rest.dropFirst(pieces.last?.count ?? 1)
            index += 2
        }
        return pieces
    }
}

import FoundationEssentials

/// The very bytes that dockerd sends to a volume plugin.
///
/// A POST with an Accept header and no Content-Type; JSON plus a newline, as Go's encoder writes it. `Plugin.Activate`
/// comes with no body at all.
public enum DockerRequest {
    /// A call with a JSON body.
    ///
    /// - Parameter method: `VolumeDriver.Create`, …
    public static func call(_ method: String, _ body: JSONValue) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
        return call(method, body: Array(try encoder.encode(body)) + [UInt8(ascii: "\n")])
    }

    /// A call with any body: an empty one is what dockerd's retries can carry.
    public static func call(_ method: String, body: [UInt8]) -> [UInt8] {
        let head = """
            POST /\(method) HTTP/1.1\r
            Host: %2Frun%2Fdocker%2Fplugins%2Frbd.sock\r
            User-Agent: Go-http-client/1.1\r
            Content-Length: \(body.count)\r
            Accept: application/vnd.docker.plugins.v1.2+json\r
            Accept-Encoding: gzip\r
            \r

            """
        return Array(head.utf8) + body
    }

    /// A GET, for `/healthz` and `/metrics`.
    public static func get(_ path: String) -> [UInt8] {
        Array("GET \(path) HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n".utf8)
    }
}

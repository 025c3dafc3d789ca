import CRados
import FoundationEssentials
import Glibc
import UntrustedJSON

/// A command to the monitors, as the `ceph` tool sends it: JSON in, JSON out.
public struct MonitorCommand: Sendable, Hashable {
    /// Such as `osd blocklist ls`.
    public let prefix: String
    /// The other arguments. Numbers go as text; the monitors accept that.
    public let arguments: [String: String]

    public init(_ prefix: String, _ arguments: [String: String] = [:]) {
        self.prefix = prefix
        self.arguments = arguments
    }

    /// The request with sorted keys, asking for a JSON answer.
    func json() throws -> String {
        var fields = arguments
        fields["prefix"] = prefix
        fields["format"] = "json"
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(fields), as: UTF8.self)
    }

    /// Sends it and waits for the answer (`rados_mon_command`). Blocks.
    /// - Throws: ``CephError`` with the monitor's own words as its detail.
    func run(on cluster: CephCluster, _ call: CephCall) throws -> [UInt8] {
        let request = try json()
        return try cluster.withUnsafeCluster(call) { raw in
            var (output, outputSize): (UnsafeMutablePointer<CChar>?, Int) = (nil, 0)
            var (status, statusSize): (UnsafeMutablePointer<CChar>?, Int) = (nil, 0)
            let code = request.withCString { text in
                var commands: [UnsafePointer<CChar>?] = [text]
                return rados_mon_command(
                    raw, &commands, 1, nil, 0, &output, &outputSize, &status, &statusSize)
            }
            defer {
                rados_buffer_free(output)
                rados_buffer_free(status)
            }
            if code < 0 {
                throw call.error(code, detail: String(decoding: Self.bytes(status, statusSize), as: UTF8.self))
            }
            return Self.bytes(output, outputSize)
        }
    }

    private static func bytes(_ pointer: UnsafeMutablePointer<CChar>?, _ count: Int) -> [UInt8] {
        guard let pointer else { return [] }
        return [UInt8](UnsafeRawBufferPointer(start: pointer, count: count))
    }
}

extension CephConnection {
    /// Sends a command to the monitors and returns the bytes of the answer, JSON as a rule.
    /// - Parameter mutates: whether it changes anything: a lost answer then leaves the outcome
    ///   unknown.
    public nonisolated func monitorCommand(
        _ command: MonitorCommand, mutates: Bool, timeout: Duration? = nil
    ) async throws -> [UInt8] {
        let call = CephCall(name: "rados_mon_command", subject: .command(command.prefix), mutates: mutates)
        return try await perform(call, timeout: timeout) { try command.run(on: $0, call) }
    }

    /// Sends a reading command and decodes the JSON answer.
    nonisolated func monitorQuery<Answer: Decodable & Sendable>(
        _ command: MonitorCommand, as _: Answer.Type, timeout: Duration?
    ) async throws -> Answer {
        let bytes = try await monitorCommand(command, mutates: false, timeout: timeout)
        do {
            return try UntrustedJSON.decode(Answer.self, from: Array(JSONText.firstDocument(in: bytes)))
        } catch {
            throw CephCall.reading("rados_mon_command", .command(command.prefix))
                .error(EILSEQ, detail: "cannot make sense of the answer: \(error)")
        }
    }
}

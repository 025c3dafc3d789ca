import FoundationEssentials

/// A server of its own for one test, on a socket in a folder of its own.
package protocol ServerOnSocket {
    var folder: String { get }
    /// Of the socket.
    var path: String { get }

    func start() async throws
    func drain(timeout: Duration) async
}

extension ServerOnSocket {
    /// Runs `body` while it serves, and ends it afterwards.
    package func whileServing(_ body: (Self) async throws -> Void) async throws {
        do {
            try await start()
            try await body(self)
        } catch {
            await end()
            throw error
        }
        await end()
    }

    package func end() async {
        await drain(timeout: .seconds(10))
        try? FileManager.default.removeItem(atPath: folder)
    }

    package func connect(reads: Bool = true) async throws -> RawClient {
        try await RawClient.connect(to: path, reads: reads)
    }

    /// One exchange on a connection of its own; nil when the server closed it without a reply.
    package func exchange(_ send: (RawClient) async throws -> Void) async throws -> RawReply? {
        let client = try await connect()
        try await send(client)
        let reply = try await client.reply()
        try? await client.close()
        return reply
    }
}

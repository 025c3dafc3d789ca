import Testing
import VolumeCore

/// One run of the plugin, with a connection to Ceph.
public protocol ConnectedRun: Sendable {
    /// What Ceph knows its connection as.
    var client: ClientAddress { get }
    var formerClients: any FormerClients { get throws }
    /// Ends it without a word.
    func kill() async throws
}

/// What every `FormerClients` promises.
public struct FormerClientsContract: Sendable {
    let start: @Sendable () async throws -> any ConnectedRun
    let startElsewhere: @Sendable () async throws -> any ConnectedRun
    let reboot: @Sendable () async throws -> Void
    let here: String
    let elsewhere: String

    /// - Parameters:
    ///   - start: starts the plugin, which does not run, on a node that has never had one.
    ///   - startElsewhere: the same on another node.
    ///   - reboot: the node of `start`, on which nothing runs.
    ///   - here: an address of the host of that node; `elsewhere`: one that it does not have.
    public init(
        start: @escaping @Sendable () async throws -> any ConnectedRun,
        startElsewhere: @escaping @Sendable () async throws -> any ConnectedRun,
        reboot: @escaping @Sendable () async throws -> Void, here: String, elsewhere: String
    ) {
        self.start = start
        self.startElsewhere = startElsewhere
        self.reboot = reboot
        self.here = here
        self.elsewhere = elsewhere
    }

    public static let promises: [ContractCase<Self>] = [
        .init("the first run knows of none, and not of itself") { contract in
            let run = try await contract.start()
            try await contract.expect([], knownTo: run)
        },
        .init("runs that were killed are known until they are forgotten, one by one") { try await $0.forgets() },
        .init("who is no former client can be forgotten, and nothing changes") { try await $0.forgetsNobody() },
        .init("the clients of an earlier boot are not told: they may be another host's by now") {
            try await $0.reboots()
        },
        .init("B10: a client at this machine's address is told from one at another") { try await $0.tellsHosts() },
        .init("the clients of another node are not told") { contract in
            try await contract.startElsewhere().kill()
            try await contract.expect([], knownTo: contract.start())
        },
    ]

    private func tellsHosts() async throws {
        let clients = try await start().formerClients
        for nonce in [1, 4711] {
            let mine = try #require(ClientAddress("\(here):0/\(nonce)"))
            let others = try #require(ClientAddress("\(elsewhere):0/\(nonce)"))
            #expect(try await clients.isThisMachines(mine))
            #expect(try await !clients.isThisMachines(others))
        }
    }

    private func expect(
        _ clients: Set<ClientAddress>, knownTo run: any ConnectedRun, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        var known = try await run.formerClients.all()
        // A child that is just being started has its parent's locks for a moment, and the note of a dead run is locked by it.
        for _ in 0..<100 where Set(known) != clients {
            try await Task.sleep(for: .milliseconds(50))
            known = try await run.formerClients.all()
        }
        #expect(Set(known) == clients, sourceLocation: sourceLocation)
        #expect(Set(known).count == known.count, sourceLocation: sourceLocation)
    }

    private func killed() async throws -> ClientAddress {
        let run = try await start()
        try await run.kill()
        return run.client
    }

    private func forgets() async throws {
        let (first, second) = try await (killed(), killed())
        let third = try await start()
        try await expect([first, second], knownTo: third)
        for _ in 1...2 {
            try await third.formerClients.forget(first)
            try await expect([second], knownTo: third)
        }
        try await third.kill()
        let last = try await start()
        try await expect([second, third.client], knownTo: last)
    }

    private func forgetsNobody() async throws {
        let former = try await killed()
        let run = try await start()
        try await run.formerClients.forget(run.client)
        try await expect([former], knownTo: run)
        try await run.kill()
        try await expect([former, run.client], knownTo: start())
    }

    private func reboots() async throws {
        _ = try await killed()
        try await reboot()
        try await expect([], knownTo: start())
    }
}
